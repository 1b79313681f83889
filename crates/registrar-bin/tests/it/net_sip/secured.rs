//! Over TLS, with a client that trusts our certificate, and one that does not.

use std::net::SocketAddr;

use nix::sys::signal::Signal;

use super::Client;
use crate::harness::{Phone, Request, Room, secure_leg, secured};

fn contacts_of(udp: SocketAddr, address: &str) -> Vec<String> {
    Phone::udp(udp).ask(&Request::register(&format!("sip:{address}"))).contacts()
}

#[test]
fn over_tls_it_registers_refreshes_and_leaves() {
    // Its client closes the connection after each run.
    let (registrar, room) = secured("[flows]\nfollow = false");
    let authority = room.path("own.pem");
    let client = Client::over_tls(secure_leg(&registrar, true).addr, &authority);
    client.lives("alice@example.com", || contacts_of(registrar.udp(), "alice@example.com"));
    registrar.stop();
}

#[test]
fn a_client_that_does_not_trust_the_certificate_is_counted_and_others_go_on() {
    let (mut registrar, room) = secured("");
    let leg = secure_leg(&registrar, true).addr;
    let strange = Room::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    strange.file("own.pem", &made.cert.pem());
    strange.file("own.key", &made.signing_key.serialize_pem());
    let finished = Client::over_tls(leg, &strange.path("own.pem")).run("bob@example.com", "60");
    assert_eq!((finished.code, finished.out.as_str()), (Some(1), "60: FAIL \n"), "{finished:?}");
    assert_eq!(contacts_of(registrar.udp(), "bob@example.com"), [""; 0]);
    Client::over_tls(leg, &room.path("own.pem")).succeeds("alice@example.com", "60");
    registrar.signal(Signal::SIGTERM);
    let counted = registrar.wait_for("counted=");
    assert!(counted.contains("tls_handshakes_failed="), "{counted}");
    registrar.finish();
}
