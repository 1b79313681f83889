//! What is known of one address of record, as one immutable blob.
//!
//! The same bytes stand in memory and in every store, so this is a file format: `docs/record-format.md` describes it,
//! and a change of it is a new version number.

mod codec;
mod reach;
mod unread;

use std::net::SocketAddr;

pub use codec::{CodecError, RecordBuilder};
use prefetch_index::prefetch_index;
pub use reach::{Nat, Target};
use sip_message::header::{ContactValue, QValue};
use sip_message::uri::Uri;
use sip_transport::{Flow, LegId, Timestamp, Transport};
use triomphe::{Arc, ThinArc};
pub(crate) use unread::Unread;

use crate::Aor;
use crate::lines::Fetch;

/// The bindings of one address of record. Readers keep the one they have while a writer puts a new one in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(ThinArc<(), u8>);

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
    /// The connection over which it came. Whether that is still there matters only if the binding is tied to it.
    pub flow: Option<Flow>,
    /// What the end of that connection means for the binding; [`Tie::None`] where there is none.
    pub tie: Tie,
}

/// What the end of its connection means for a binding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tie {
    /// Nothing: it came as a datagram, or can be reached without the connection.
    #[default]
    None,
    /// It lives by the connection, and nobody can be reached by it any more when that ends (RFC 5626 §7).
    Follows,
    /// The connection has ended. It is given to nobody, and goes soon, unless its phone renews it before.
    Suspect,
}

impl Tie {
    /// Of a binding that was made before there were ties: without a Path it was reached by its connection.
    #[must_use]
    pub fn of_old(flow: Option<Flow>, path: &[u8]) -> Self {
        if flow.is_some() && path.is_empty() { Self::Follows } else { Self::None }
    }
}

/// Whole seconds, at least 1 until then.
pub(crate) fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(then.millis_since(now).div_ceil(1000)).unwrap_or(u32::MAX)
}

