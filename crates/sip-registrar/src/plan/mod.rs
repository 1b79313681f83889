//! What a REGISTER asks for, read and checked before anything is looked up (RFC 3261 §10.3 steps 6 and 7).
//!
//! A To tag means nothing in a REGISTER, which opens no dialog (§10.2): phones that send one are served. Nor does the
//! user part of a Request-URI, which should have none.

mod contact;

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use sip_message::header::{CSeq, CallId, ContactValue, Expires, NameAddr, QValue, UserAgent};
use sip_message::uri::{Host, SipUri};
use sip_message::{HeaderId, Message, Uri};
use sip_transport::{Flow, Peer};
use smallvec::SmallVec;

use crate::flows::FlowRules;
use crate::identity::{IdentityParam, are_same};
use crate::limits::Limits;
pub(crate) use contact::is_way_secure;
use contact::{Draft, whole_way_is_secure, write_unfolded};

/// The longest contact with its parameters, the longest path, and the longest Call-ID that is stored, in bytes.
const MAX_CONTACT: usize = 1024;
const MAX_PATH: usize = 2048;
const MAX_CALL_ID: usize = 256;
/// How much of a User-Agent is kept, in bytes.
const MAX_USER_AGENT: usize = 64;
/// How many contacts a request may name, those that it removes included, if `max_contacts` is not more.
const MAX_NAMED: usize = 32;

/// A REGISTER as the location service needs it.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// What is asked for.
    pub action: Action<'a>,
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The CSeq number.
    pub cseq: u32,
    /// Path, comma-joined.
    pub path: &'a [u8],
    /// User-Agent, cut.
    pub user_agent: &'a [u8],
    /// Who sent it.
    pub peer: Peer,
    /// What the operator allows.
    pub limits: Limits,
    /// What the end of its connection will mean for what it binds.
    pub flows: FlowRules,
    /// A parameter that tells phones apart.
    pub identity: Option<&'a IdentityParam>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Action<'a> {
    /// No Contact: which bindings are there?
    Query,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// Contacts to add, renew or remove.
    Update(SmallVec<[Change<'a>; 1]>),
}

/// One contact of a request.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The value as it came, without `expires` and with folds as spaces.
    pub contact: &'a [u8],
    /// Its URI.
    pub uri: Uri<'a>,
    /// `+sip.instance`, a part of `contact`, or nothing.
    pub instance: &'a [u8],
    /// `reg-id`, which counts only with an instance (RFC 5626 §6).
    pub reg_id: Option<u32>,
    /// The preference.
    pub q: QValue,
    /// For how many seconds it is granted; 0 removes it.
    pub granted: u32,
}

/// Why a request cannot be carried out, whatever is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Call-ID or CSeq is missing or malformed.
    #[error("Call-ID or CSeq is missing or malformed")]
    NoIdentity,
    /// A Contact or Path is malformed, or a Contact's scheme is none at which a user can be reached.
    #[error("a Contact that cannot be stored")]
    BadContact,
    /// A Contact (1,024 bytes), Path (2,048) or Call-ID (256) is longer than allowed.
    #[error("a Contact, Path or Call-ID that is too long")]
    TooLong,
    /// `*` with other contacts or with an expiry other than 0.
    #[error("* with other contacts or without Expires: 0")]
    StarMisused,
    /// The same contact twice.
    #[error("the same contact twice")]
    Duplicate,
    /// A Contact is the address to which the request was sent.
    #[error("a Contact that is the registrar itself")]
    Loop,
    /// A sips contact without a sips Request-URI or Path (RFC 5630 §5.2), or without TLS.
    #[error("a sips contact without a sips Request-URI or Path")]
    SipsRequired,
    /// More contacts than an address of record may have, or very many to be removed.
    #[error("more contacts than allowed")]
    TooManyContacts,
    /// An expiry under the minimum.
    #[error("an expiry of less than {min_expires} seconds")]
    TooBrief {
        /// What may be asked for.
        min_expires: u32,
    },
}

