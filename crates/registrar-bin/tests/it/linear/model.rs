//! What one address of record does, one request after the other (RFC 3261 §10.3), and nothing of the code under test.

use std::collections::BTreeMap;

/// A request for one address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Adds or refreshes a contact. No other call has this version.
    Put {
        contact: u8,
        from: Sequence,
        version: u32,
    },
    Remove {
        contact: u8,
        from: Sequence,
    },
    /// `Contact: *`.
    Clear {
        from: Sequence,
    },
    Query,
}

/// Call-ID and CSeq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sequence {
    pub(crate) call_id: u8,
    pub(crate) cseq: u32,
}

/// What the answer to a call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 200, with the version of each contact.
    Bindings(BTreeMap<u8, u32>),
    /// 500: its CSeq was not higher.
    Refused,
}

/// Contacts, each with the version and the sequence of the call that put it there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bindings(BTreeMap<u8, (Sequence, u32)>);

impl Bindings {
    /// What becomes of them, and what is answered.
    pub(crate) fn after(&self, call: Call) -> (Self, Outcome) {
        let mut next = self.clone();
        let late = |contact: &u8, from: Sequence| {
            let stands = self.0.get(contact).map(|(sequence, _)| sequence);
            stands.is_some_and(|stands| stands.call_id == from.call_id && stands.cseq >= from.cseq)
        };
        let refused = match call {
            Call::Put { contact, from, version } => {
                next.0.insert(contact, (from, version));
                late(&contact, from)
            }
            Call::Remove { contact, from } => {
                next.0.remove(&contact);
                late(&contact, from)
            }
            Call::Clear { from } => {
                next.0.clear();
                self.0.keys().any(|contact| late(contact, from))
            }
            Call::Query => false,
        };
        if refused {
            return (self.clone(), Outcome::Refused);
        }
        let versions = next.0.iter().map(|(contact, (_, version))| (*contact, *version)).collect();
        (next, Outcome::Bindings(versions))
    }
}
