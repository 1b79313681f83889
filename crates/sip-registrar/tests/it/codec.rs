//! Records as bytes (docs/record-format.md).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sip_message::header::{ContactValue, QValue};
use sip_registrar::{Aor, Binding, CodecError, Record, RecordBuilder, Tie};
use sip_transport::{Flow, LegId, Timestamp, Transport};

/// A contact, and all of a binding that the contact does not say.
#[derive(Clone, Debug)]
struct Owned {
    contact: String,
    rest: Binding<'static>,
    call_id: Vec<u8>,
    path: Vec<u8>,
    user_agent: Vec<u8>,
}

impl Owned {
    fn binding(&self) -> Binding<'_> {
        let Ok(ContactValue::Addr(contact)) = ContactValue::parse(self.contact.as_bytes()) else { panic!("{self:?}") };
        let instance = contact.instance.unwrap_or_default();
        Binding {
            contact: self.contact.as_bytes(),
            uri: contact.uri.as_bytes(),
            instance,
            reg_id: contact.reg_id.filter(|_| !instance.is_empty()),
            q: contact.q.unwrap_or(QValue::ONE),
            call_id: &self.call_id,
            path: &self.path,
            user_agent: &self.user_agent,
            ..self.rest
        }
    }
}

fn contact() -> impl Strategy<Value = String> {
    let display = prop_oneof![
        4 => Just("<"), 1 => Just("\"sip:a@h\" <"), 1 => Just("Alice A <"), 1 => Just("\"a, \\\" <sip:a@h>\" <"),
    ];
    let uri = prop_oneof![Just("sip:a@h"), Just("sips:b@[::1]:5061;transport=tcp"), Just("tel:+1"), Just("sip:h?a=b")];
    let param = prop_oneof![
        Just(";q=0.5"),
        Just(" ;Q = 1"),
        Just(";reg-id=7"),
        Just(";+sip.instance=\"<urn:x:1>\""),
        Just(";x"),
        Just(";y=\"sip:a@h;reg-id=1,\""),
        Just(";+sip.instance=\"\""),
        Just("\t; z=<"),
    ];
    let all = (display, uri, vec(param, 0..5))
        .prop_map(|(display, uri, params)| format!("{display}{uri}>{}", params.concat()));
    let bare = prop_oneof![Just("sip:a@h".to_owned()), Just("sip:a@h;x;q=0.1".to_owned())];
    prop_oneof![8 => all, 1 => bare].prop_filter("parameters that matter stand once", |contact| {
        matches!(ContactValue::parse(contact.as_bytes()), Ok(ContactValue::Addr(_)))
    })
}

fn source() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| (Ipv4Addr::from_bits(ip), port).into()),
        (any::<u128>(), any::<u16>(), prop_oneof![Just(0u32), any::<u32>()])
            .prop_map(|(ip, port, scope)| SocketAddrV6::new(Ipv6Addr::from_bits(ip), port, 0, scope).into()),
    ]
}

fn binding() -> impl Strategy<Value = Owned> {
    let flow = (any::<u16>(), any::<u32>(), any::<u32>());
    let flow = option::of(flow.prop_map(|(worker, slot, generation)| Flow { worker, slot, generation }));
    let transport = prop_oneof![
        Just(Transport::Udp),
        Just(Transport::Tcp),
        Just(Transport::Tls),
        Just(Transport::Ws),
        Just(Transport::Wss)
    ];
    let numbers = (any::<u64>(), any::<u32>(), any::<u32>(), any::<u16>());
    let bytes = || vec(any::<u8>(), 0..40);
    let tie = prop_oneof![Just(Tie::None), Just(Tie::Follows), Just(Tie::Suspect)];
    (contact(), numbers, source(), transport, (flow, tie), (bytes(), bytes(), bytes())).prop_map(
        |(contact, (expires_at, granted, cseq, leg), source, transport, (flow, tie), (call_id, path, user_agent))| {
            Owned {
                contact,
                rest: Binding {
                    contact: b"",
                    uri: b"",
                    instance: b"",
                    reg_id: None,
                    q: QValue::ONE,
                    expires_at: Timestamp(expires_at),
                    granted,
                    call_id: b"",
                    cseq,
                    path: b"",
                    user_agent: b"",
                    source,
                    transport,
                    leg: LegId(leg),
                    flow,
                    tie: flow.map_or(Tie::None, |_| tie),
                },
                call_id,
                path,
                user_agent,
            }
        },
    )
}

