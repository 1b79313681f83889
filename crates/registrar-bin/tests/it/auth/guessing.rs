//! Passwords that are tried one by one.

use super::theft;
use crate::harness::{Answer, Guarded, Phone, Request};

/// The default of `wrong_passwords`.
const FREE: usize = 10;

fn guess(user: &str, number: usize) -> Answer {
    Answer { password: format!("guess {number}"), ..Answer::of(user) }
}

#[test]
fn after_ten_wrong_passwords_a_source_has_to_wait_with_that_name_and_nobody_else_has() {
    let server = Guarded::start("");
    for (user, there) in [("alice", true), ("nobody", false)] {
        let aor = format!("sip:{user}@example.com");
        for number in 0..FREE {
            // Whether over UDP or TCP, and from whichever port.
            let mut phone = if number % 2 == 0 { Phone::udp(server.udp()) } else { Phone::tcp(server.tcp()) };
            assert_eq!(server.prove(&mut phone, &theft(&aor), &guess(user, number)).status(), 401, "{user} {number}");
        }
        for password in [guess(user, FREE), Answer::of(user)] {
            for mut phone in [Phone::udp(server.udp()), Phone::tcp(server.tcp())] {
                let response = server.prove(&mut phone, &theft(&aor), &password);
                assert_eq!(response.text().lines().next(), Some("SIP/2.0 480 Too Many Wrong Passwords"), "{user}");
                assert_eq!(response.header("Retry-After"), "10");
            }
        }
        // Neither another spelling of the name nor somebody else's address helps.
        for username in [format!("{user}@example.com"), format!("{user}@")] {
            let spelled = Answer { username, ..Answer::of(user) };
            let response = server.prove(&mut Phone::udp(server.udp()), &theft(&aor), &spelled);
            assert_eq!(response.status(), 480);
        }
        // Who shows nothing is challenged as ever.
        assert_eq!(Phone::udp(server.udp()).ask(&theft(&aor)).status(), 401);
        assert!(server.table().is_empty());

        let own = |user: &str| Request::register(&format!("sip:{user}@example.com"));
        let another = server.prove(&mut Phone::udp(server.udp()), &own("bob"), &Answer::of("bob"));
        assert_eq!(another.status(), 200);
        if there {
            let mut elsewhere = Phone::udp_from("127.0.0.2", server.udp());
            assert_eq!(server.prove(&mut elsewhere, &own(user), &Answer::of(user)).status(), 200);
        }
    }
    server.stop();
}
