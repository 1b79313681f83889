//! The bytes of a record. Numbers are big-endian.
//!
//! ```text
//! record  := 2:u8 version:u64 aor count:u8 binding*
//! binding := length:u16 expires_at:u64 granted:u32 cseq:u32 reg_id:u32 q:u16 leg:u16 transport:u8 flags:u8
//!            port:u16 uri_at:u16 uri_len:u16 instance_at:u16 instance_len:u16
//!            ip:(4 or 16) scope:(u32 if flag) flow:(10 if flag)
//!            contact call_id path user_agent
//! aor, contact, … := length:u16 bytes
//! ```

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use sip_message::Uri;
use sip_message::header::{Contact, ContactValue, QValue};
use sip_transport::{Flow, LegId, Timestamp, Transport};
use triomphe::ThinArc;

use super::{Binding, Record, Tie, Unread};
use crate::Aor;
use crate::scratch::with_scratch;
use crate::span::place_of;

/// The first byte of every record.
const FORMAT: u8 = 2;
/// The first byte of records that did not know what their flows mean to them. They are read, and written no more.
const FORMAT_WITHOUT_TIES: u8 = 1;
/// The bytes of a binding from `expires_at` to `instance_len`.
pub(super) const FIXED: usize = 36;
/// Where its CSeq, its transport and its flags stand.
pub(super) const CSEQ_AT: usize = 12;
pub(super) const TRANSPORT_AT: usize = 24;
pub(super) const FLAGS_AT: usize = 25;
pub(super) const HAS_V6: u8 = 1;
pub(super) const HAS_FLOW: u8 = 2;
pub(super) const HAS_SCOPE: u8 = 4;
pub(super) const FOLLOWS: u8 = 8;
pub(super) const SUSPECT: u8 = 16;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Written by a newer program.
    #[error("a record of format {0}, of which this program knows nothing; it was written by a newer one")]
    UnknownFormat(u8),
    /// Shorter than it says, or with impossible values.
    #[error("a damaged record")]
    Damaged,
    /// A record without bindings is not kept.
    #[error("a record without bindings")]
    Empty,
    /// More bindings or longer values than the format holds.
    #[error("a record with more or longer values than its format holds")]
    TooLarge,
}

/// Writes a record, binding by binding.
#[derive(Debug)]
pub struct RecordBuilder<'b> {
    bytes: &'b mut Vec<u8>,
    count_at: usize,
    count: u8,
    error: Option<CodecError>,
}

impl<'b> RecordBuilder<'b> {
    /// Begins the record of `aor` in `scratch`, which is emptied.
    pub fn new(scratch: &'b mut Vec<u8>, aor: &Aor<'_>, version: u64) -> Self {
        scratch.clear();
        scratch.push(FORMAT);
        scratch.extend_from_slice(&version.to_be_bytes());
        let mut builder = Self { bytes: scratch, count_at: 0, count: 0, error: None };
        builder.text(aor.as_bytes());
        builder.count_at = builder.bytes.len();
        builder.bytes.push(0);
        builder
    }

    /// Adds a binding as it stands in another record of the same format.
    pub(crate) fn keep(&mut self, binding: Unread<'_>) {
        match self.count.checked_add(1) {
            Some(count) => self.count = count,
            None => self.error = Some(CodecError::TooLarge),
        }
        self.text(binding.as_bytes());
    }

