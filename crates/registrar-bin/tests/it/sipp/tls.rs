//! Over TLS. Debian's SIPp is built without it (`sipp -v` names no TLS), so HAProxy makes TLS of its TCP.

use nix::sys::signal::Signal;

use super::{Sipp, odd_users_are_left};
use crate::haproxy;
use crate::harness::{Leg, Room, secure_leg, secured};

#[test]
fn phones_register_refresh_ask_and_unregister_over_tls() {
    let (registrar, _certificates) = secured("[flows]\nfollow = false");
    let room = Room::new();
    let (front, tls) = (haproxy::free(), secure_leg(&registrar, true).addr);
    let settings = format!("listen tls\n  bind {front}\n  server registrar {tls} ssl verify none\n");
    let proxy = haproxy::start(&settings, &[front], &room);
    Sipp::start("registration", Leg { udp: false, addr: front }, "user", 300, 50).succeeds();
    odd_users_are_left(registrar.udp(), "user", 300);
    proxy.signal(Signal::SIGTERM);
    proxy.finish();
    registrar.stop();
}
