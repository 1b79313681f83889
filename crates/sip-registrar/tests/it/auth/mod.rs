//! Who may register, on the wire: the link in front of a registrar, and phones that answer it.

mod algorithms;
mod answers;
mod filters;
mod identity;
mod nonces;
mod phone;
mod waiting;

use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Link, ReceiveChain};
use sip_registrar::auth::{Account, Authorize, AuthorizeBuilder, UserTable};
use sip_registrar::{Redirect, Registrar};

use crate::harness::{Request, Response, Server, builder, register};
use phone::{Challenged, Phone, challenges, phone};

/// alice, bob and carol of example.com, and alice of example.org, each with a password like `alice's password`.
fn users() -> UserTable {
    let mut users = UserTable::new();
    for name in ["alice", "bob", "carol"] {
        users.insert(b"example.com", account(name, "example.com"));
    }
    users.insert(b"example.org", account("alice", "example.org"));
    users
}

fn account(name: &str, realm: &str) -> Account {
    Account::new(name.as_bytes(), realm.as_bytes()).password(format!("{name}'s password").as_bytes())
}

/// The link as most operators have it.
fn link() -> AuthorizeBuilder {
    Authorize::builder().credentials(users()).domains(["example.com", "example.org"])
}

/// A registrar for both domains behind this link.
fn guarded(link: AuthorizeBuilder) -> Server {
    let registrar = builder().domains(["example.org"]).build().unwrap();
    let link = link.build().unwrap();
    let chain = chain(&registrar, link.into());
    Server::with_chain(registrar, chain)
}

fn chain(registrar: &Registrar, link: Link) -> ReceiveChain {
    ReceiveChain::new([
        Link::from(Sanity { supported: Some(&["path"]), ..Sanity::default() }),
        link,
        Link::from(registrar.clone()),
        Link::from(Redirect::new(registrar.clone())),
        Link::from(Fallback { allow: &["REGISTER"] }),
    ])
}

/// The REGISTER of a contact.
fn contact(call_id: &str) -> Request {
    register(call_id).contact("<sip:phone@127.0.0.1:7777>;expires=300")
}

/// The same with credentials.
fn with(request: Request, credentials: &str) -> Request {
    request.header(&format!("Authorization: {credentials}"))
}

impl Server {
    /// What the request is challenged with.
    fn challenged(&mut self, request: &Request) -> Vec<Challenged> {
        let response = self.send(request);
        challenges(&response)
    }

    /// Sends the request, answers the challenge, and gives what comes then.
    fn answers(&mut self, phone: &Phone, request: &Request) -> Response {
        let challenges = self.challenged(request);
        self.send(&with(request.clone().cseq(2), &phone.answer(&challenges)))
    }
}
