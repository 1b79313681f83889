//! Nobody registers somebody else.

use sip_registrar::auth::{Grants, UserTable};

use super::*;

/// What alice gets who registers a contact for `to`, with From as given.
fn as_alice(server: &mut Server, from: &str, to: &str) -> (u16, &'static str) {
    let request = contact("a").line("REGISTER sip:example.com SIP/2.0").to(to).from(from);
    let response = server.answers(&phone("alice"), &request);
    (response.code(), server.reason())
}

#[test]
fn to_must_be_the_address_of_who_was_authenticated() {
    let mut server = guarded(link());
    let alice = "<sip:alice@example.com>";
    for to in ["sip:alice@example.com", "<sips:alice@example.com>", "\"A\" <sip:%61lice@EXAMPLE.com:5070>;x=y"] {
        assert_eq!(as_alice(&mut server, alice, to).0, 200, "{to}");
    }
    for to in [
        "<sip:bob@example.com>",
        "<sip:%62ob@example.com>",
        "<sip:Alice@example.com>",
        "<sip:alice%00@example.com>",
        "<sip:alice%40example.com@example.com>",
        "<sip:alicealice@example.com>",
        "<sip:alic@example.com>",
        "<sip:example.com>",
        // Another domain that is served here, with a user of the same name.
        "<sip:alice@example.org>",
        "\"sip:alice@example.com\" <sip:bob@example.com>",
    ] {
        assert_eq!(as_alice(&mut server, alice, to), (403, "not-your-address"), "{to}");
    }
    for to in ["<sip:alice@example.com.evil.test>", "<sip:alice@evilexample.com>", "<sip:alice@sub.example.com>"] {
        assert_eq!(as_alice_foreign(&mut server, to), 404, "{to}");
    }
    assert_eq!(server.record().unwrap().len(), 1);
}

fn as_alice_foreign(server: &mut Server, to: &str) -> u16 {
    server.send(&contact("a").to(to)).code()
}

#[test]
fn a_user_of_one_domain_is_not_the_user_of_that_name_in_another() {
    let mut server = guarded(link());
    // alice@example.org has the same password here, and her credentials are for her own realm.
    let org = "<sip:alice@example.org>";
    assert_eq!(as_alice(&mut server, org, org).0, 200);
    assert_eq!(as_alice(&mut server, org, "<sip:alice@example.com>"), (403, "not-your-address"));
    // From says who is responsible; if it is a stranger to us, To is asked.
    assert_eq!(as_alice(&mut server, "<sip:alice@elsewhere.test>", "<sip:alice@example.com>").0, 200);
    assert_eq!(as_alice(&mut server, "<sip:alice@elsewhere.test>", "<sip:bob@example.com>").0, 403);
}

#[test]
fn one_realm_for_all_domains_does_not_mix_their_users() {
    let mut users = UserTable::new();
    for domain in ["example.com", "example.org"] {
        users.insert(domain.as_bytes(), account("alice", "house"));
    }
    let link = Authorize::builder().credentials(users).domains(["example.com", "example.org"]).realm("house");
    let mut server = guarded(link);
    let [com, org] = ["<sip:alice@example.com>", "<sip:alice@example.org>"];
    assert_eq!(as_alice(&mut server, com, com).0, 200);
    assert_eq!(as_alice(&mut server, org, org).0, 200);
    assert_eq!(as_alice(&mut server, com, org), (403, "not-your-address"));
}

#[test]
fn others_are_registered_by_whom_it_is_granted() {
    let mut users = users();
    let grants = Grants::new(["sales@example.com", "*@example.org"]).unwrap();
    users.insert(b"example.com", account("alice", "example.com").may_register(grants));
    let mut server = guarded(Authorize::builder().credentials(users).domains(["example.com", "example.org"]));
    let alice = "<sip:alice@example.com>";
    for to in [alice, "<sip:sales@example.com>", "<sip:s%61les@example.com>", "<sip:anybody@example.org>"] {
        assert_eq!(as_alice(&mut server, alice, to).0, 200, "{to}");
    }
    assert_eq!(as_alice(&mut server, alice, "<sip:bob@example.com>"), (403, "not-your-address"));
    let mut any = guarded(link().any_address(true));
    assert_eq!(as_alice(&mut any, alice, "<sip:bob@example.com>").0, 200);
}
