//! What is known of one address of record, as one immutable blob.
//!
//! The same bytes stand in memory and in every store, so this is a file format: `docs/record-format.md` describes it,
//! and a change of it is a new version number.

mod codec;

use std::net::SocketAddr;
use std::sync::Arc;

pub use codec::{CodecError, RecordBuilder};
use sip_message::header::{ContactValue, QValue};
use sip_message::uri::Uri;
use sip_transport::{Flow, LegId, Timestamp, Transport};

use crate::Aor;

/// The bindings of one address of record. Readers keep the one they have while a writer puts a new one in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(Arc<[u8]>);

/// A contact at which a user can be reached until it expires, with all that was known when it was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The Contact value as the client wrote it, without `expires` and with folds as spaces.
    pub contact: &'a [u8],
    /// The URI in it: equal to that part of `contact`.
    pub uri: &'a [u8],
    /// `+sip.instance` in it without its quotes, or nothing.
    pub instance: &'a [u8],
    /// `reg-id`, if there is an instance (RFC 5626 §6).
    pub reg_id: Option<u32>,
    /// The preference.
    pub q: QValue,
    /// When it ends.
    pub expires_at: Timestamp,
    /// For how many seconds it was granted.
    pub granted: u32,
    /// The Call-ID of the request that made it.
    pub call_id: &'a [u8],
    /// The CSeq number of that request.
    pub cseq: u32,
    /// The Path values of that request, comma-joined (RFC 3327), or nothing.
    pub path: &'a [u8],
    /// The User-Agent of that request, cut to 64 bytes, or nothing.
    pub user_agent: &'a [u8],
    /// The address from which that request came; its flow label is not kept.
    pub source: SocketAddr,
    /// The transport over which it came.
    pub transport: Transport,
    /// The leg by which it came.
    pub leg: LegId,
    /// The connection over which it came.
    pub flow: Option<Flow>,
}

impl Binding<'_> {
    /// Whole seconds that are left, at least 1 as long as it has not expired.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> u32 {
        let left = self.expires_at.millis_since(now).div_ceil(1000);
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Whether it has not expired.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// When the request that made it was handled.
    #[must_use]
    pub fn registered_at(&self) -> Timestamp {
        Timestamp(self.expires_at.0.saturating_sub(u64::from(self.granted) * 1000))
    }

    /// The parsed URI. Only URIs that parse are stored.
    #[must_use]
    pub fn parsed_uri(&self) -> Option<Uri<'_>> {
        Uri::parse(self.uri).ok()
    }

    /// The parsed Contact value.
    #[must_use]
    pub fn parsed_contact(&self) -> Option<sip_message::header::Contact<'_>> {
        match ContactValue::parse(self.contact) {
            Ok(ContactValue::Addr(contact)) => Some(contact),
            _ => None,
        }
    }
}

impl Record {
    /// A record from bytes of a store.
    ///
    /// # Errors
    /// They are of another version, or not what a [`RecordBuilder`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::validate(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// The bytes for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whose record it is.
    #[must_use]
    pub fn aor(&self) -> Aor<'_> {
        Aor::from_canonical(codec::aor(&self.0))
    }

    /// Counts the changes of this record: a store writes a new one only in place of the one it was made from.
    #[must_use]
    pub fn version(&self) -> u64 {
        codec::version(&self.0)
    }

    /// How many bindings there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        codec::count(&self.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bindings, expired ones included.
    pub fn bindings(&self) -> impl Iterator<Item = Binding<'_>> + Clone {
        codec::bindings(&self.0)
    }

    /// Those of a record that may not be there.
    pub(crate) fn bindings_of(record: Option<&Self>) -> impl Iterator<Item = Binding<'_>> {
        codec::bindings(record.map_or(&[], Self::as_bytes))
    }

    /// The bindings that have not expired.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = Binding<'_>> + Clone {
        self.bindings().filter(move |binding| binding.is_live(now))
    }

    /// The record as it is after a restart: its bindings end `shift` milliseconds later than it says, since the clock
    /// has begun anew, but none later than it was granted from `now` on, whatever clocks have shown meanwhile. `scratch`
    /// is used for building it.
    ///
    /// # Errors
    /// As [`RecordBuilder::finish`].
    pub fn reloaded(&self, shift: i64, now: Timestamp, scratch: &mut Vec<u8>) -> Result<Self, CodecError> {
        let expiry = |binding: &Binding<'_>| {
            Timestamp(binding.expires_at.0.saturating_add_signed(shift)).min(now.plus_seconds(binding.granted.into()))
        };
        if self.bindings().all(|binding| expiry(&binding) == binding.expires_at) {
            return Ok(self.clone());
        }
        let mut builder = RecordBuilder::new(scratch, &self.aor(), self.version());
        for binding in self.bindings() {
            builder.push(&Binding { expires_at: expiry(&binding), ..binding });
        }
        builder.finish()
    }

    /// Whose record these bytes are, if they are one: what a store needs to know before it reads them whole.
    #[must_use]
    pub fn aor_in(bytes: &[u8]) -> &[u8] {
        codec::aor(bytes)
    }

    /// When the first of its bindings ends.
    #[must_use]
    pub fn earliest_expiry(&self) -> Option<Timestamp> {
        codec::expiries(&self.0).min()
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("aor", &self.aor().to_string())
            .field("version", &self.version())
            .field("bindings", &self.len())
            .finish()
    }
}