impl Binding<'_> {
    /// Whole seconds that are left, at least 1 as long as it has not expired.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> u32 {
        seconds_until(self.expires_at, now)
    }

    /// Whether it has not expired.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// Whether its connection has ended and its phone is not back yet.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.tie == Tie::Suspect
    }

    /// Whether somebody may be sent there: it has not expired, and is not suspect.
    #[must_use]
    pub fn is_reachable(&self, now: Timestamp) -> bool {
        self.is_live(now) && !self.is_suspect()
    }

    /// The connection by which it lives, as far as is known.
    #[must_use]
    pub fn lives_by(&self) -> Option<Flow> {
        self.flow.filter(|_| self.tie == Tie::Follows)
    }

    /// The same without its connection, to go at `until`, or earlier if it would have expired before.
    #[must_use]
    pub(crate) fn lost(self, until: Timestamp) -> Self {
        Self { tie: Tie::Suspect, expires_at: self.expires_at.min(until), ..self }
    }

    /// When the request that made it was handled, unless its connection was lost since.
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
    /// What it takes on the heap, with its count and its length.
    pub(crate) fn size(&self) -> usize {
        self.as_bytes().len() + 2 * size_of::<usize>()
    }

    /// A record from bytes of a store.
    ///
    /// # Errors
    /// They are of a newer format, or not what a [`RecordBuilder`] writes or wrote in an earlier one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::read(bytes)
    }

    /// The bytes for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.slice
    }

    /// Whose record it is.
    #[must_use]
    pub fn aor(&self) -> Aor<'_> {
        Aor::from_canonical(codec::aor(self.as_bytes()))
    }

    /// Counts the changes of this record: a store writes a new one only in place of the one it was made from.
    #[must_use]
    pub fn version(&self) -> u64 {
        codec::version(self.as_bytes())
    }

    /// How many bindings there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        codec::count(self.as_bytes())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bindings, expired ones included.
    pub fn bindings(&self) -> impl Iterator<Item = Binding<'_>> + Clone {
        codec::bindings(self.as_bytes())
    }

    /// Over what each of its bindings was registered, expired ones included.
    pub fn transports(&self) -> impl Iterator<Item = Transport> {
        codec::unread(self.as_bytes()).filter_map(Unread::transport)
    }

    /// Those of a record that may not be there.
    pub(crate) fn bindings_of(record: Option<&Self>) -> impl Iterator<Item = Binding<'_>> {
        codec::bindings(record.map_or(&[], Self::as_bytes))
    }

    /// The same of a record that may not be there, each to be read when it is needed.
    pub(crate) fn unread_of(record: Option<&Self>) -> impl Iterator<Item = Unread<'_>> {
        codec::unread(record.map_or(&[], Self::as_bytes))
    }

    /// The bindings at which the user can be reached: those that have not expired and are not suspect.
    pub fn reachable(&self, now: Timestamp) -> impl Iterator<Item = Binding<'_>> + Clone {
        self.bindings().filter(move |binding| binding.is_reachable(now))
    }

    /// The bindings that have not expired, suspect ones included: what a store counts and compares. Who is to be reached
    /// is told by [`Record::reachable`].
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = Binding<'_>> + Clone {
        self.bindings().filter(move |binding| binding.is_live(now))
    }

    /// The record as it is after a restart: its bindings end `shift` milliseconds later than it says, since the clock
    /// has begun anew, but none later than it was granted from `now` on, whatever clocks have shown meanwhile.
    ///
    /// No connection survives a restart: with `lost`, bindings that lived by one are suspect, and end then at the
    /// latest. `None` leaves them as they were, for whoever looks into a table without serving from it.
    #[must_use]
    pub fn reloaded(mut self, shift: i64, now: Timestamp, lost: Option<Timestamp>) -> Self {
        if ThinArc::strong_count(&self.0) > 1 {
            // Others have it as it is.
            self.0 = ThinArc::from_header_and_slice((), self.as_bytes());
        }
        let moved = |expires_at: Timestamp, granted: u32| {
            Timestamp(expires_at.0.saturating_add_signed(shift)).min(now.plus_seconds(granted.into()))
        };
        self.0.with_arc_mut(|bytes| {
            if let Some(bytes) = Arc::get_mut(bytes) {
                codec::reload(bytes.slice_mut(), moved, lost);
            }
        });
        self
    }

    /// The next version of the record, with only the bindings of which `stays` says yes; `None` if there is none.
    ///
    /// # Errors
    /// As [`RecordBuilder::finish`].
    pub(crate) fn only(
        &self,
        stays: impl Fn(&Binding<'_>) -> bool,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Self>, CodecError> {
        let mut builder = RecordBuilder::new(scratch, &self.aor(), self.version() + 1);
        for binding in self.bindings().filter(stays) {
            builder.push(&binding);
        }
        match builder.finish() {
            Ok(record) => Ok(Some(record)),
            Err(CodecError::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whose record these bytes are, if they are one: what a store needs to know before it reads them whole.
    #[must_use]
    pub fn aor_in(bytes: &[u8]) -> &[u8] {
        codec::aor(bytes)
    }

    /// Whether any of its bindings lives by a connection, or did.
    pub(crate) fn has_ties(&self) -> bool {
        codec::unread(self.as_bytes()).any(Unread::is_tied)
    }

    /// When the first of its bindings ends.
    #[must_use]
    pub fn earliest_expiry(&self) -> Option<Timestamp> {
        codec::unread(self.as_bytes()).filter_map(Unread::expires_at).min()
    }
}

/// Nothing is read, not even how long it is.
impl Fetch for Record {
    fn fetch_key(&self) {
        prefetch_index(&self.0.slice, 0);
    }

    /// Most are read whole, and the count and the length before the bytes, which may be in another line.
    fn fetch(&self) {
        /// As long as most records are at most, and what comes at once.
        const SPAN: usize = 256;
        const LINE: usize = 64;
        /// From the bytes back to the count.
        const TO_COUNT: usize = 0_usize.wrapping_sub(2 * size_of::<usize>());
        prefetch_index(&self.0.slice, TO_COUNT);
        (LINE..=SPAN).step_by(LINE).for_each(|at| prefetch_index(&self.0.slice, TO_COUNT.wrapping_add(at)));
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
