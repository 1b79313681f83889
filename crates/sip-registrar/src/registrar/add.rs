//! Bindings that the operator adds.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sip_dispatch::Answer;
use sip_message::uri::Host;
use sip_message::{Framing, Index, Uri};
use sip_transport::{LegId, Now, Peer, Transport};

use super::Registrar;
use crate::limits::Limits;
use crate::location::{RegisterError, Registered};
use crate::plan::{Action, Plan, PlanError, RegisterRequest};
use crate::{Aor, reason};

/// The longest contact and path that are read at all, in bytes; the bounds of a REGISTER are within.
const MAX_TEXT: usize = 4096;

/// A binding that no phone made and none has to renew.
#[derive(Clone, Copy, Debug)]
pub struct Addition<'a> {
    /// A URI, or a Contact with its parameters. What is a URI as a whole is taken as one, parameters and all. An `expires`
    /// in it does not count.
    pub contact: &'a [u8],
    /// For how many seconds, whatever the limits say of phones; `u32::MAX` is 136 years.
    pub expires: u32,
    /// Path values, comma-joined (RFC 3327), or nothing.
    pub path: &'a [u8],
}

/// Why a binding was not added. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The address is of a domain that is not served.
    #[error("the address is of a domain that is not served here")]
    ForeignDomain,
    /// It would have ended before it began.
    #[error("an expiry of 0 seconds")]
    NoExpiry,
    /// It names more contacts than one.
    #[error("more contacts than one")]
    NotOne,
    /// It asks to be reached by its connection (`ob`, `reg-id`), and there is none.
    #[error("a contact that asks to be reached by its connection, of which there is none")]
    NoFlow,
    /// A phone could not register it either.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It contradicts what is stored, or the store failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl Registrar {
    /// Adds a binding on behalf of the operator, or renews the one that the same contact has.
    ///
    /// It is read and carried out as a REGISTER is, whose rules hold, with these differences: its expiry is the one that is
    /// said, it is bound to no connection, and it needs no TLS of its own. `max_contacts` holds, and a full address evicts
    /// or refuses as ever. A phone that registers the same contact later takes the binding over, with its own expiry.
    ///
    /// The addresses at which others reach this server ([`RegistrarBuilder::own_address`](crate::RegistrarBuilder::own_address)) are
    /// refused; those at which it listens are not known here.
    pub fn add(&self, aor: &Aor<'_>, addition: &Addition<'_>, now: Now) -> Answer<Result<Registered, AddError>> {
        let answer = match self.put(aor, addition, now) {
            Ok(answer) => answer,
            Err(error) => return Answer::Now(Err(error)),
        };
        let registrar = self.clone();
        answer.map(move |done| {
            let done = done?;
            registrar.moved(done.before.as_ref(), done.after.as_ref());
            registrar.tell(&done, reason::ADDED_BY_OPERATOR, now);
            Ok(done)
        })
    }

    fn put(
        &self,
        aor: &Aor<'_>,
        addition: &Addition<'_>,
        now: Now,
    ) -> Result<Answer<Result<Registered, RegisterError>>, AddError> {
        let settings = &self.inner.settings;
        let uri = Uri::parse(aor.as_bytes()).map_err(|_| AddError::ForeignDomain)?;
        if !uri.sip().is_some_and(|uri| settings.domains.serves(&uri.host())) {
            return Err(AddError::ForeignDomain);
        }
        if addition.expires == 0 {
            return Err(AddError::NoExpiry);
        }
        let text = request(aor, addition)?;
        let mut index = Index::new();
        let message = index.read(&text, Framing::Datagram).map_err(|_| PlanError::TooLong)?;
        if settings.own.are_in(message) {
            return Err(PlanError::Loop.into());
        }
        let limits = Limits { min_expires: 1, ..settings.limits };
        let identity = settings.identity.as_ref();
        let mut scratch = Vec::new();
        // As over TLS, so that sips: contacts are judged by their Path alone.
        let over_tls = nobody(Transport::Tls, UNSPECIFIED);
        let mut plan = Plan::read(
            RegisterRequest::read(message, over_tls)?,
            limits,
            settings.flows,
            identity,
            &self.inner.jitter,
            &mut scratch,
        )?;
        let Action::Update(changes) = &mut plan.action else { return Err(PlanError::BadContact.into()) };
        let [change] = changes.as_mut_slice() else { return Err(AddError::NotOne) };
        let has_ob = change.uri.sip().is_some_and(|uri| uri.param(b"ob").is_some());
        if has_ob || change.reg_id.is_some() {
            return Err(AddError::NoFlow);
        }
        change.granted = addition.expires;
        plan.peer = at(&change.uri);
        Ok(settings.location.register(aor, &plan, now))
    }
}

