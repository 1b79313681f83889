//! A REGISTER.

use std::net::SocketAddr;

use sip_message::{HeaderId, Method, RequestWriter, WriteError};

use super::{Destination, Over, token};

/// Longer than any REGISTER of ours.
const MOST: usize = 8192;

/// The registrations of one contact of one user: everything that stays the same among them.
#[derive(Clone, Debug)]
pub struct Register {
    over: Over,
    local: SocketAddr,
    scheme: &'static str,
    domain: String,
    aor: String,
    contact: String,
    tag: String,
    call_id: String,
}

impl Register {
    /// For `user` of `domain`, from a socket there.
    #[must_use]
    pub fn new(to: &Destination, user: &str, domain: &str, local: SocketAddr) -> Self {
        let scheme = if to.secure { "sips" } else { "sip" };
        let transport = match to.over {
            Over::Udp => "",
            Over::Tcp => ";transport=tcp",
            // Of a sips: URI the transport is TCP beneath TLS.
            Over::Tls if to.secure => "",
            Over::Tls => ";transport=tls",
        };
        Self {
            over: to.over,
            local,
            scheme,
            domain: domain.to_owned(),
            aor: format!("{scheme}:{user}@{domain}"),
            contact: format!("{scheme}:{user}@{local}{transport}"),
            tag: token(10),
            call_id: format!("{}@registrar", token(24)),
        }
    }

    /// The address of record.
    #[must_use]
    pub fn aor(&self) -> &str {
        &self.aor
    }

    /// The URI of the contact.
    #[must_use]
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// The tag in From.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{}:{}", self.scheme, self.domain)
    }

    /// The socket it is sent from, which Via and Contact name.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The request. `expires` `None`: without a Contact, so that it only asks. `params` stand behind the contact.
    ///
    /// # Errors
    /// A name has something in it that no message can have.
    pub fn write(
        &self,
        cseq: u32,
        branch: &str,
        expires: Option<u32>,
        params: &str,
        more: Option<&(HeaderId, String)>,
    ) -> Result<Vec<u8>, WriteError> {
        let mut out = Vec::with_capacity(768);
        let mut request = RequestWriter::new(&mut out, MOST, Method::Register, self.uri().as_str());
        let via = format!("SIP/2.0/{} {};branch={branch};rport", self.over.name(), self.local);
        request.header(HeaderId::Via, via.as_str());
        request.header(HeaderId::MaxForwards, "70");
        request.header(HeaderId::From, ("<", self.aor.as_str(), ">;tag=", self.tag.as_str()));
        request.header(HeaderId::To, ("<", self.aor.as_str(), ">"));
        request.header(HeaderId::CallId, self.call_id.as_str());
        request.header(HeaderId::CSeq, format!("{cseq} REGISTER").as_str());
        if let Some(expires) = expires {
            request.header(HeaderId::Contact, format!("<{}>{params}", self.contact).as_str());
            request.header(HeaderId::Expires, expires.to_string().as_str());
        }
        if let Some((id, value)) = more {
            request.header(*id, value.as_str());
        }
        request.header(HeaderId::UserAgent, concat!("registrar ", env!("CARGO_PKG_VERSION")));
        request.finish(&[])?;
        Ok(out)
    }

    /// A new branch, which identifies a transaction (RFC 3261 §8.1.1.7).
    #[must_use]
    pub fn branch() -> String {
        format!("z9hG4bK{}", token(16))
    }
}
