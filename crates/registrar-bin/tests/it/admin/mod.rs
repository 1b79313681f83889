//! The HTTP API of a running registrar.

mod add;
mod addresses;
mod backends;
mod documents;
mod doors;
mod events;
mod http;
mod loading;
#[cfg(test)]
mod metrics;
mod openapi;
mod reasons;
mod schemathesis;
#[cfg(test)]
mod traces;
mod webhooks;

use std::process::Command;

use http::Api;

use crate::harness::{Process, Registrar, Room, command};

/// A registrar with an API on the socket `admin.sock` in a room of its own, and these settings beside.
struct Administered {
    registrar: Registrar,
    room: Room,
}

impl Administered {
    fn start(settings: &str) -> Self {
        let settings = format!("location.mode = 'memory'\n{settings}");
        Self::started(&settings, |file| Process::start(command().args(["serve", "--config", file])))
    }

    /// The same with its bindings in `data`, and limits on what it may write that are failures and do not end it.
    fn on_disk(settings: &str) -> Self {
        let settings = format!("location.directory = 'data'\n{settings}");
        // The signal that tells of the limit is ignored: writing fails instead.
        let script = "trap '' XFSZ; exec \"$1\" serve --config \"$2\"";
        Self::started(&settings, |file| {
            Process::start(Command::new("sh").args(["-c", script, "sh", env!("CARGO_BIN_EXE_registrar"), file]))
        })
    }

    fn started(settings: &str, start: impl FnOnce(&str) -> Process) -> Self {
        let room = Room::new();
        let listen = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0']\n";
        let file = room.file("registrar.toml", &format!("{listen}admin.listen = 'unix:admin.sock'\n{settings}\n"));
        let registrar = Registrar::from_process(start(&file));
        let mut administered = Self { registrar, room };
        // The API is there when it is said where.
        administered.registrar.wait_for("  api ");
        administered
    }

    fn socket(&self) -> String {
        self.room.path("admin.sock")
    }

    /// From now on no file of its may become longer than `bytes`, a number or `unlimited`.
    fn limit_files(&self, bytes: &str) {
        let (pid, limit) = (self.registrar.pid().to_string(), format!("--fsize={bytes}:unlimited"));
        let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
        assert!(status.success(), "prlimit (Debian package util-linux) {status}");
    }

    fn api(&self) -> Api {
        Api::Unix(self.socket())
    }
}
