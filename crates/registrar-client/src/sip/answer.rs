//! What an answer says, as far as one who registers wants to know.

use std::net::IpAddr;

use sip_message::header::{CSeq, CallId, Contact, ContactValue, Expires, From, MinExpires, Rport, To, Via};
use sip_message::uri::equivalent;
use sip_message::{Framing, HeaderId, Index, Message, Uri};

use super::Challenge;

/// An answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The phrase.
    pub phrase: String,
    /// The Via values; an answer to us has one.
    pub vias: Vec<OurVia>,
    /// Call-ID.
    pub call_id: String,
    /// The number in CSeq, if its method is REGISTER.
    pub cseq: Option<u32>,
    /// The tag in From.
    pub from_tag: Option<String>,
    /// The tag in To.
    pub to_tag: Option<String>,
    /// The contacts, in order.
    pub contacts: Vec<AnswerContact>,
    /// Contact headers that cannot be read.
    pub unreadable_contact: bool,
    /// Expires.
    pub expires: Option<u32>,
    /// Min-Expires.
    pub min_expires: Option<u32>,
    /// Date, as it came.
    pub date: Option<String>,
    /// Retry-After, as it came.
    pub retry_after: Option<String>,
    /// Server.
    pub server: Option<String>,
    /// The challenges that can be answered.
    pub challenges: Vec<Challenge>,
    /// The algorithms, or other schemes, of all challenges.
    pub offered: Vec<String>,
    /// Whether Authentication-Info names a next nonce.
    pub next_nonce: bool,
}

/// A Via value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurVia {
    /// Host and port.
    pub sent_by: String,
    /// `branch`.
    pub branch: Option<String>,
    /// `received`.
    pub received: Option<IpAddr>,
    /// `rport`, if it is filled in.
    pub rport: Option<u16>,
}

/// A contact of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerContact {
    /// Its URI.
    pub uri: String,
    /// `expires`.
    pub expires: Option<u32>,
    /// `q` in thousandths.
    pub q: Option<u16>,
    /// `+sip.instance`.
    pub instance: Option<String>,
}

impl Answer {
    /// Reads an answer; `None` if it is none, or cannot be read.
    #[must_use]
    pub fn read(index: &mut Index, bytes: &[u8], stream: bool) -> Option<Self> {
        let message = index.read(bytes, if stream { Framing::Stream } else { Framing::Datagram }).ok()?;
        let response = message.response()?;
        if message.fault().is_some() {
            return None;
        }
        let contacts: Vec<_> = message.list::<ContactValue<'_>>(HeaderId::Contact).collect();
        let cseq = message.header::<CSeq<'_>>().ok().flatten();
        let (challenges, offered) = Challenge::all(&message);
        let info = message.header::<sip_message::header::AuthenticationInfo<'_>>().ok().flatten();
        Some(Self {
            status: response.code,
            phrase: lossy(response.reason),
            vias: message.list::<Via<'_>>(HeaderId::Via).filter_map(Result::ok).map(|via| OurVia::of(&via)).collect(),
            call_id: message.header::<CallId<'_>>().ok().flatten().map(|id| lossy(id.0)).unwrap_or_default(),
            cseq: cseq.filter(|cseq| cseq.method.name() == b"REGISTER").map(|cseq| cseq.number),
            from_tag: message.header::<From<'_>>().ok().flatten().and_then(|from| from.0.tag).map(lossy),
            to_tag: message.header::<To<'_>>().ok().flatten().and_then(|to| to.0.tag).map(lossy),
            unreadable_contact: contacts.iter().any(Result::is_err),
            contacts: contacts.into_iter().filter_map(Result::ok).filter_map(AnswerContact::of).collect(),
            expires: message.header::<Expires>().ok().flatten().map(|expires| expires.0),
            min_expires: message.header::<MinExpires>().ok().flatten().map(|expires| expires.0),
            date: value(&message, HeaderId::Date),
            retry_after: value(&message, HeaderId::RetryAfter),
            server: value(&message, HeaderId::Server),
            challenges,
            offered,
            next_nonce: info.is_some_and(|info| info.nextnonce.is_some()),
        })
    }

    /// The branch of the first Via: which request it answers.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.vias.first()?.branch.as_deref()
    }

    /// The contact that is equivalent to `uri` (RFC 3261 §19.1.4).
    #[must_use]
    pub fn contact(&self, uri: &str) -> Option<&AnswerContact> {
        let ours = Uri::parse(uri.as_bytes()).ok()?;
        let same = |contact: &&AnswerContact| {
            Uri::parse(contact.uri.as_bytes()).is_ok_and(|theirs| equivalent(&ours, &theirs))
        };
        self.contacts.iter().find(same)
    }

    /// For how long a contact is registered, if that is said.
    #[must_use]
    pub fn granted(&self, contact: &AnswerContact) -> Option<u32> {
        contact.expires.or(self.expires)
    }
}

impl OurVia {
    fn of(via: &Via<'_>) -> Self {
        let rport = match via.rport {
            Rport::Port(port) => Some(port),
            _ => None,
        };
        Self { sent_by: lossy(via.sent_by), branch: via.branch.map(lossy), received: via.received_ip(), rport }
    }
}

impl AnswerContact {
    fn of(value: ContactValue<'_>) -> Option<Self> {
        let ContactValue::Addr(Contact { uri, expires, q, instance, .. }) = value else { return None };
        let q = q.map(sip_message::header::QValue::thousandths);
        Some(Self { uri: lossy(uri.as_bytes()), expires, q, instance: instance.map(lossy) })
    }
}

fn value(message: &Message<'_>, id: HeaderId) -> Option<String> {
    message.value(id).map(lossy)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
