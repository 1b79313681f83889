//! Users with passwords. SIPp's digest uri is `sip:HOST:PORT`, never the Request-URI.

use crate::harness::{Guarded, Leg, Room, Setup};

use super::Sipp;

/// One user for each call, so that none sees another's contact.
const CALLS: u64 = 30;

fn users() -> String {
    (1..=CALLS).map(|n| format!("[user.'user{n}@example.com']\npassword = 'secret-of-user{n}'\n")).collect()
}

/// Every user once, with a password that is this word and the name.
fn run(scenario: &str, leg: Leg, password: &str) {
    let room = Room::new();
    let user = |n| format!("user{n};[authentication username=user{n} password={password}user{n}]\n");
    let file = room.file("users.csv", &("SEQUENTIAL\n".to_owned() + &(1..=CALLS).map(user).collect::<String>()));
    Sipp::start_with(scenario, leg, CALLS, 10, room, &["-inf", &file]).succeeds();
}

#[test]
fn with_the_right_password_they_register_refresh_and_unregister_and_with_another_nothing_happens() {
    // All of them are one source.
    let server = Guarded::with(&Setup { users: users(), auth: "wrong_passwords = 0", ..Setup::default() });
    let nobody_is_left = || {
        for n in 1..=CALLS {
            assert!(server.contacts_of(&format!("sip:user{n}@example.com")).is_empty());
        }
    };
    for udp in [true, false] {
        let leg = Leg { udp, addr: server.leg(udp, true) };
        run("authorized", leg, "secret-of-");
        nobody_is_left();
        run("refused", leg, "guess-of-");
        nobody_is_left();
    }
    server.stop();
}
