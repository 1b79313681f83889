//! The registrar under test.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::process::Command;

use nix::sys::signal::Signal;

use super::{Finished, Phone, Process, Room};

/// A listener, as the registrar says where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) udp: bool,
    pub(crate) addr: SocketAddr,
}

impl Leg {
    /// Its name in a Via.
    pub(crate) fn transport(self) -> &'static str {
        if self.udp { "UDP" } else { "TCP" }
    }

    pub(crate) fn phone(self) -> Phone {
        if self.udp { Phone::udp(self.addr) } else { Phone::tcp(self.addr) }
    }
}

/// A running registrar. It is told to stop when the test ends, however it ends.
pub(crate) struct Registrar {
    process: Process,
    legs: Vec<Leg>,
    _room: Option<Room>,
}

/// UDP and TCP over IPv4 and IPv6, each on a free port.
const EVERY_LEG: &str = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'udp:[::1]:0', 'tcp:[::1]:0']";

impl Registrar {
    /// On a leg of each kind, with the default settings.
    pub(crate) fn start() -> Self {
        Self::configured("")
    }

    /// On a leg of each kind, with these settings in its file.
    pub(crate) fn configured(settings: &str) -> Self {
        let room = Room::new();
        let file = room.file("registrar.toml", &format!("{EVERY_LEG}\n{settings}\n"));
        let mut registrar = Self::run(&["serve", "--config", &file]);
        registrar._room = Some(room);
        registrar
    }

    /// With these arguments.
    pub(crate) fn run(args: &[&str]) -> Self {
        Self::from_process(Process::start(command().args(args)))
    }

    /// One that was just started with its standard output read.
    pub(crate) fn from_process(process: Process) -> Self {
        Self::or_refused(process).unwrap_or_else(|finished| panic!("{finished:?}"))
    }

    /// The same where it may also say that it cannot.
    pub(crate) fn or_refused(mut process: Process) -> Result<Self, Finished> {
        while let Some(line) = process.wait_for_line() {
            if let Some((_, legs)) = line.split_once("listening ") {
                // What is particular about a leg stands in parentheses behind it.
                let named = legs.split_whitespace().filter(|word| word.starts_with(['u', 't', 'w']));
                let legs = named.map(leg).collect();
                return Ok(Self { process, legs, _room: None });
            }
        }
        Err(process.finish())
    }

    pub(crate) fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The leg over UDP and IPv4.
    pub(crate) fn udp(&self) -> SocketAddr {
        self.leg(true, true)
    }

    /// The leg over TCP and IPv4.
    pub(crate) fn tcp(&self) -> SocketAddr {
        self.leg(false, true)
    }

    pub(crate) fn leg(&self, udp: bool, ipv4: bool) -> SocketAddr {
        self.legs.iter().find(|leg| leg.udp == udp && leg.addr.is_ipv4() == ipv4).unwrap().addr
    }

    /// Stops it as an operator does, and expects that all is well.
    pub(crate) fn stop(self) -> Finished {
        self.signal(Signal::SIGTERM);
        let finished = self.finish();
        assert_eq!(finished.code, Some(0), "{}", finished.err);
        finished
    }

    /// Waits until it has ended.
    pub(crate) fn finish(self) -> Finished {
        self.process.finish()
    }
}

impl Deref for Registrar {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Registrar {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The program, without arguments yet. What it keeps on disk, where no other directory is named, is in one of its own,
/// which goes with its process.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registrar"));
    command.env(Room::STATE, Room::named());
    command
}

fn leg(text: &str) -> Leg {
    let (transport, addr) = text.split_once(':').unwrap();
    Leg { udp: transport == "udp", addr: addr.parse().unwrap() }
}
