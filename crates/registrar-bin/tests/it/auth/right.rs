//! Who has the right password comes in: else nothing would be proved by those who do not.

use crate::harness::{Answer, Challenge, Guarded, Leg, Request};

const ALICE: &str = "sip:alice@example.com";

#[test]
fn a_right_password_registers_refreshes_and_unregisters_with_each_algorithm() {
    for list in ["'MD5'", "'SHA-256'", "'SHA-512-256'", "'SHA-256', 'MD5'"] {
        let server = Guarded::start(&format!("algorithms = [{list}]"));
        for udp in [true, false] {
            let mut phone = Leg { udp, addr: server.leg(udp, true) }.phone();
            let mut request = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>").expires(100);
            let challenges = Challenge::all(&phone.ask(&request));
            assert_eq!(challenges.len(), list.split(", ").count());
            for (at, challenge) in challenges.iter().enumerate() {
                // One nonce is good for all of them, if each counts.
                for (count, expires, left) in [(1, 100, 1), (2, 200, 1), (10, 0, 0)] {
                    let answer = Answer { nc: format!("{:08X}", 16 * at + count), ..Answer::of("alice") };
                    request = request.next().contact("<sip:phone@127.0.0.1:7777>").expires(expires);
                    let response = phone.ask(&request.authorized(&answer.to(challenge)));
                    assert_eq!(response.contacts().len(), left, "{list} {count}");
                    assert_eq!(server.contacts_of(ALICE).len(), left, "{list} {count}");
                }
            }
        }
        server.stop();
    }
}
