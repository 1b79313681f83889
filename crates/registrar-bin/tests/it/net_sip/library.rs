//! Against a server made of the library, with users as Net::SIP keeps them.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::thread::JoinHandle;

use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Config, Dispatcher, Exchange, Link, ReceiveChain, Share};
use sip_message::{HeaderId, Method};
use sip_registrar::auth::{Authorize, AuthorizeBuilder, Ha1, HashFunction};
use sip_registrar::{FlowRules, Registrar};
use sip_transport::{Server, ServerConfig, Shutdown, Transport, WorkerId};

use super::Client;
use crate::harness::{Phone, Request};

/// Net::SIP's own default.
const REALM: &str = "p5-net-sip";

/// A server on a thread of its own, which ends with the test.
struct Running {
    legs: Vec<(Transport, SocketAddr)>,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// A registrar behind this link, but for requests to `door@example.com`, and for those from 127.0.0.9.
    fn behind(link: AuthorizeBuilder) -> Self {
        let legs = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"].map(|leg| leg.parse().unwrap()).to_vec();
        let server =
            Server::bind(ServerConfig { legs, workers: NonZeroU16::new(1), ..ServerConfig::default() }).unwrap();
        let registrar = Registrar::builder()
            .domains(["example.com"])
            // Its client closes the connection after each request.
            .flows(FlowRules { follow: false, ..FlowRules::default() })
            .build()
            .unwrap();
        // As in Net::SIP: a chain of its own, with a filter.
        let guard = ReceiveChain::new([Link::from(link.build().unwrap())]);
        let is_observer = |ex: &Exchange<'_>| ex.peer().remote.ip().to_string() == "127.0.0.9";
        let is_door = |ex: &Exchange<'_>| {
            let to = ex.message().value(HeaderId::To).unwrap_or_default();
            to.strip_prefix(b"<").unwrap_or(to).starts_with(b"sip:door@example.com")
        };
        let chain = ReceiveChain::new([
            Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
            Link::new(guard).filter(move |ex| !is_observer(ex) && !is_door(ex)),
            Link::new(registrar).methods(&[Method::Register]),
            Fallback { allow: &["REGISTER"] }.into(),
        ]);
        let legs = server.legs().iter().map(|leg| (leg.spec.transport(), leg.spec.addr())).collect();
        let shutdown = Shutdown::new();
        let until = shutdown.clone();
        let make = move |worker: WorkerId| {
            Dispatcher::new(chain.clone(), Config::default(), Share { index: usize::from(worker.0), of: 1 })
        };
        let thread = std::thread::spawn(move || assert!(server.run(make, &until).unwrap().is_clean()));
        Self { legs, shutdown, thread: Some(thread) }
    }

    fn leg(&self, udp: bool) -> SocketAddr {
        let wanted = if udp { Transport::Udp } else { Transport::Tcp };
        self.legs.iter().find(|(transport, _)| *transport == wanted).unwrap().1
    }

    fn contacts_of(&self, address: &str) -> Vec<String> {
        let mut observer = Phone::udp_from("127.0.0.9", self.leg(true));
        observer.ask(&Request::register(&format!("sip:{address}"))).contacts()
    }

    fn stop(mut self) {
        self.shutdown.drain();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cut();
    }
}

#[test]
fn users_of_user2a1_and_user2pass_register_refresh_and_leave_and_one_address_needs_no_authorization() {
    let ha1 = |user: &str| Ha1::of(HashFunction::Md5, user.as_bytes(), REALM.as_bytes(), format!("{user}1").as_bytes());
    let link = Authorize::builder()
        .realm(REALM)
        .opaque("HumptyDumpty")
        .user2a1([("alice", ha1("alice"))])
        .user2a1_with(move |name, _| (name == b"bob").then(|| ha1("bob")))
        .user2pass([("carol", "carol1")])
        .user2pass_with(|name| (name == b"dave").then(|| b"dave1".to_vec()));
    let server = Running::behind(link);
    for udp in [true, false] {
        let client = Client::new(server.leg(udp), udp);
        for user in ["alice", "bob", "carol", "dave"] {
            let (address, password) = (format!("{user}@example.com"), format!("{user}1"));
            let contacts = || server.contacts_of(&address);
            client.is_refused(&address, 401, contacts);
            client.as_user(user, "guess").is_refused(&address, 401, contacts);
            client.as_user(user, &password).lives(&address, contacts);
        }
        client.as_user("alice", "alice1").is_refused("bob@example.com", 403, || server.contacts_of("bob@example.com"));
        client.lives("door@example.com", || server.contacts_of("door@example.com"));
    }
    server.stop();
}