/// A REGISTER and who sent it, with the parts of it that have been read before it is known what it asks for.
#[derive(Clone, Copy, Debug)]
pub struct RegisterRequest<'a> {
    /// The request.
    pub message: Message<'a>,
    /// Who sent it.
    pub peer: Peer,
    /// Its Call-ID.
    pub call_id: CallId<'a>,
    /// Its CSeq.
    pub cseq: CSeq<'a>,
}

impl<'a> RegisterRequest<'a> {
    /// A request of which nothing has been read.
    ///
    /// # Errors
    /// [`PlanError::NoIdentity`].
    #[inline]
    pub fn read(message: Message<'a>, peer: Peer) -> Result<Self, PlanError> {
        Self::of(message, peer, message.header().ok().flatten(), message.header().ok().flatten())
    }

    /// One whose Call-ID and CSeq have been read, if they are there.
    ///
    /// # Errors
    /// [`PlanError::NoIdentity`].
    #[inline]
    pub(crate) fn of(
        message: Message<'a>,
        peer: Peer,
        call_id: Option<CallId<'a>>,
        cseq: Option<CSeq<'a>>,
    ) -> Result<Self, PlanError> {
        let (call_id, cseq) = call_id.zip(cseq).ok_or(PlanError::NoIdentity)?;
        Ok(Self { message, peer, call_id, cseq })
    }
}

impl<'a> Plan<'a> {
    /// Reads a request. `scratch` is emptied and takes the texts that have to be put together.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn read(
        request: RegisterRequest<'a>,
        limits: Limits,
        flows: FlowRules,
        identity: Option<&'a IdentityParam>,
        jitter: &RandomState,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Self, PlanError> {
        scratch.clear();
        let RegisterRequest { message, peer, call_id: CallId(call_id), cseq: CSeq { number: cseq, .. } } = request;
        let mut plan =
            Self { action: Action::Query, call_id, cseq, path: &[], user_agent: &[], peer, limits, flows, identity };
        if message.value(HeaderId::Contact).is_none() {
            return Ok(plan);
        }
        let Some(drafts) = read_contacts(message, &peer, &limits, scratch)? else {
            plan.action = Action::RemoveAll;
            return Ok(plan);
        };
        if call_id.len() > MAX_CALL_ID {
            return Err(PlanError::TooLong);
        }
        let path_at = scratch.len();
        write_path(message, scratch)?;
        let user_agent_at = scratch.len();
        if let Ok(Some(UserAgent(text))) = message.header::<UserAgent<'_>>() {
            write_unfolded(text.get(..MAX_USER_AGENT).unwrap_or(text), scratch);
        }
        // Everything is written; now it is borrowed.
        let texts: &'a [u8] = scratch;
        plan.path = texts.get(path_at..user_agent_at).unwrap_or_default();
        plan.user_agent = texts.get(user_agent_at..).unwrap_or_default();

        let default = message.header::<Expires>().ok().flatten().map_or(limits.default_expires, |expires| expires.0);
        let mut changes: SmallVec<[Change<'a>; 1]> = SmallVec::with_capacity(drafts.len());
        let mut kept = 0;
        for draft in drafts {
            let wanted = draft.expires.unwrap_or(default);
            if limits.is_too_brief(wanted) {
                return Err(PlanError::TooBrief { min_expires: limits.min_expires });
            }
            kept += usize::from(wanted > 0);
            if kept > limits.max_contacts {
                return Err(PlanError::TooManyContacts);
            }
            // The same for a phone each time, so that phones which came together drift apart ever further.
            let granted = limits.grant(wanted, || jitter.hash_one(call_id));
            let change = draft.into_change(texts, granted);
            if changes.iter().any(|other| contradict(other, &change, identity)) {
                return Err(PlanError::Duplicate);
            }
            changes.push(change);
        }
        plan.action = Action::Update(changes);
        Ok(plan)
    }
}