fn encode(
    aor: &Aor<'_>,
    version: u64,
    bindings: impl IntoIterator<Item = Binding<'static>>,
) -> Result<Record, CodecError> {
    let mut scratch = b"left over".to_vec();
    let mut builder = RecordBuilder::new(&mut scratch, aor, version);
    for binding in bindings {
        builder.push(&binding);
    }
    builder.finish()
}

fn write(version: u64, bindings: &[Owned]) -> Record {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, &Aor::from_canonical(b"sip:alice@example.com"), version);
    for binding in bindings {
        builder.push(&binding.binding());
    }
    builder.finish().unwrap()
}

/// The record once more from its own parts.
fn rewritten(record: &Record) -> Record {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, &record.aor(), record.version());
    for binding in record.bindings() {
        builder.push(&binding);
    }
    builder.finish().unwrap()
}

fn is_refused_or_canonical(bytes: &[u8]) {
    if let Ok(record) = Record::from_bytes(bytes) {
        // An earlier format is read as this one.
        assert!(bytes[0] == 1 || record.as_bytes() == bytes);
        assert_eq!(rewritten(&record), record);
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(version: u64, bindings in vec(binding(), 1..6)) {
        let record = write(version, &bindings);
        prop_assert_eq!((record.version(), record.len()), (version, bindings.len()));
        prop_assert_eq!(record.aor().as_bytes(), b"sip:alice@example.com");
        for (read, written) in record.bindings().zip(&bindings) {
            prop_assert_eq!(read, written.binding());
            prop_assert!(read.parsed_uri().is_some() && read.parsed_contact().is_some());
        }
        prop_assert_eq!(record.earliest_expiry(), bindings.iter().map(|binding| binding.rest.expires_at).min());
        let read = Record::from_bytes(record.as_bytes()).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(rewritten(&read), record);
    }

    #[test]
    fn a_restart_moves_expiries_and_ends_flows(
        bindings in vec(binding(), 1..4),
        shift: i64,
        now: u64,
        lost in option::of(any::<u64>().prop_map(Timestamp)),
    ) {
        let record = write(7, &bindings);
        let now = Timestamp(now);
        let reloaded = record.clone().reloaded(shift, now, lost);
        // That of others stays as it was.
        prop_assert_eq!(&record, &write(7, &bindings));
        let alone = Record::from_bytes(record.as_bytes()).unwrap().reloaded(shift, now, lost);
        prop_assert_eq!(&alone, &reloaded);
        let read = Record::from_bytes(reloaded.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&reloaded));
        prop_assert_eq!((reloaded.version(), reloaded.aor()), (record.version(), record.aor()));
        prop_assert_eq!(reloaded.len(), record.len());
        for (after, before) in reloaded.bindings().zip(record.bindings()) {
            let moved = u64::try_from((i128::from(before.expires_at.0) + i128::from(shift)).max(0)).unwrap_or(u64::MAX);
            // None lasts longer than it was granted.
            let expires_at = Timestamp(moved).min(now.plus_seconds(before.granted.into()));
            prop_assert_eq!(after, match lost {
                Some(until) if before.tie == Tie::Follows => {
                    Binding { expires_at: expires_at.min(until), tie: Tie::Suspect, ..before }
                }
                _ => Binding { expires_at, ..before },
            });
        }
    }

    #[test]
    fn what_is_cut_is_refused(bindings in vec(binding(), 1..4)) {
        let record = write(1, &bindings);
        for end in 0..record.as_bytes().len() {
            prop_assert!(Record::from_bytes(&record.as_bytes()[..end]).is_err(), "{}", end);
        }
        prop_assert!(Record::from_bytes(&[record.as_bytes(), b"x"].concat()).is_err());
    }

    #[test]
    fn what_is_changed_is_refused_or_another_record(
        bindings in vec(binding(), 1..3),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let record = write(1, &bindings);
        for at in 0..record.as_bytes().len() {
            for mask in [1, 4, 0x80, 0xFF] {
                let mut bytes = record.as_bytes().to_vec();
                bytes[at] ^= mask;
                is_refused_or_canonical(&bytes);
            }
        }
        let mut bytes = record.as_bytes().to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        is_refused_or_canonical(&bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_a_record(bytes in vec(any::<u8>(), 0..200)) {
        is_refused_or_canonical(&bytes);
        is_refused_or_canonical(&[&[1], bytes.as_slice()].concat());
        is_refused_or_canonical(&[&[2], bytes.as_slice()].concat());
    }
}

/// A binding with everything.
fn full() -> Binding<'static> {
    Binding {
        contact: b"A <sip:a@h>;q=0.5;reg-id=1;+sip.instance=\"<urn:x:1>\"",
        uri: b"sip:a@h",
        instance: b"<urn:x:1>",
        reg_id: Some(1),
        q: QValue::from_thousandths(500).unwrap(),
        expires_at: Timestamp(0x0102_0304_0506_0708),
        granted: 300,
        call_id: b"c1",
        cseq: 7,
        path: b"<sip:p;lr>",
        user_agent: b"ua",
        source: SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5060, 0, 9).into(),
        transport: Transport::Tcp,
        leg: LegId(2),
        flow: Some(Flow { worker: 1, slot: 2, generation: 3 }),
        tie: Tie::None,
    }
}