    /// Adds a binding.
    pub fn push(&mut self, binding: &Binding<'_>) -> &mut Self {
        let Some(count) = self.count.checked_add(1) else {
            self.error = Some(CodecError::TooLarge);
            return self;
        };
        self.count = count;
        let scope = scope_of(binding.source);
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(binding.source.is_ipv6(), HAS_V6)
            | flag(binding.flow.is_some(), HAS_FLOW)
            | flag(scope != 0, HAS_SCOPE)
            | match binding.tie {
                Tie::None => 0,
                Tie::Follows => FOLLOWS,
                Tie::Suspect => FOLLOWS | SUSPECT,
            };
        let parts = parts_of(binding);
        if parts.is_none() || (binding.tie != Tie::None && binding.flow.is_none()) {
            self.error = Some(CodecError::Damaged);
        }
        let [uri_at, uri_len, instance_at, instance_len] = parts.unwrap_or_default().map(|part| self.fitting(part));
        let length_at = self.bytes.len();
        let mut fixed = Fixed::default();
        // Its length, which is known at the end.
        fixed.put([0, 0]);
        fixed.put(binding.expires_at.0.to_be_bytes());
        fixed.put(binding.granted.to_be_bytes());
        fixed.put(binding.cseq.to_be_bytes());
        fixed.put(binding.reg_id.unwrap_or(0).to_be_bytes());
        fixed.put(binding.q.thousandths().to_be_bytes());
        fixed.put(binding.leg.0.to_be_bytes());
        fixed.put([binding.transport.code(), flags]);
        fixed.put(binding.source.port().to_be_bytes());
        [uri_at, uri_len, instance_at, instance_len].into_iter().for_each(|part| fixed.put(part.to_be_bytes()));
        let out = &mut *self.bytes;
        out.extend_from_slice(&fixed.bytes);
        match binding.source.ip() {
            IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        }
        if scope != 0 {
            out.extend_from_slice(&scope.to_be_bytes());
        }
        if let Some(flow) = binding.flow {
            out.extend_from_slice(&flow.to_bytes());
        }
        for text in [binding.contact, binding.call_id, binding.path, binding.user_agent] {
            self.text(text);
        }
        match u16::try_from(self.bytes.len() - length_at - 2) {
            Ok(length) => {
                if let Some(place) = self.bytes.get_mut(length_at..length_at + 2) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
            Err(_) => self.error = Some(CodecError::TooLarge),
        }
        self
    }

    /// The record: the one allocation on the way.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`]: a binding of more than 65,535 bytes, or more than 255 of them. [`CodecError::Empty`]:
    /// none. [`CodecError::Damaged`]: a binding whose URI or instance is not that of its contact, or one that is tied to a
    /// flow and has none.
    pub fn finish(self) -> Result<Record, CodecError> {
        if let Some(count) = self.bytes.get_mut(self.count_at) {
            *count = self.count;
        }
        match self.error {
            Some(error) => Err(error),
            None if self.count == 0 => Err(CodecError::Empty),
            None => Ok(Record(ThinArc::from_header_and_slice((), self.bytes))),
        }
    }

    fn fitting(&mut self, number: usize) -> u16 {
        u16::try_from(number).unwrap_or_else(|_| {
            self.error = Some(CodecError::TooLarge);
            0
        })
    }

    fn text(&mut self, text: &[u8]) {
        let length = self.fitting(text.len());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(text);
    }
}

/// The numbers of a binding, put together where they stand before they are appended as a whole.
struct Fixed {
    bytes: [u8; 2 + FIXED],
    at: usize,
}

impl Default for Fixed {
    fn default() -> Self {
        Self { bytes: [0; 2 + FIXED], at: 0 }
    }
}

impl Fixed {
    #[inline(always)]
    fn put<const N: usize>(&mut self, number: [u8; N]) {
        if let Some(place) = self.bytes.get_mut(self.at..self.at + N) {
            place.copy_from_slice(&number);
        }
        self.at += N;
    }
}

/// The interface of a link-local address; without it nothing can be sent there.
fn scope_of(source: SocketAddr) -> u32 {
    match source {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(source) => source.scope_id(),
    }
}

/// Place and length of the URI and of the instance in the contact.
fn parts_of(binding: &Binding<'_>) -> Option<[usize; 4]> {
    let Binding { contact, uri, instance, .. } = binding;
    // Nearly always `<` and the URI, or the URI alone.
    let uri_at = match contact.strip_prefix(b"<") {
        Some(inner) if inner.starts_with(uri) => Some(1),
        None if contact.starts_with(uri) => Some(0),
        _ => place_of(contact, uri),
    };
    let instance_at = if instance.is_empty() { Some(0) } else { place_of(contact, instance) };
    if let (Some(uri_at), Some(instance_at)) = (uri_at, instance_at) {
        return Some([uri_at, uri.len(), instance_at, instance.len()]);
    }
    // Equal to the parts, but not the parts themselves.
    let parts = ContactParts::read(contact)?;
    (parts.uri == *uri && parts.instance == *instance).then(|| parts.places()).flatten()
}

/// What a contact says of itself.
struct ContactParts<'a> {
    contact: Contact<'a>,
    uri: &'a [u8],
    instance: &'a [u8],
}

impl<'a> ContactParts<'a> {
    fn read(contact: &'a [u8]) -> Option<Self> {
        match ContactValue::parse(contact) {
            Ok(ContactValue::Addr(contact)) => {
                let instance = contact.instance.unwrap_or_default();
                Some(Self { contact, uri: contact.uri.as_bytes(), instance })
            }
            _ => None,
        }
    }