/// No address.
const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The request with which a phone would ask for it. Its Call-ID is new, so that it contradicts no other request.
fn request(aor: &Aor<'_>, addition: &Addition<'_>) -> Result<Vec<u8>, PlanError> {
    let Addition { contact, path, .. } = *addition;
    if contact.len() + path.len() > MAX_TEXT {
        return Err(PlanError::TooLong);
    }
    // What ends a line would begin a header.
    if contact.iter().chain(path).any(u8::is_ascii_control) {
        return Err(PlanError::BadContact);
    }
    let (open, close): (&[u8], &[u8]) = if Uri::parse(contact).is_ok() { (b"<", b">") } else { (b"", b"") };
    let (path_name, path_end): (&[u8], &[u8]) = if path.is_empty() { (b"", b"") } else { (b"Path: ", b"\r\n") };
    let call_id = format!("{:016x}@operator", RandomState::new().hash_one(aor));
    let parts: [&[u8]; 16] = [
        b"REGISTER sips:",
        host_of(aor),
        b" SIP/2.0\r\nTo: <",
        aor.as_bytes(),
        b">\r\nCall-ID: ",
        call_id.as_bytes(),
        b"\r\nCSeq: 1 REGISTER\r\nContact: ",
        open,
        contact,
        close,
        b"\r\n",
        path_name,
        path,
        path_end,
        b"Content-Length: 0\r\n",
        b"\r\n",
    ];
    Ok(parts.concat())
}

/// The host as it stands at the end of a canonical address, which has neither port nor parameters.
fn host_of<'a>(aor: &Aor<'a>) -> &'a [u8] {
    let bytes = aor.as_bytes();
    let start = bytes.iter().rposition(|&byte| byte == b'@').map_or(b"sip:".len(), |at| at + 1);
    bytes.get(start..).unwrap_or_default()
}

/// Who would have sent it: whoever is at the contact's own address, so that there is no NAT between.
fn at(uri: &Uri<'_>) -> Peer {
    let Some(uri) = uri.sip() else { return nobody(Transport::Udp, UNSPECIFIED) };
    let named = |name: &[u8]| {
        Transport::ALL.into_iter().find(|transport| transport.name().as_bytes().eq_ignore_ascii_case(name))
    };
    let transport = match uri.transport().and_then(named).unwrap_or(Transport::Udp) {
        Transport::Udp | Transport::Tcp if uri.is_secure() => Transport::Tls,
        Transport::Ws if uri.is_secure() => Transport::Wss,
        transport => transport,
    };
    let port = uri.port().unwrap_or(if uri.is_secure() { 5061 } else { 5060 });
    let source = match uri.maddr().unwrap_or(uri.host()) {
        Host::V4(ip) => SocketAddr::new(ip.into(), port),
        Host::V6(ip) => SocketAddr::new(ip.into(), port),
        Host::Name(_) => UNSPECIFIED,
    };
    nobody(transport, source)
}

fn nobody(transport: Transport, remote: SocketAddr) -> Peer {
    Peer { leg: LegId(0), transport, remote, local: UNSPECIFIED, flow: None }
}
