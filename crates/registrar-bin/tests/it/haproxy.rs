//! HAProxy in front of the registrar, with the PROXY protocol.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Room, wait_until_contacts};

const HAPROXY: &str = "/usr/sbin/haproxy";

/// An address that was free just now.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// HAProxy in front of `registrar`, which it sends headers of version 1 by the first address and 2 by the second.
fn in_front_of(registrar: SocketAddr, room: &Room) -> (Process, [SocketAddr; 2]) {
    let fronts = [free(), free()];
    let proxied: String = fronts
        .iter()
        .zip(["send-proxy", "send-proxy-v2"])
        .map(|(front, header)| {
            format!(
                "frontend {header}\n  bind {front}\n  default_backend {header}\n\
                 backend {header}\n  server registrar {registrar} {header}\n"
            )
        })
        .collect();
    (start(&proxied, &fronts, room), fronts)
}

/// HAProxy with these settings for TCP, which listens there.
pub(crate) fn start(proxied: &str, fronts: &[SocketAddr], room: &Room) -> Process {
    let settings =
        format!("defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n{proxied}");
    let file = room.file("haproxy.cfg", &settings);
    let process = Process::start(Command::new(HAPROXY).args(["-db", "-f", &file]));
    let deadline = Instant::now() + PATIENCE;
    for front in fronts {
        while TcpStream::connect(front).is_err() {
            assert!(Instant::now() < deadline, "HAProxy does not listen");
            std::thread::yield_now();
        }
    }
    process
}

#[test]
fn phones_behind_it_are_seen_as_who_they_are() {
    let room = Room::new();
    let settings = "listen = ['udp:127.0.0.1:0', { leg = 'tcp:127.0.0.1:0', trusted_proxies = ['127.0.0.1'] }]\n\
                    [registrar]\nredirect = true\n[flows]\ngrace = 0\n[log]\nlevel = 'debug'\n";
    let mut registrar = Registrar::run(&["serve", "--config", &room.file("registrar.toml", settings)]);
    let (proxy, fronts) = in_front_of(registrar.tcp(), &room);
    for front in fronts {
        let mut phone = Phone::tcp(front);
        let here = phone.local();
        let register = Request::register("sip:alice@example.com").contact(&format!("<sip:alice@{here}>"));
        let answer = phone.ask(&register);
        assert_eq!((answer.status(), answer.contacts().len()), (200, 1), "{}", answer.text());
        let via = answer.header("Via");
        assert!(via.contains(&format!(";rport={}", here.port())), "{via} is not that of {here}");
        let logged = registrar.wait_for("reason=\"registered\"");
        assert!(logged.contains(&here.to_string()), "{logged}");
        // When the phone goes, HAProxy goes too, and so does the binding.
        drop(phone);
        wait_until_contacts(registrar.udp(), "sip:alice@example.com", <[_]>::is_empty);
    }
    // Whoever comes without HAProxy has nothing to say.
    let mut stranger = Phone::tcp(registrar.tcp());
    stranger.send(stranger.text(&Request::register("sip:alice@example.com")).as_bytes());
    stranger.wait_for_close();
    proxy.signal(Signal::SIGTERM);
    proxy.finish();
    registrar.stop();
}