/// A binding with as little as there can be.
fn least() -> Binding<'static> {
    Binding {
        contact: b"<sip:b@h>",
        uri: b"sip:b@h",
        instance: b"",
        reg_id: None,
        q: QValue::ONE,
        path: b"",
        user_agent: b"",
        source: "192.0.2.1:5060".parse().unwrap(),
        transport: Transport::Udp,
        flow: None,
        ..full()
    }
}

/// Format 2, byte by byte. If this fails, the format has changed: give it another number, keep reading this one, and
/// describe it in docs/record-format.md.
#[test]
fn format_2_does_not_change() {
    for (tie, flags) in [(Tie::None, 0x07), (Tie::Follows, 0x0f), (Tie::Suspect, 0x1f)] {
        let binding = Binding { tie, ..full() };
        let record = encode(&Aor::from_canonical(b"sip:alice@h"), 258, [binding, least()]).unwrap();
        assert_eq!(record.as_bytes(), bytes_of(2, flags, b"<sip:p;lr>"), "{tie:?}");
        assert_eq!(Record::from_bytes(record.as_bytes()), Ok(record));
    }
}

/// Written by versions before 0.5: there were no ties, and a flow was lived by unless there was a Path.
#[test]
fn format_1_is_read() {
    for (path, tie) in [(b"<sip:p;lr>".as_slice(), Tie::None), (b"", Tie::Follows)] {
        let record = Record::from_bytes(&bytes_of(1, 0x07, path)).unwrap();
        let expected = encode(&Aor::from_canonical(b"sip:alice@h"), 258, [Binding { path, tie, ..full() }, least()]);
        assert_eq!(Ok(record), expected);
    }
    assert_eq!(Record::from_bytes(&bytes_of(1, 0x0f, b"")), Err(CodecError::Damaged), "it had no such flag");
}

/// A record of `full` and `least`, with the given flags and path of the first.
fn bytes_of(format: u8, flags: u8, path: &'static [u8]) -> Vec<u8> {
    let length = [0, 0x8c - 10 + u8::try_from(path.len()).unwrap()];
    let path_length = [0, u8::try_from(path.len()).unwrap()];
    let expected: &[&[u8]] = &[
        &[format],
        b"\0\0\0\0\0\0\x01\x02",             // version
        b"\0\x0bsip:alice@h",                // address of record
        b"\x02",                             // number of bindings
        &length,                             // of the binding
        b"\x01\x02\x03\x04\x05\x06\x07\x08", // expires at
        b"\0\0\x01\x2c",                     // granted
        b"\0\0\0\x07",                       // CSeq
        b"\0\0\0\x01",                       // reg-id
        b"\x01\xf4",                         // q
        b"\0\x02",                           // leg
        &[2, flags],                         // TCP; 7: IPv6, flow, scope
        b"\x13\xc4",                         // port
        b"\0\x03\0\x07",                     // URI
        b"\0\x2a\0\x09",                     // instance
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
        b"\0\0\0\x09",                 // scope
        b"\0\x01\0\0\0\x02\0\0\0\x03", // flow
        b"\0\x34A <sip:a@h>;q=0.5;reg-id=1;+sip.instance=\"<urn:x:1>\"",
        b"\0\x02c1",
        &path_length,
        path,
        b"\0\x02ua",
        b"\0\x3b",
        b"\x01\x02\x03\x04\x05\x06\x07\x08",
        b"\0\0\x01\x2c",
        b"\0\0\0\x07",
        b"\0\0\0\0",
        b"\x03\xe8",
        b"\0\x02",
        b"\x01\0", // UDP; IPv4
        b"\x13\xc4",
        b"\0\x01\0\x07",
        b"\0\0\0\0",
        b"\xc0\0\x02\x01",
        b"\0\x09<sip:b@h>",
        b"\0\x02c1",
        b"\0\0",
        b"\0\0",
    ];
    expected.concat()
}