    fn places(&self) -> Option<[usize; 4]> {
        let whole = self.contact.bytes;
        let instance_at = if self.instance.is_empty() { 0 } else { place_of(whole, self.instance)? };
        Some([place_of(whole, self.uri)?, self.uri.len(), instance_at, self.instance.len()])
    }

    /// Whether a binding of this contact says the same, with its parts in these places.
    fn agrees_with(&self, binding: &Binding<'_>) -> bool {
        let Contact { bytes, uri, expires, q, reg_id, .. } = self.contact;
        bytes == binding.contact
            && !matches!(uri, Uri::Other(_))
            && expires.is_none()
            && q.unwrap_or(QValue::ONE) == binding.q
            && reg_id.filter(|_| !self.instance.is_empty()) == binding.reg_id
            && self.places() == parts_of(binding)
    }
}

/// Reads from the front of bytes; `None` when they end too soon.
#[derive(Clone)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.short()?;
        self.take(usize::from(length))
    }
}

/// The parts of a record before its bindings, and those.
fn head(bytes: &[u8]) -> Option<(u64, &[u8], u8, Reader<'_>)> {
    let mut reader = Reader(bytes);
    let [_format] = reader.array()?;
    let version = reader.array().map(u64::from_be_bytes)?;
    let aor = reader.text()?;
    let [count] = reader.array()?;
    Some((version, aor, count, reader))
}

pub(super) fn version(bytes: &[u8]) -> u64 {
    head(bytes).map_or(0, |(version, ..)| version)
}

pub(super) fn aor(bytes: &[u8]) -> &[u8] {
    head(bytes).map_or(&[], |(_, aor, ..)| aor)
}

pub(super) fn count(bytes: &[u8]) -> usize {
    head(bytes).map_or(0, |(_, _, count, _)| usize::from(count))
}

pub(super) fn bindings(bytes: &[u8]) -> impl Iterator<Item = Binding<'_>> + Clone {
    let mut reader = head(bytes).map_or(Reader(&[]), |(.., reader)| reader);
    std::iter::from_fn(move || binding(&mut reader))
}

/// The bytes of each binding, unread.
pub(super) fn unread(bytes: &[u8]) -> impl Iterator<Item = Unread<'_>> {
    let mut reader = head(bytes).map_or(Reader(&[]), |(.., reader)| reader);
    std::iter::from_fn(move || reader.text().map(Unread::new))
}

fn binding<'a>(reader: &mut Reader<'a>) -> Option<Binding<'a>> {
    read_binding(reader.text()?)
}

pub(super) fn read_binding(bytes: &[u8]) -> Option<Binding<'_>> {
    let mut reader = Reader(bytes);
    // Of a known length, so that its parts are read without looking for the end each time.
    let mut fixed = Reader(reader.take(FIXED)?);
    let expires_at = Timestamp(u64::from_be_bytes(fixed.array()?));
    let granted = u32::from_be_bytes(fixed.array()?);
    let cseq = u32::from_be_bytes(fixed.array()?);
    let reg_id = u32::from_be_bytes(fixed.array()?);
    let q = QValue::from_thousandths(fixed.short()?)?;
    let leg = LegId(fixed.short()?);
    let [transport, flags] = fixed.array()?;
    let transport = Transport::from_code(transport)?;
    let port = fixed.short()?;
    let (uri_at, uri_len) = (usize::from(fixed.short()?), usize::from(fixed.short()?));
    let (instance_at, instance_len) = (usize::from(fixed.short()?), usize::from(fixed.short()?));
    let ip = if flags & HAS_V6 == 0 { IpAddr::from(reader.array::<4>()?) } else { IpAddr::from(reader.array::<16>()?) };
    let scope = if flags & HAS_SCOPE == 0 { 0 } else { u32::from_be_bytes(reader.array()?) };
    let flow = if flags & HAS_FLOW == 0 { None } else { Some(Flow::from_bytes(reader.array()?)) };
    let (contact, call_id, path, user_agent) = (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
    let uri = contact.get(uri_at..uri_at + uri_len)?;
    let instance = contact.get(instance_at..instance_at + instance_len)?;
    let source = match ip {
        IpAddr::V4(ip) => SocketAddr::V4(SocketAddrV4::new(ip, port)),
        IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)),
    };
    // What could be written in two ways is written in one.
    let unknown_flags = flags & !(HAS_V6 | HAS_FLOW | HAS_SCOPE | FOLLOWS | SUSPECT) != 0;
    let tie = match (flags & FOLLOWS != 0, flags & SUSPECT != 0) {
        (false, false) => Tie::None,
        (true, false) => Tie::Follows,
        (true, true) => Tie::Suspect,
        (false, true) => return None,
    };
    let tied_to_nothing = tie != Tie::None && flow.is_none();
    let odd_scope = (flags & HAS_SCOPE != 0) != (scope_of(source) != 0);
    let odd_instance = instance.is_empty() && instance_at != 0;
    if !reader.0.is_empty() || unknown_flags || odd_scope || odd_instance || tied_to_nothing {
        return None;
    }
    Some(Binding {
        contact,
        uri,
        instance,
        reg_id: (reg_id != 0).then_some(reg_id),
        q,
        expires_at,
        granted,
        call_id,
        cseq,
        path,
        user_agent,
        source,
        transport,
        leg,
        flow,
        tie,
    })
}

