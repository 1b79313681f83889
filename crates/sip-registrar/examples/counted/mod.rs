//! What the examples have in common that do one thing N times, from the bytes of a datagram to those of its answer: the
//! difference of two counts of instructions divided by that of their N is the cost of one.
//!
//! ```text
//! cargo build --release -p sip-registrar --example requests
//! valgrind --tool=callgrind target/release/examples/requests refresh --repeat 200
//! valgrind --tool=callgrind target/release/examples/requests refresh --repeat 1200
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{Config, Dispatcher, Link, Outcome, ReceiveChain, Share};
use sip_registrar::{Observer, Redirect, Registrar, RegistrarBuilder};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// As pjsua writes it, 628 bytes; CSeq and branch are numbers of ten digits.
pub(crate) const REGISTER: &str = "REGISTER sip:example.com;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKPjf795e753-80a5-41ba-af18-1000000000\r\n\
    Route: <sip:127.0.0.1:5060;transport=udp;lr>\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:alice@example.com>;tag=df556cad-30b2-4e22-b1f4-6c56166289d1\r\n\
    To: <sip:alice@example.com>\r\n\
    Call-ID: 28fa7e35-3d75-4100-af2b-4b47423d3939\r\n\
    CSeq: 1000000000 REGISTER\r\n\
    User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64 glibc-2.36\r\n\
    Supported: outbound, path\r\n\
    Contact: <sip:alice@127.0.0.1:40000;ob>\r\n\
    Expires: 120\r\n\
    Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE\r\n\
    Content-Length:  0\r\n\r\n";

/// What stands before `--repeat N`, and the N; 1 if it is not given.
pub(crate) fn arguments() -> Result<(Option<String>, u32), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok((None, 1)),
        ["--repeat", times] => Ok((None, times.parse()?)),
        [what] => Ok((Some(what.to_owned()), 1)),
        [what, "--repeat", times] => Ok((Some(what.to_owned()), times.parse()?)),
        _ => Err("usage: [WHAT] [--repeat N]".into()),
    }
}

/// The links of a registrar that asks nobody for a password, and tells these of changes.
pub(crate) fn links(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Result<Vec<Link>, Box<dyn Error>> {
    let builder = Registrar::builder().domains(["example.com"]);
    let registrar = observers.into_iter().fold(builder, RegistrarBuilder::observer).build()?;
    Ok(vec![
        Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
        Options { allow: &["REGISTER", "OPTIONS"], supported: &["path"] }.into(),
        registrar.clone().into(),
        Redirect::new(registrar).into(),
        Fallback { allow: &["REGISTER", "OPTIONS"] }.into(),
    ])
}

/// Who is told.
pub(crate) type Told = Box<dyn Fn(&Outcome<'_>) + Send + Sync>;

/// A registrar without its sockets.
pub(crate) struct House {
    dispatcher: Dispatcher,
    peer: Peer,
    outbox: Outbox,
    answer: Vec<u8>,
}

impl House {
    /// One with these links. `told`: of how each request ends.
    pub(crate) fn of(links: Vec<Link>, told: Option<Told>) -> Result<Self, Box<dyn Error>> {
        let (remote, local) = ("127.0.0.1:40000".parse()?, "127.0.0.1:5060".parse()?);
        let dispatcher = Dispatcher::new(ReceiveChain::new(links), Config::default(), Share::WHOLE);
        Ok(Self {
            dispatcher: match told {
                Some(told) => dispatcher.on_outcome(told),
                None => dispatcher,
            },
            peer: Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None },
            outbox: Outbox::new(),
            answer: Vec::new(),
        })
    }

    /// Hands in the `n`th datagram, 100 ms after the one before.
    pub(crate) fn ask(&mut self, n: u32, bytes: &[u8]) {
        let now = Now::from_millis(1_700_000_000_000 + u64::from(n) * 100);
        self.dispatcher.on_message(Inbound { bytes: black_box(bytes), peer: self.peer, now }, &mut self.outbox);
        self.answer.clear();
        let Self { outbox, answer, .. } = self;
        outbox.iter().for_each(|(_, bytes)| answer.extend_from_slice(bytes));
        outbox.clear();
    }

    /// The last answer.
    pub(crate) fn answer(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.answer)
    }
}

/// A text, and the places of the number of ten digits in it.
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let places = text.match_indices("1000000000").map(|(at, _)| at).collect();
        Self { bytes: text.as_bytes().to_vec(), places }
    }

    /// The `n`th request.
    pub(crate) fn request(&mut self, n: u32) -> Result<&[u8], Box<dyn Error>> {
        let digits = (1_000_000_000 + n).to_string();
        for &at in &self.places {
            self.bytes.get_mut(at..at + 10).ok_or("ten digits")?.copy_from_slice(digits.as_bytes());
        }
        Ok(&self.bytes)
    }
}
