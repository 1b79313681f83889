//! Listeners, and what they ask of connections.

use std::net::{TcpListener, UdpSocket};

use super::*;
use crate::certificates;

const API: &str = "location.mode = 'memory'\nadmin.listen = 'unix:admin.sock'\n";
const BOTH: &str = "'udp:127.0.0.1:0', 'tcp:127.0.0.1:0'";

/// A registrar that listens so.
fn listening(listen: &str, settings: &str) -> Place {
    let room = Room::new();
    let file = room.file("registrar.toml", &text(listen, settings));
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    Place { registrar, room }
}

fn text(listen: &str, settings: &str) -> String {
    format!("listen = [{listen}]\n{API}{settings}")
}

impl Place {
    /// Where it listens now, as the API says.
    fn listeners(&self) -> Vec<String> {
        let mut asked = command();
        let finished =
            Process::start(asked.args(["status", "--json", "--socket", &self.room.path("admin.sock")])).finish();
        let status: serde_json::Value = serde_json::from_str(&finished.out).unwrap();
        let all = status["listeners"].as_array().unwrap();
        all.iter().map(|one| one["leg"].as_str().unwrap().to_owned()).collect()
    }

    /// The address of the one that begins so.
    fn at(&self, begins: &str) -> SocketAddr {
        let all = self.listeners();
        let leg = all.iter().find(|leg| leg.starts_with(begins)).unwrap_or_else(|| panic!("{all:?}"));
        leg.split_once(':').unwrap().1.parse().unwrap()
    }
}

#[test]
fn listeners_come_and_go_while_phones_register_and_nobody_is_refused() {
    let place = listening(BOTH, "");
    let (udp, tcp) = (place.registrar.udp(), place.registrar.tcp());
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (n, mut phone) in [Phone::udp(udp), Phone::tcp(tcp)].into_iter().enumerate() {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || {
                let request = register(&format!("phone{n}"), "example.com");
                while !stop.load(Ordering::Relaxed) {
                    let answer = phone.ask(&request);
                    assert_eq!(answer.status(), 200, "{}", answer.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&stop);
        for _ in 0..5 {
            place.write_all(&text(&format!("{BOTH}, 'udp:127.0.0.2:0', 'tcp:127.0.0.2:0'"), ""));
            assert_eq!(place.reload(), "in force: listen\n");
            let (new_udp, new_tcp) = (place.at("udp:127.0.0.2"), place.at("tcp:127.0.0.2"));
            let mut stays = Phone::tcp(new_tcp);
            assert_eq!(stays.ask(&register("alice", "example.com")).status(), 200);
            assert_eq!(Phone::udp(new_udp).ask(&register("bob", "example.com")).status(), 200);
            place.write_all(&text(BOTH, ""));
            place.registrar.signal(Signal::SIGHUP);
            let deadline = Instant::now() + PATIENCE;
            while UdpSocket::bind(new_udp).is_err() || TcpListener::bind(new_tcp).is_err() {
                assert!(Instant::now() < deadline, "they were to be closed");
                std::thread::yield_now();
            }
            assert_eq!(place.listeners().len(), 2);
            // A connection stays until it ends.
            assert_eq!(stays.ask(&register("alice", "example.com")).status(), 200);
        }
    });
    assert!(answered.load(Ordering::Relaxed) > 10);
    place.registrar.stop();
}

#[test]
fn a_listener_that_cannot_be_bound_changes_nothing() {
    let place = listening(BOTH, "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    place.write_all(&text(&format!("{BOTH}, 'udp:127.0.0.2:0', 'tcp:{taken}'"), "domains = ['example.com']\n"));
    let (code, out, err) = place.ask("reload");
    assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
    assert!(err.contains(&format!("leg tcp:{taken}: the address is in use")), "{err}");
    assert_eq!(place.listeners().len(), 2);
    let mut phone = Phone::udp(place.registrar.udp());
    assert_eq!(phone.ask(&register("alice", "example.org")).status(), 200);
    place.registrar.stop();
}

#[test]
fn a_listener_gets_tls_and_loses_it_and_another_certificate() {
    let place = listening("'tcp:127.0.0.1:0'", "");
    let at = place.registrar.tcp();
    for name in ["first", "second"] {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        place.room.file(&format!("{name}.pem"), &made.cert.pem());
        place.room.file(&format!("{name}.key"), &made.signing_key.serialize_pem());
        let tls = format!("tls.certificates = [{{ chain = '{name}.pem', key = '{name}.key' }}]\n");
        place.write_all(&text(&format!("'tls:127.0.0.1:{}'", at.port()), &tls));
        let out = place.reload();
        assert!(out.contains("in force: listen\n") || out.contains("in force: tls\n"), "{out}");
        assert_eq!(place.listeners(), [format!("tls:{at}")]);
        // A listener is changed by each worker when it comes to it.
        let deadline = Instant::now() + PATIENCE;
        while !certificates::registers(
            &mut certificates::connect(at, &made.cert.pem()),
            &register("alice", "example.com"),
        ) {
            assert!(Instant::now() < deadline, "it was to have the {name} certificate");
        }
    }
    place.write_all(&text("'tls:127.0.0.1:0'", "tls.certificates = [{ chain = 'none.pem', key = 'none.key' }]\n"));
    let (code, _, err) = place.ask("reload");
    assert!(code == Some(64) && err.contains("none.pem"), "{err}");
    place.write_all(&text(&format!("'tcp:{at}'"), ""));
    place.reload();
    assert_eq!(place.listeners(), [format!("tcp:{at}")]);
    place.registrar.stop();
}

#[test]
fn limits_of_connections_and_bindings_hold_from_the_reload_on() {
    let place = listening(BOTH, "");
    let tcp = place.registrar.tcp();
    let mut first = Phone::tcp(tcp);
    assert_eq!(first.ask(&register("alice", "example.com")).status(), 200);
    place.write_all(&text(BOTH, "tcp.connections_per_source = 1\nregistrar.max_bindings = 1\n"));
    assert_eq!(place.reload(), "in force: registrar.max_bindings\nin force: tcp.connections_per_source\n");
    assert_eq!(first.ask(&register("bob", "example.com")).status(), 503);
    // There is one already.
    Phone::tcp(tcp).wait_for_close();
    assert_eq!(first.ask(&register("alice", "example.com")).status(), 200);
    place.registrar.stop();
}
