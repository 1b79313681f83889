//! The HTTP API of a running registrar.

mod add;
mod addresses;
mod documents;
mod doors;
mod events;
mod http;
#[cfg(test)]
mod metrics;
mod openapi;

use http::Api;

use crate::harness::{Process, Registrar, Room, command};

/// A registrar with an API on the socket `admin.sock` in a room of its own, and these settings beside.
struct Administered {
    registrar: Registrar,
    room: Room,
}

impl Administered {
    fn start(settings: &str) -> Self {
        let room = Room::new();
        let listen = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0']\n[location]\nmode = 'memory'\n";
        let file = room.file("registrar.toml", &format!("{listen}[admin]\nlisten = 'unix:admin.sock'\n{settings}\n"));
        let registrar = Registrar::from_process(Process::start(command().args(["serve", "--config", &file])));
        let mut administered = Self { registrar, room };
        // The API is there when it is said where.
        administered.registrar.wait_for("  api ");
        administered
    }

    fn socket(&self) -> String {
        self.room.path("admin.sock")
    }

    fn api(&self) -> Api {
        Api::Unix(self.socket())
    }
}