impl Plan<'_> {
    /// The connection to which contacts will be bound, if any live by it: a guess that is never too small.
    pub(crate) fn binds_to(&self) -> Option<Flow> {
        let Action::Update(changes) = &self.action else { return None };
        let may_follow = self.flows.follow && self.path.is_empty() && changes.iter().any(|change| change.granted > 0);
        self.peer.flow.filter(|_| may_follow)
    }
}

type Drafts<'a> = SmallVec<[Draft<'a>; 1]>;

/// Reads every Contact value; `None` is `*`, which stands only alone, and only with `Expires: 0`.
fn read_contacts<'a>(
    message: Message<'a>,
    peer: &Peer,
    limits: &Limits,
    scratch: &mut Vec<u8>,
) -> Result<Option<Drafts<'a>>, PlanError> {
    let mut drafts = Drafts::new();
    let (mut star, mut any_secure) = (false, false);
    for value in message.list::<ContactValue<'a>>(HeaderId::Contact) {
        let contact = match value.map_err(|_| PlanError::BadContact)? {
            ContactValue::Addr(contact) if !star => contact,
            ContactValue::Star if !star && drafts.is_empty() => {
                star = true;
                continue;
            }
            _ => return Err(PlanError::StarMisused),
        };
        match contact.uri {
            Uri::Sip(uri) if is_at(&uri, peer.local) => return Err(PlanError::Loop),
            Uri::Sip(uri) => any_secure |= uri.is_secure(),
            Uri::Tel(_) => {}
            Uri::Other(_) => return Err(PlanError::BadContact),
        }
        let draft = Draft::write(&contact, scratch)?;
        if draft.len() > MAX_CONTACT {
            return Err(PlanError::TooLong);
        }
        drafts.push(draft);
        if drafts.len() > limits.max_contacts.max(MAX_NAMED) {
            return Err(PlanError::TooManyContacts);
        }
    }
    if star {
        // Here the header is demanded as it stands: what is malformed is not 0.
        return match message.value(HeaderId::Expires) {
            Some(value) if !value.is_empty() && value.iter().all(|&byte| byte == b'0') => Ok(None),
            _ => Err(PlanError::StarMisused),
        };
    }
    if any_secure && !whole_way_is_secure(message, peer) {
        return Err(PlanError::SipsRequired);
    }
    Ok(Some(drafts))
}

/// Whether a contact is the very address to which the request was sent: what goes there comes back to us.
fn is_at(uri: &SipUri<'_>, local: SocketAddr) -> bool {
    let same_ip = match uri.host() {
        Host::V4(ip) => local.ip() == ip,
        Host::V6(ip) => local.ip() == ip,
        Host::Name(_) => false,
    };
    same_ip && uri.port().unwrap_or(if uri.is_secure() { 5061 } else { 5060 }) == local.port()
}

fn write_path(message: Message<'_>, out: &mut Vec<u8>) -> Result<(), PlanError> {
    let start = out.len();
    if message.value(HeaderId::Path).is_none() {
        return Ok(());
    }
    if message.list::<NameAddr<'_>>(HeaderId::Path).any(|path| path.is_err()) {
        return Err(PlanError::BadContact);
    }
    for line in message.lines(HeaderId::Path) {
        if out.len() > start {
            out.extend_from_slice(b", ");
        }
        write_unfolded(line, out);
    }
    if out.len() - start > MAX_PATH { Err(PlanError::TooLong) } else { Ok(()) }
}

/// Two values of one request that cannot both be done: one binding twice, or added and removed under one URI. By the
/// letter of RFC 3261 §10.3 the second would fail for its CSeq.
///
/// A removal of a phone's old URI beside its new one does not contradict: what is added takes that binding over.
fn contradict(a: &Change<'_>, b: &Change<'_>, identity: Option<&IdentityParam>) -> bool {
    match (a.granted > 0, b.granted > 0) {
        (true, true) => are_same(a, b, identity),
        (false, false) => false,
        _ => sip_message::uri::equivalent(&a.uri, &b.uri) && are_same(a, b, identity),
    }
}
