//! Users with passwords.

use crate::harness::{Guarded, Leg, Setup};

use super::{Baresip, account};

/// As in [`super::BRIEF`]: it refreshes after 1.8 s.
const BRIEF: &str = "min_expires = 1\njitter = 0";
/// MD5 of alice:example.com:secret.
const ALICE: &str = "[user.'alice@example.com']\nmd5 = 'b1726872c344b6dc8365b774f8fd6412'\n";

fn start(auth: &str) -> Guarded {
    Guarded::with(&Setup { users: ALICE.to_owned(), registrar: BRIEF, auth, ..Setup::default() })
}

#[test]
fn with_the_right_password_it_registers_refreshes_and_leaves() {
    for udp in [true, false] {
        let server = start("");
        let leg = Leg { udp, addr: server.leg(udp, true) };
        let mut baresip = Baresip::start(&[account("alice", leg, "")], true);
        baresip.process.wait_for("SIP/2.0 401 Unauthorized");
        baresip.process.wait_for(&format!("alice@example.com: {{0/{}/v4}} 200 OK () [1 binding]", leg.transport()));
        let contacts = server.contacts_of("sip:alice@example.com");
        assert!(contacts.len() == 1 && contacts[0].contains("+sip.instance=\"<urn:uuid:"), "{contacts:?}");

        // It takes a new challenge for its refresh.
        baresip.process.wait_for("SIP/2.0 401 Unauthorized");
        baresip.process.wait_for("SIP/2.0 200 OK");
        assert_eq!(server.contacts_of("sip:alice@example.com").len(), 1);

        let out = baresip.ended();
        let (_, leaving) = out.split_once("ua: stop all").unwrap();
        assert!(leaving.contains(";expires=0") && leaving.contains("SIP/2.0 200 OK"), "{leaving}");
        assert!(server.contacts_of("sip:alice@example.com").is_empty());
        server.stop();
    }
}

/// It tries again and again, so that in the end it is told to wait.
#[test]
fn with_another_password_it_is_refused_and_nothing_happens() {
    for udp in [true, false] {
        let server = start("wrong_passwords = 1");
        let leg = Leg { udp, addr: server.leg(udp, true) };
        let guess = account("alice", leg, "").replace("auth_pass=secret", "auth_pass=guess");
        let mut baresip = Baresip::start(&[guess], true);
        baresip.process.wait_for("SIP/2.0 401 Unauthorized");
        baresip.process.wait_for("SIP/2.0 480 Too Many Wrong Passwords");
        assert!(!baresip.ended().contains("SIP/2.0 200"));
        assert!(server.contacts_of("sip:alice@example.com").is_empty());
        server.stop();
    }
}
