//! Users with passwords.

use crate::harness::{Guarded, Setup};

use super::{sipsak, succeeds};

/// It looks every other domain up in the DNS.
fn start() -> Guarded {
    let user = |name| format!("[user.'{name}@127.0.0.1']\npassword = 'secret-of-{name}'\n");
    Guarded::with(&Setup { domains: "['127.0.0.1']", users: ["alice", "bob"].map(user).concat(), ..Setup::default() })
}

const DESK: &str = "sip:desk@127.0.0.1:7777";

#[test]
fn with_the_right_password_it_registers_refreshes_and_unregisters() {
    let server = start();
    for (transport, leg) in [("udp", server.udp()), ("tcp", server.tcp())] {
        let proxy = leg.to_string();
        // Without -u it calls itself "alice@".
        for name in [&["-u", "alice"][..], &[]] {
            let usrloc = ["-U", "-i", "-vvv", "-E", transport, "-s", "sip:alice@127.0.0.1", "-p", &proxy];
            let user = [&usrloc, name, &["-a", "secret-of-alice"]].concat();
            let run = |more: &[&str]| succeeds(&[&user, more].concat());

            let out = run(&["-C", DESK, "-x", "60"]);
            assert!(out.contains("SIP/2.0 401 Unauthorized") && out.contains("SIP/2.0 200 OK"), "{out}");
            let contacts = server.contacts_of("sip:alice@127.0.0.1");
            assert!(contacts.len() == 1 && contacts[0].contains(DESK), "{contacts:?}");

            run(&["-C", DESK, "-x", "200"]);
            let contacts = server.contacts_of("sip:alice@127.0.0.1");
            assert!(contacts.len() == 1 && !contacts[0].contains(";expires=60"), "{contacts:?}");

            run(&["-C", DESK, "-x", "0"]);
            assert!(server.contacts_of("sip:alice@127.0.0.1").is_empty());
        }
    }
    server.stop();
}

#[test]
fn with_another_password_or_as_somebody_else_it_fails_and_nothing_happens() {
    let server = start();
    for (transport, leg) in [("udp", server.udp()), ("tcp", server.tcp())] {
        let proxy = leg.to_string();
        for (aor, user, password, status) in [
            ("sip:alice@127.0.0.1", "alice", "guess", "401 Unauthorized"),
            ("sip:alice@127.0.0.1", "nobody", "secret-of-alice", "401 Unauthorized"),
            ("sip:bob@127.0.0.1", "alice", "secret-of-alice", "403 Not Your Address"),
        ] {
            let who = ["-U", "-i", "-vvv", "-E", transport, "-s", aor, "-p", &proxy, "-u", user, "-a", password];
            let finished = sipsak(&[&who[..], &["-C", DESK, "-x", "60"]].concat());
            assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
            let said = finished.out + &finished.err;
            assert!(said.contains(status) && !said.contains("SIP/2.0 200"), "{aor} {user}: {said}");
            assert!(server.contacts_of(aor).is_empty());
        }
    }
    server.stop();
}
