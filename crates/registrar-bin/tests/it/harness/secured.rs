//! A registrar with TLS.

use super::{Leg, Registrar, Room};

/// With a leg of each kind for phones on 127.0.0.1, TLS on ::1 too, and these settings beside. Its certificate names
/// `localhost`, is its own authority, and is `own.pem` in the room.
pub(crate) fn secured(settings: &str) -> (Registrar, Room) {
    let room = Room::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    room.file("own.pem", &made.cert.pem());
    room.file("own.key", &made.signing_key.serialize_pem());
    let listen = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0', 'tls:[::1]:0']";
    let certificate = "[tls]\ncertificates = { chain = 'own.pem', key = 'own.key' }";
    let file = room.file("registrar.toml", &format!("{listen}\n{certificate}\n{settings}\n"));
    (Registrar::run(&["serve", "--config", &file]), room)
}

/// Its leg over TLS and this version of IP.
pub(crate) fn secure_leg(registrar: &Registrar, ipv4: bool) -> Leg {
    // The last two are over TLS.
    *registrar.legs().iter().rev().find(|leg| leg.addr.is_ipv4() == ipv4).unwrap()
}
