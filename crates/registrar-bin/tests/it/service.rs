//! Under a service manager: what it is told (sd_notify(3)), and how our unit starts it.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Room, command};

const UNIT: &str = include_str!("../../../../contrib/registrar.service");
const WATCHDOG: Duration = Duration::from_secs(2);

/// A manager that a registrar tells things.
struct Manager {
    socket: UnixDatagram,
    room: Room,
}

impl Manager {
    fn new() -> Self {
        let room = Room::new();
        let socket = UnixDatagram::bind(room.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, room }
    }

    fn start(&self) -> Registrar {
        let mut command = command();
        command.args(["serve", "--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0"]);
        command.env("NOTIFY_SOCKET", self.room.path("notify"));
        command.env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        Registrar::from_process(Process::start(&mut command))
    }

    fn next(&self) -> String {
        let mut buffer = [0; 100];
        let length = self.socket.recv(&mut buffer).expect("something was to be told");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[test]
fn a_manager_is_told_when_it_serves_that_it_lives_and_when_it_stops() {
    let manager = Manager::new();
    let registrar = manager.start();
    let mut told = vec![manager.next()];
    let mut beats = Vec::new();
    while beats.len() < 4 {
        told.push(manager.next());
        if told.last().is_some_and(|last| last == "WATCHDOG=1") {
            beats.push(Instant::now());
        }
    }
    // The first sign of life may come while the last things are made ready.
    assert_eq!(told.iter().filter(|what| *what == "READY=1").count(), 1, "{told:?}");
    assert!(beats.windows(2).all(|pair| pair[1] - pair[0] < WATCHDOG), "{beats:?}");
    Phone::udp(registrar.udp()).ask(&Request::register("sip:alice@example.com"));
    registrar.stop();
    let stopping = (0..10).map(|_| manager.next()).find(|what| what == "STOPPING=1");
    assert!(stopping.is_some());
}

#[test]
fn a_registrar_that_stands_still_gives_no_sign_of_life() {
    let manager = Manager::new();
    let registrar = manager.start();
    while manager.next() != "WATCHDOG=1" {}
    registrar.signal(Signal::SIGSTOP);
    // What was told before it stood still.
    manager.socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    while manager.socket.recv(&mut [0; 100]).is_ok() {}
    manager.socket.set_read_timeout(Some(WATCHDOG)).unwrap();
    assert!(manager.socket.recv(&mut [0; 100]).is_err());
    registrar.signal(Signal::SIGCONT);
    registrar.stop();
}

#[test]
fn the_programs_command_in_the_unit_is_one_that_it_understands() {
    let line = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/registrar ")).unwrap();
    let room = Room::new();
    let file = room.file("registrar.toml", "listen = ['udp:127.0.0.1:0']");
    let args: Vec<_> = line.split(' ').map(|word| word.replace("/etc/registrar/registrar.toml", &file)).collect();
    assert!(args.contains(&file));
    Registrar::run(&args.iter().map(String::as_str).collect::<Vec<_>>()).stop();
}
