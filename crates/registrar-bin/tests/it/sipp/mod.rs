//! SIPp: the scenarios in this folder, judged by SIPp itself.

mod auth;
mod tls;

use std::net::SocketAddr;
use std::process::Command;

use crate::harness::{Leg, Process, Registrar, Room, contacts_of};

/// One SIPp at work.
struct Sipp {
    process: Process,
    calls: u64,
    room: Room,
}

impl Sipp {
    /// Starts so many calls for the user `user`, whose number follows the name in `registration.xml`.
    fn start(scenario: &str, leg: Leg, user: &str, calls: u64, at_once: u64) -> Self {
        Self::start_with(scenario, leg, calls, at_once, Room::new(), &["-s", user])
    }

    /// Starts so many calls with these arguments, which may name files in the room.
    fn start_with(scenario: &str, leg: Leg, calls: u64, at_once: u64, room: Room, args: &[&str]) -> Self {
        let mut command = Command::new("sipp");
        command
            .arg(leg.addr.to_string())
            .args(["-t", if leg.udp { "u1" } else { "t1" }, "-i", if leg.addr.is_ipv4() { "127.0.0.1" } else { "::1" }])
            .args(["-sf", &format!("{}/tests/it/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"))])
            .args(args)
            .args(["-m", &calls.to_string(), "-r", "300", "-l", &at_once.to_string()])
            .args(["-timeout", "20s", "-timeout_error", "-nostdin"])
            .args(["-trace_err", "-error_file", &room.path("errors"), "-trace_stat", "-stf", &room.path("statistics")]);
        Self { process: Process::start(&mut command), calls, room }
    }

    /// Waits for its end, and expects that it calls every call successful.
    fn succeeds(self) {
        let finished = self.process.finish();
        let errors = std::fs::read_to_string(self.room.path("errors")).unwrap_or_default();
        assert_eq!(finished.code, Some(0), "{errors}\n{}\n{}", finished.out, finished.err);
        let statistics = std::fs::read_to_string(self.room.path("statistics")).unwrap();
        let count = |name| {
            let (names, last) = (statistics.lines().next().unwrap(), statistics.lines().last().unwrap());
            let at = names.split(';').position(|field| field == name).unwrap();
            last.split(';').nth(at).unwrap().parse::<u64>().unwrap()
        };
        assert_eq!((count("SuccessfulCall(C)"), count("FailedCall(C)")), (self.calls, 0), "{errors}");
    }
}

/// What is left of the users of `registration.xml`: those of odd numbers have two contacts.
fn odd_users_are_left(registrar: SocketAddr, user: &str, calls: u64) {
    for number in 1..=calls {
        let contacts = contacts_of(registrar, &format!("sip:{user}{number}@example.com"));
        let left = contacts.len() == 2 && contacts[0].contains("sip:cell@") && contacts[1].contains("sip:tablet@");
        assert!(if number % 2 == 1 { left } else { contacts.is_empty() }, "{number}: {contacts:?}");
    }
}

/// SIPp closes its connections, and its bindings are looked at afterwards.
fn phones_live_on(udp: bool, ipv4: bool) {
    let registrar = Registrar::configured("[flows]\nfollow = false");
    let leg = Leg { udp, addr: registrar.leg(udp, ipv4) };
    Sipp::start("registration", leg, "user", 300, 50).succeeds();
    odd_users_are_left(registrar.udp(), "user", 300);
    registrar.stop();
}

#[test]
fn phones_register_refresh_ask_and_unregister_over_udp() {
    phones_live_on(true, true);
}

#[test]
fn phones_register_refresh_ask_and_unregister_over_tcp() {
    phones_live_on(false, true);
}

#[test]
fn phones_register_refresh_ask_and_unregister_over_udp_and_ipv6() {
    phones_live_on(true, false);
}

#[test]
fn phones_register_refresh_ask_and_unregister_over_tcp_and_ipv6() {
    phones_live_on(false, false);
}

#[test]
fn two_crowds_at_one_address_of_record_do_not_disturb_each_other() {
    let registrar = Registrar::start();
    let legs = [true, false].map(|udp| Leg { udp, addr: registrar.leg(udp, true) });
    // Five of each at once are as many as one user may have contacts (max_contacts).
    let crowds = legs.map(|leg| Sipp::start("shared", leg, "team", 300, 5));
    for crowd in crowds {
        crowd.succeeds();
    }
    assert!(contacts_of(registrar.udp(), "sip:team@example.com").is_empty());
    registrar.stop();
}
