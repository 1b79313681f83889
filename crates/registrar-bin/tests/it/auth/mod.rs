//! Attacks on the running registrar. Whatever a stranger sends, or a user who wants more than its own address: the
//! answer is a refusal, and the bindings of all users are as before.
//!
//! The life of a nonce, 60 s at least, is tested where time can be turned, in sip-registrar:
//! `right_credentials_on_an_old_nonce_are_stale_and_wrong_ones_are_not`.

mod elsewhere;
mod enumeration;
mod guessing;
mod identity;
mod length;
mod malformed;
mod mutations;
mod replay;
mod right;
mod timing;
mod twice;

use crate::harness::{Answer, Challenge, Credentials, Guarded, Leg, Phone, Request, Response, Table};

/// A registrar whose users alice and bob have registered.
struct Target {
    server: Guarded,
    before: Table,
}

impl Target {
    /// With these lines in `[auth]`. Wrong passwords are not counted, so that no attack hides behind another.
    fn start(auth: &str) -> Self {
        let server = Guarded::start(&format!("wrong_passwords = 0\n{auth}"));
        for user in ["alice", "bob"] {
            let request = Request::register(&format!("sip:{user}@example.com")).contact("<sip:phone@127.0.0.1:7777>");
            let response = server.prove(&mut Phone::udp(server.udp()), &request.expires(200), &Answer::of(user));
            assert_eq!(response.contacts().len(), 1);
        }
        let before = server.table();
        Self { server, before }
    }

    /// UDP and TCP.
    fn legs(&self) -> [Leg; 2] {
        [true, false].map(|udp| Leg { udp, addr: self.server.leg(udp, true) })
    }

    /// A fresh challenge for whoever sends this.
    fn challenge(&self, request: &Request) -> Challenge {
        Challenge::of(&Phone::udp(self.server.udp()).ask(&request.next()))
    }

    /// Sends an attack, expects that it is refused with this status, and that nothing has happened.
    fn refuses(&self, phone: &mut Phone, attack: &Request, status: u16) -> Response {
        let response = phone.ask(attack);
        assert_eq!(response.status(), status, "{attack:#?}\n{}", response.text());
        self.is_unharmed(&response, attack);
        response
    }

    /// The same over UDP and over TCP, from a new phone each time.
    fn refuses_everywhere(&self, attack: &Request, status: u16) {
        for leg in self.legs() {
            self.refuses(&mut leg.phone(), attack, status);
        }
    }

    fn is_unharmed(&self, response: &Response, attack: &Request) {
        assert!(response.status() >= 300, "{attack:#?}\n{}", response.text());
        assert!(response.all("Contact").is_empty(), "{attack:#?}\n{}", response.text());
        let now = self.server.table();
        assert!(now.is_as(&self.before), "{attack:#?}\n{now:#?}\nbefore: {:#?}", self.before);
    }
}

/// What everybody wants who attacks: a contact of its own at somebody's address.
fn theft(aor: &str) -> Request {
    Request::register(aor).contact("<sip:mallory@127.0.0.1:6666>").expires(300)
}

impl Request {
    fn authorized(&self, credentials: &Credentials) -> Self {
        self.clone().with(&credentials.header())
    }
}
