//! linphone's program for terminals, `linphonec`, judged by what it says of itself.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Room, contacts_of, secured, wait_until_contacts};

const ALICE: &str = "sip:alice@example.com";
const SETTINGS: &str = "[registrar]\nredirect = true\n[flows]\ngrace = 1";

struct Linphone {
    process: Process,
    room: Room,
}

impl Linphone {
    /// As a phone of alice at this registrar, whose certificate may be in `authority`.
    fn start(registrar: &str, authority: &str) -> Self {
        let room = Room::new();
        // Without a place for its database it does nothing at all, and says so nowhere.
        fs::create_dir_all(room.path(".local/share/linphone")).unwrap();
        mkfifo(room.path("keyboard").as_str(), Mode::S_IRWXU).unwrap();
        let config = room.file(
            "linphonerc",
            &format!(
                "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\nroot_ca={authority}\n\
                 [proxy_0]\nreg_proxy=<{registrar}>\nreg_identity=<{ALICE}>\nreg_expires=60\nreg_sendregister=1\n"
            ),
        );
        // The keyboard is open for writing too, so that it never ends.
        let script = "exec stdbuf -oL linphonec -c \"$0\" <> \"$HOME/keyboard\"";
        let home = room.path("");
        let process =
            Process::start(Command::new("sh").args(["-c", script, &config]).env("HOME", home.trim_end_matches('/')));
        Self { process, room }
    }

    fn type_in(&self, line: &str) {
        fs::write(self.room.path("keyboard"), format!("{line}\n")).unwrap();
    }

    /// Asks it until it says that it is registered.
    fn wait_until_registered(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.type_in("proxy list");
            if self.process.wait_for("registered: ").ends_with("yes") {
                return;
            }
            assert!(Instant::now() < deadline, "linphonec is not registered");
            // While it answers, it does nothing else.
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

fn status_of_a_call(registrar: &Registrar) -> u16 {
    Phone::udp(registrar.udp()).ask(&Request::new("INVITE", ALICE, ALICE)).status()
}

/// It registers, leaves, comes back, and is killed: over a connection that is the end of its binding.
fn lives_and_dies(transport: &str) {
    let (registrar, room) = secured(SETTINGS);
    let leg = registrar.legs()[["udp", "tcp", "tls"].iter().position(|name| *name == transport).unwrap()];
    // It compares the certificate with a name only.
    let server = format!("sip:localhost:{};transport={transport}", leg.addr.port());
    let mut phone = Linphone::start(&server, &room.path("own.pem"));
    phone.wait_until_registered();
    let contacts = contacts_of(registrar.udp(), ALICE);
    assert!(contacts.len() == 1 && contacts[0].contains(&format!("transport={transport}")), "{contacts:?}");
    assert_eq!(status_of_a_call(&registrar), 302);

    phone.type_in("quit");
    assert_eq!(phone.process.finish().code, Some(0));
    assert!(contacts_of(registrar.udp(), ALICE).is_empty());

    let mut phone = Linphone::start(&server, &room.path("own.pem"));
    phone.wait_until_registered();
    phone.process.signal(Signal::SIGKILL);
    phone.process.finish();
    if transport == "udp" {
        // Nobody can know.
        assert_eq!(status_of_a_call(&registrar), 302);
    } else {
        wait_until_contacts(registrar.udp(), ALICE, <[_]>::is_empty);
        assert_eq!(status_of_a_call(&registrar), 480);
    }
    registrar.stop();
}

#[test]
fn it_registers_and_leaves_over_udp() {
    lives_and_dies("udp");
}

#[test]
fn it_registers_and_leaves_over_tcp_and_its_death_is_noticed() {
    lives_and_dies("tcp");
}

#[test]
fn it_registers_and_leaves_over_tls_and_its_death_is_noticed() {
    lives_and_dies("tls");
}
