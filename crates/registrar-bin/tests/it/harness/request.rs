//! Requests as text.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no other call gets.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A request that has everything but the Via, which depends on where it is sent from.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    /// A URI, or whatever stands in the header if that has brackets of its own.
    pub(crate) from: String,
    /// The same.
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    /// Whole lines without their ends.
    pub(crate) more: Vec<String>,
    pub(crate) rport: bool,
    /// Whether it has the usual Max-Forwards.
    pub(crate) has_hops: bool,
}

impl Request {
    /// A REGISTER that asks; with contacts it changes something.
    pub(crate) fn register(aor: &str) -> Self {
        let (_, domain) = aor.split_once('@').unwrap();
        Self::new("REGISTER", &format!("sip:{domain}"), aor)
    }

    pub(crate) fn new(method: &str, uri: &str, to: &str) -> Self {
        let call_id = format!("call-{}-{}", std::process::id(), unique());
        let (method, uri, from, to) = (method.to_owned(), uri.to_owned(), to.to_owned(), to.to_owned());
        Self { method, uri, from, to, call_id, cseq: 1, more: Vec::new(), rport: true, has_hops: true }
    }

    /// In somebody else's name.
    pub(crate) fn from(mut self, from: &str) -> Self {
        from.clone_into(&mut self.from);
        self
    }

    pub(crate) fn with(mut self, line: &str) -> Self {
        self.more.push(line.to_owned());
        self
    }

    pub(crate) fn expires(self, seconds: u32) -> Self {
        self.with(&format!("Expires: {seconds}"))
    }

    pub(crate) fn contact(self, contact: &str) -> Self {
        self.with(&format!("Contact: {contact}"))
    }

    /// The same phone's next request for the same address of record.
    pub(crate) fn next(&self) -> Self {
        Self { cseq: self.cseq + 1, more: Vec::new(), ..self.clone() }
    }

    /// The same once more.
    pub(crate) fn again(&self) -> Self {
        Self { cseq: self.cseq + 1, ..self.clone() }
    }

    /// As it is sent from `from`; a new transaction each time.
    pub(crate) fn text(&self, transport: &str, from: SocketAddr) -> String {
        let Self { method, uri, call_id, cseq, .. } = self;
        let [from_address, to] = [&self.from, &self.to].map(|address| bracketed(address));
        let hops = if self.has_hops { "Max-Forwards: 70\r\n" } else { "" };
        let rport = if self.rport { ";rport" } else { "" };
        let more: String = self.more.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect();
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {from};branch=z9hG4bK{}{rport}\r\n\
             From: {from_address};tag=t{call_id}\r\n\
             To: {to}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n\
             {hops}{more}\
             Content-Length: 0\r\n\r\n",
            unique()
        )
    }
}

fn bracketed(address: &str) -> String {
    if address.contains('<') { address.to_owned() } else { format!("<{address}>") }
}
