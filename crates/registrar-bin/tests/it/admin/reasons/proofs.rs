//! Who does not prove who it is, or may not do what it wants.

use sip_dispatch::Reason;
use sip_registrar::reason;

use super::House;
use super::house::register;
use crate::harness::{Answer, Challenge, Credentials, Room};

impl House {
    /// Answers a challenge with these credentials, and expects that this is how it ends.
    fn refuses(&mut self, reason: Reason, make: impl FnOnce(&Challenge) -> Credentials) {
        let request = register();
        let challenge = Challenge::of(&self.phone.ask(&request));
        self.ends(reason, &request.again().with(&make(&challenge).header()));
    }
}

pub(super) fn who_does_not_prove_who_it_is() -> Vec<&'static str> {
    let room = Room::new();
    let user = |name: &str| format!("[user.'{name}@example.com']\npassword = 'secret-of-{name}'\n");
    let file = room.file("users.toml", &(user("alice") + &user("bob")));
    let auth = "algorithms = ['MD5']\nuri_may_differ = 'never'\nwrong_passwords = 2\n\
                filter = { REGISTER = [['to-is-from']] }";
    let mut house = House::start(&format!("domains = 'example.com'\n[users]\nfile = '{file}'\n[auth]\n{auth}"));
    let alice = Answer::of("alice");

    house.ends(reason::NO_CREDENTIALS, &register());
    house.refuses(reason::NOT_OFFERED, |challenge| {
        alice.to(&Challenge { algorithm: "SHA-256".to_owned(), ..challenge.clone() })
    });
    house.refuses(reason::BAD_CREDENTIALS, |challenge| alice.to(challenge).with("nc", "00000000"));
    house
        .refuses(reason::DIGEST_URI, |challenge| alice.clone().sending("REGISTER", "sip:elsewhere.test").to(challenge));
    house.refuses(reason::STALE_NONCE, |challenge| {
        alice.to(&Challenge { nonce: "bm90IG9mIGhlcmU".to_owned(), ..challenge.clone() })
    });
    house.refuses(reason::NOT_YOUR_ADDRESS, |challenge| Answer::of("bob").to(challenge));
    house.refuses(reason::UNKNOWN_USER, |challenge| Answer::of("nobody").to(challenge));

    let request = register().from("sip:bob@example.com");
    let challenge = Challenge::of(&house.phone.ask(&request));
    house.ends(reason::FILTERED, &request.again().with(&alice.to(&challenge).header()));
    // The same answer once more, for another request.
    let again = register().again().with(&alice.to(&challenge).header());
    house.ends(reason::USED_NONCE, &again);

    let guess = Answer { password: "guess".to_owned(), ..alice.clone() };
    house.refuses(reason::WRONG_PASSWORD, |challenge| guess.to(challenge));
    house.refuses(reason::WRONG_PASSWORD, |challenge| guess.to(challenge));
    house.refuses(reason::TOO_MANY_FAILURES, |challenge| alice.to(challenge));
    house.told()
}