/// Sets anew when each binding of a record ends, by when it did and for how many seconds it was granted. With `lost`, those that
/// live by their connections become suspect, and end then at the latest.
pub(super) fn reload(bytes: &mut [u8], moved: impl Fn(Timestamp, u32) -> Timestamp, lost: Option<Timestamp>) {
    let before_bindings = head(bytes).map_or(0, |(.., reader)| bytes.len() - reader.0.len());
    let mut bindings = bytes.get_mut(before_bindings..).unwrap_or_default();
    while let Some((length, after)) = bindings.split_first_chunk_mut() {
        let Some((binding, next)) = after.split_at_mut_checked(u16::from_be_bytes(*length).into()) else { return };
        bindings = next;
        let Some((expires_at, rest)) = binding.split_first_chunk_mut() else { return };
        let Some((granted, from_cseq)) = rest.split_first_chunk_mut() else { return };
        let Some(flags) = from_cseq.get_mut(FLAGS_AT - CSEQ_AT) else { return };
        let mut ends = moved(Timestamp(u64::from_be_bytes(*expires_at)), u32::from_be_bytes(*granted));
        if let (Some(until), FOLLOWS) = (lost, *flags & (FOLLOWS | SUSPECT)) {
            *flags |= SUSPECT;
            ends = ends.min(until);
        }
        *expires_at = ends.0.to_be_bytes();
    }
}

/// The record that bytes are: what a [`RecordBuilder`] writes, to the last one, or did in an earlier format.
pub(super) fn read(bytes: &[u8]) -> Result<Record, CodecError> {
    let is_old = match bytes.first() {
        Some(&FORMAT) => false,
        Some(&FORMAT_WITHOUT_TIES) => true,
        Some(&other) => return Err(CodecError::UnknownFormat(other)),
        None => return Err(CodecError::Damaged),
    };
    validate(bytes, is_old)?;
    let record = Record(ThinArc::from_header_and_slice((), bytes));
    if !is_old {
        return Ok(record);
    }
    let mut scratch = Vec::with_capacity(bytes.len());
    let mut builder = RecordBuilder::new(&mut scratch, &record.aor(), record.version());
    for binding in record.bindings() {
        builder.push(&Binding { tie: Tie::of_old(binding.flow, binding.path), ..binding });
    }
    builder.finish()
}

fn validate(bytes: &[u8], is_old: bool) -> Result<(), CodecError> {
    let (_, aor, count, mut reader) = head(bytes).ok_or(CodecError::Damaged)?;
    if !is_canonical(aor) {
        return Err(CodecError::Damaged);
    }
    for _ in 0..count {
        let binding = binding(&mut reader).ok_or(CodecError::Damaged)?;
        let tied_too_early = is_old && binding.tie != Tie::None;
        if tied_too_early || !ContactParts::read(binding.contact).is_some_and(|parts| parts.agrees_with(&binding)) {
            return Err(CodecError::Damaged);
        }
    }
    match (count, reader.0) {
        (0, _) => Err(CodecError::Empty),
        (_, []) => Ok(()),
        _ => Err(CodecError::Damaged),
    }
}

/// Whether an address of record is written as [`Aor::from_uri`] writes it.
fn is_canonical(aor: &[u8]) -> bool {
    let Ok(uri) = Uri::parse(aor) else { return false };
    // A million are read when a table is loaded.
    with_scratch(|scratch| Aor::from_uri(&uri, &mut scratch.aor).is_ok_and(|canonical| canonical.as_bytes() == aor))
}
