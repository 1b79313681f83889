//! Every command line in the documents of the commands is run.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::terminal::OnTerminal;
use crate::harness::{Phone, Process, Registrar, Request, Room, secure_leg};

const COMMANDS: &str = include_str!("../../../../../docs/commands.md");

/// The lines of all shell blocks.
fn lines() -> Vec<&'static str> {
    let blocks = COMMANDS.split("```sh\n").skip(1).map(|block| block.split_once("```").expect("its end").0);
    blocks.flat_map(str::lines).collect()
}

/// A registrar with an API and TLS, in a room that is the current directory of the commands.
struct Place {
    registrar: Registrar,
    room: Room,
}

impl Place {
    fn new() -> Self {
        let room = Room::new();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        room.file("own.pem", &made.cert.pem());
        room.file("own.key", &made.signing_key.serialize_pem());
        room.file("password", "secret\n");
        let file = room.file(
            "registrar.toml",
            "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0']\ndomains = ['example.com', 'localhost']\n\
             location.directory = '.'\n[tls]\ncertificates = { chain = 'own.pem', key = 'own.key' }\n[admin]\n",
        );
        let mut registrar = Registrar::run(&["serve", "--config", &file]);
        registrar.wait_for("  api ");
        Self { registrar, room }
    }

    fn register(&self) {
        let request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>").expires(300);
        assert_eq!(Phone::udp(self.registrar.udp()).ask(&request).status(), 200);
    }

    /// A line with this registrar in the place of those that it names.
    fn meant(&self, line: &str) -> String {
        let is_tcp = line.contains("transport=tcp") || line.contains("--transport tcp");
        let addr = if is_tcp { self.registrar.tcp() } else { self.registrar.udp() };
        let tls = secure_leg(&self.registrar, true).addr.port();
        let line = line.replace("sip:192.0.2.1", &format!("sip:{addr}"));
        line.replace("sips:localhost", &format!("sips:localhost:{tls}"))
    }

    /// A shell that runs a line.
    fn shell(&self, line: &str) -> Command {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_registrar")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.room.path("")).env("PATH", path);
        command.env(Room::STATE, self.room.path("")).env_remove("REGISTRAR_PASSWORD").stdin(Stdio::null());
        command
    }
}

#[test]
fn every_command_line_does_what_it_says() {
    let place = Place::new();
    let lines = lines();
    assert!(lines.len() > 15, "{lines:#?}");
    // What ends it comes last.
    let (last, others): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| line.starts_with("registrar drain"));
    for line in others.into_iter().chain(last) {
        assert!(line.starts_with("registrar "), "{line}");
        place.register();
        let meant = place.meant(line);
        let command = meant.split('#').next().unwrap().trim_end();
        match command {
            "registrar kick alice@example.com" => {
                let mut phone = Phone::tcp(place.registrar.tcp());
                let request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7;transport=tcp>");
                assert_eq!(phone.ask(&request.expires(300)).status(), 200);
                let output = place.shell(&meant).output().unwrap();
                assert!(output.status.success(), "{line}: {output:?}");
                phone.wait_for_close();
            }
            "registrar watch" => {
                // Named in the line, since the directory that a process is given goes with it.
                let line = format!("{}='{}' exec registrar watch", Room::STATE, place.room.path(""));
                let mut watch = Process::start(place.shell(&line).env_remove(Room::STATE));
                watch.wait_for("watching");
                place.register();
                watch.wait_for("refreshed");
                watch.signal(Signal::SIGINT);
                assert_eq!(watch.finish().code, Some(0), "{line}");
            }
            "registrar top" => {
                let state = place.room.path("");
                let mut top = OnTerminal::start("top", |command| {
                    command.env(Room::STATE, state);
                });
                top.wait_for("serving");
                top.type_in("q");
                assert_eq!(top.finish().0, Some(0), "{line}");
            }
            _ => {
                let output = place.shell(&meant).output().unwrap();
                assert!(output.status.success(), "{line}: {output:?}");
            }
        }
    }
    let finished = place.registrar.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
