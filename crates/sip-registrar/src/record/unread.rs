//! Bindings of which little is wanted, so that the rest is not read.

use sip_transport::{Timestamp, Transport};

use super::Binding;
use super::codec::{
    CSEQ_AT, FIXED, FLAGS_AT, FOLLOWS, HAS_FLOW, HAS_SCOPE, HAS_V6, Reader, SUSPECT, TRANSPORT_AT, read_binding,
};

/// A binding of which only what is asked for is read.
#[derive(Clone, Copy)]
pub(crate) struct Unread<'a>(&'a [u8]);

impl<'a> Unread<'a> {
    /// By the bytes of the binding in its record.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// All of it.
    pub(crate) fn read(self) -> Option<Binding<'a>> {
        read_binding(self.0)
    }

    pub(super) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn expires_at(self) -> Option<Timestamp> {
        self.0.first_chunk().map(|at| Timestamp(u64::from_be_bytes(*at)))
    }

    pub(crate) fn cseq(self) -> Option<u32> {
        self.0.get(CSEQ_AT..)?.first_chunk().map(|cseq| u32::from_be_bytes(*cseq))
    }

    pub(crate) fn transport(self) -> Option<Transport> {
        Transport::from_code(*self.0.get(TRANSPORT_AT)?)
    }

    /// Whether it lives by its connection, or did.
    pub(crate) fn is_tied(self) -> bool {
        self.flags() & FOLLOWS != 0
    }

    /// As [`Binding::is_live`] says.
    pub(crate) fn is_live(self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|expires_at| expires_at > now)
    }

    /// As [`Binding::is_reachable`] says.
    pub(crate) fn is_reachable(self, now: Timestamp) -> bool {
        self.is_live(now) && self.flags() & SUSPECT == 0
    }

    pub(crate) fn contact(self) -> Option<&'a [u8]> {
        self.texts()?.text()
    }

    pub(crate) fn call_id(self) -> Option<&'a [u8]> {
        let mut texts = self.texts()?;
        let _contact = texts.text()?;
        texts.text()
    }

    fn flags(self) -> u8 {
        self.0.get(FLAGS_AT).copied().unwrap_or(0)
    }

    /// What follows its numbers and addresses.
    fn texts(self) -> Option<Reader<'a>> {
        let flags = self.flags();
        let ip = if flags & HAS_V6 == 0 { 4 } else { 16 };
        let scope = if flags & HAS_SCOPE == 0 { 0 } else { 4 };
        let flow = if flags & HAS_FLOW == 0 { 0 } else { 10 };
        self.0.get(FIXED + ip + scope + flow..).map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use sip_message::header::QValue;
    use sip_transport::{Flow, LegId};

    use super::*;
    use crate::Aor;
    use crate::record::{Record, RecordBuilder, Tie};

    #[test]
    fn its_parts_are_what_they_are_when_all_of_it_is_read() {
        let flow = Some(Flow { worker: 1, slot: 2, generation: 3 });
        let (mut scratch, mut buffer) = (Vec::new(), Vec::new());
        let aor = Aor::parse("sip:a@example.com", &mut buffer).unwrap();
        let mut builder = RecordBuilder::new(&mut scratch, &aor, 1);
        // Each has another length before its texts.
        for (at, (source, transport, flow, tie)) in [
            ("192.0.2.1:5060", Transport::Udp, None, Tie::None),
            ("192.0.2.1:5060", Transport::Tcp, flow, Tie::Suspect),
            ("[2001:db8::1]:5060", Transport::Udp, None, Tie::None),
            ("[fe80::1%7]:5060", Transport::Wss, flow, Tie::Follows),
        ]
        .into_iter()
        .enumerate()
        {
            let contact = b"<sip:a@192.0.2.1>;+sip.instance=\"<urn:x>\"".as_slice();
            builder.push(&Binding {
                contact,
                uri: &contact[1..16],
                instance: b"<urn:x>",
                reg_id: None,
                q: QValue::ONE,
                expires_at: Timestamp(1_000 * at as u64 + 1_000),
                granted: 60,
                call_id: format!("call-{at}").as_bytes(),
                cseq: at as u32,
                path: b"",
                user_agent: b"phone",
                source: source.parse().unwrap(),
                transport,
                leg: LegId(0),
                flow,
                tie,
            });
        }
        let record = builder.finish().unwrap();
        assert_eq!(Record::unread_of(Some(&record)).count(), 4);
        for (unread, binding) in Record::unread_of(Some(&record)).zip(record.bindings()) {
            assert_eq!(unread.contact(), Some(binding.contact));
            assert_eq!(unread.call_id(), Some(binding.call_id));
            assert_eq!((unread.expires_at(), unread.cseq()), (Some(binding.expires_at), Some(binding.cseq)));
            assert_eq!(unread.transport(), Some(binding.transport));
            assert_eq!(unread.is_tied(), binding.tie != Tie::None);
            assert_eq!(unread.read(), Some(binding));
            for now in [0, 1_500, 2_500, 9_000].map(Timestamp) {
                assert_eq!(unread.is_live(now), binding.is_live(now), "{now:?}");
                assert_eq!(unread.is_reachable(now), binding.is_reachable(now), "{now:?}");
            }
        }
    }
}