#[test]
fn what_is_tied_to_no_flow_is_damage() {
    let aor = Aor::from_canonical(b"sip:alice@h");
    for tie in [Tie::Follows, Tie::Suspect] {
        assert_eq!(encode(&aor, 1, [Binding { tie, flow: None, ..full() }]), Err(CodecError::Damaged));
    }
    for flags in [0x0d, 0x15, 0x17, 0x1d, 0x27] {
        assert_eq!(Record::from_bytes(&bytes_of(2, flags, b"")), Err(CodecError::Damaged), "{flags:#x}");
    }
}

#[test]
fn a_newer_format_is_called_so() {
    assert_eq!(Record::from_bytes(b"\x03anything"), Err(CodecError::UnknownFormat(3)));
    assert_eq!(Record::from_bytes(b""), Err(CodecError::Damaged));
}

#[test]
fn what_a_record_cannot_hold_is_not_written() {
    let aor = Aor::from_canonical(b"sip:alice@h");
    assert_eq!(encode(&aor, 1, []), Err(CodecError::Empty));
    assert!(encode(&aor, 1, vec![least(); 255]).is_ok());
    assert_eq!(encode(&aor, 1, vec![least(); 256]), Err(CodecError::TooLarge));
    let long: &'static [u8] = vec![b'x'; 70_000].leak();
    assert_eq!(encode(&aor, 1, [Binding { path: long, ..least() }]), Err(CodecError::TooLarge));
    assert_eq!(
        encode(&aor, 1, [Binding { path: &long[..40_000], call_id: &long[..40_000], ..least() }]),
        Err(CodecError::TooLarge)
    );
    assert_eq!(encode(&aor, 1, [Binding { uri: b"sip:x@h", ..least() }]), Err(CodecError::Damaged));
    assert_eq!(encode(&aor, 1, [Binding { instance: b"sip", ..least() }]), Err(CodecError::Damaged));
}

#[test]
fn parts_that_contradict_the_contact_are_damage() {
    let aor = Aor::from_canonical(b"sip:alice@h");
    for binding in [
        Binding { q: QValue::ONE, ..full() },
        Binding { reg_id: None, ..full() },
        Binding { reg_id: Some(2), ..full() },
        Binding { instance: b"", ..full() },
        Binding { contact: b"<sip:b@h>;expires=60", ..least() },
        Binding { contact: b"<mailto:b@h>", uri: b"mailto:b@h", ..least() },
        Binding { contact: b"*", uri: b"*", ..least() },
        Binding { contact: b"<sip:b@h", ..least() },
    ] {
        let written = encode(&aor, 1, [binding]);
        let read = written.and_then(|record| Record::from_bytes(record.as_bytes()));
        assert_eq!(read, Err(CodecError::Damaged), "{binding:?}");
    }
    for aor in ["", "alice", "sips:alice@h", "sip:alice@H", "sip:%61@h", "sip:a@h:5060", "sip:a@h;x", "sip:a@h."] {
        let record = encode(&Aor::from_canonical(aor.as_bytes()), 1, [least()]).unwrap();
        assert_eq!(Record::from_bytes(record.as_bytes()), Err(CodecError::Damaged), "{aor}");
    }
}
