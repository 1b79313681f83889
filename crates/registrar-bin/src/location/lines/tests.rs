use proptest::prelude::*;
use sip_message::header::QValue;

use super::*;

/// Another wall clock than steady clock, as after a jump.
const NOW: Now = Now { at: Timestamp(1_795_000_000_000), wall: 1_795_467_600_000 };

#[derive(Clone, Debug)]
struct Kept {
    contact: Vec<u8>,
    millis_left: u64,
    texts: [Vec<u8>; 3],
    granted: u32,
    cseq: u32,
    source: SocketAddr,
    transport: Transport,
    leg: u16,
    flow: Option<[u8; 10]>,
    tie: Tie,
}

fn contact() -> impl Strategy<Value = Vec<u8>> {
    let display = prop_oneof![Just(b"".to_vec()), prop::collection::vec(any::<u8>(), 0..20).prop_map(quoted)];
    let uri = prop::sample::select(vec!["sip:a@192.0.2.1", "sips:b%20@[2001:db8::1]:5061;x=y", "tel:+15551234"]);
    let params =
        prop::sample::select(vec!["", ";q=0.5", ";+sip.instance=\"<urn:uuid:f81d4fae>\";reg-id=7", ";a=\"\\\"\""]);
    (display, uri, params)
        .prop_map(|(display, uri, params)| [&display[..], format!("<{uri}>{params}").as_bytes()].concat())
}

/// Bytes that are not UTF-8 can stand in a display name.
fn quoted(bytes: Vec<u8>) -> Vec<u8> {
    let inner = bytes.into_iter().filter(|byte| !matches!(byte, 0..=31 | 127 | b'"' | b'\\'));
    [b"\"".to_vec(), inner.collect(), b"\" ".to_vec()].concat()
}

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>().prop_filter("one line", |byte| !b"\r\n\0".contains(byte)), 0..max)
}

fn kept() -> impl Strategy<Value = Kept> {
    let source = prop_oneof![
        any::<(u32, u16)>().prop_map(|(ip, port)| SocketAddr::from((std::net::Ipv4Addr::from(ip), port))),
        any::<(u128, u16)>().prop_map(|(ip, port)| SocketAddr::from((std::net::Ipv6Addr::from(ip), port))),
        Just("[fe80::1%3]:5060".parse().unwrap()),
    ];
    let texts = (text(40), text(40), text(64)).prop_map(|(call_id, path, user_agent)| [call_id, path, user_agent]);
    let transport = (1..=5_u8).prop_map(|code| Transport::from_code(code).unwrap());
    let flow = prop::option::of(any::<[u8; 10]>());
    let tie = prop_oneof![Just(Tie::None), Just(Tie::Follows), Just(Tie::Suspect)];
    (contact(), 1..86_400_000_u64, texts, any::<u32>(), source, transport, any::<u16>(), (flow, tie)).prop_map(
        |(contact, millis_left, texts, cseq, source, transport, leg, (flow, tie))| {
            let granted = u32::try_from(millis_left.div_ceil(1000)).unwrap();
            Kept { contact, millis_left, texts, granted, cseq, source, transport, leg, flow, tie }
        },
    )
}

fn record(all: &[Kept]) -> Result<Record, CodecError> {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, &Aor::from_canonical(b"sip:alice@example.com"), 1);
    for kept in all {
        let parts = ContactParts::read(&kept.contact).unwrap();
        let [call_id, path, user_agent] = &kept.texts;
        builder.push(&Binding {
            contact: &kept.contact,
            uri: parts.uri.as_bytes(),
            instance: parts.instance,
            reg_id: parts.reg_id,
            q: parts.q,
            expires_at: NOW.at.plus_millis(kept.millis_left),
            granted: kept.granted,
            call_id,
            cseq: kept.cseq,
            path,
            user_agent,
            source: kept.source,
            transport: kept.transport,
            leg: LegId(kept.leg),
            flow: kept.flow.map(Flow::from_bytes),
            tie: kept.flow.map_or(Tie::None, |_| kept.tie),
        });
    }
    builder.finish()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_to_the_last_byte(all in prop::collection::vec(kept(), 1..5)) {
        let record = record(&all).unwrap();
        let line = write(&record, NOW).unwrap().unwrap();
        prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
        let read = read(line.as_bytes(), NOW).unwrap();
        prop_assert_eq!(read.expired, 0);
        prop_assert_eq!(read.record.unwrap(), record);
    }
}

const LINE: &str = r#"{"aor":"sip:alice@example.com","bindings":[{"contact":"<sip:alice@192.0.2.1>;q=0.5","expires_at":"2026-11-23T21:01:00.250Z","granted":300,"call_id":"a@b","cseq":7,"user_agent":"phone","source":"tcp:[::1]:5060","leg":1,"flow":"00010000000200000003"}]}"#;

#[test]
fn the_shape_is_the_one_that_the_manual_shows() {
    let record = read(LINE.as_bytes(), NOW).unwrap().record.unwrap();
    assert_eq!(write(&record, NOW).unwrap().unwrap(), format!("{LINE}\n"));
    let binding = record.bindings().next().unwrap();
    assert_eq!((binding.uri, binding.q), (b"sip:alice@192.0.2.1".as_slice(), QValue::from_thousandths(500).unwrap()));
    assert_eq!((binding.seconds_left(NOW.at), binding.transport, binding.leg), (61, Transport::Tcp, LegId(1)));
    assert_eq!(binding.flow, Some(Flow { worker: 1, slot: 2, generation: 3 }));
}

#[test]
fn what_has_expired_is_left_out_and_nothing_lasts_longer_than_it_was_granted() {
    let later = |seconds: u64| Now::from_millis(NOW.wall + seconds * 1000);
    let expired = read(LINE.as_bytes(), later(61)).unwrap();
    assert!(expired.record.is_none() && expired.expired == 1);
    // An hour is left by the wall clock, and five minutes were granted.
    let line = LINE.replace("21:01:00.250Z", "22:00:00Z");
    let record = read(line.as_bytes(), NOW).unwrap().record.unwrap();
    assert_eq!(record.bindings().next().unwrap().seconds_left(NOW.at), 300);
    assert_eq!(write(&record, Now { at: NOW.at.plus_seconds(300), wall: 0 }).unwrap(), None);
}

#[test]
fn every_mistake_is_named() {
    for (from, to, said) in [
        ("{\"aor\"", "\"aor\"", "expected"),
        ("sip:alice@example.com", "tel:+1555", "aor \"tel:+1555\": an address of record is a sip:"),
        ("\"granted\"", "\"grantd\"", "unknown field `grantd`"),
        ("\"granted\":300,", "", "missing field `granted`"),
        ("<sip:alice@192.0.2.1>", "<sip:>", "is no Contact value"),
        ("<sip:alice@192.0.2.1>", "<http://x>", "by this scheme"),
        (";q=0.5", ";expires=5", "expiry stands in the contact"),
        (";q=0.5", "; ", "is no Contact value"),
        ("\"contact\"", "\"contact_base64\"", "no Base64"),
        ("\"contact\":", "\"contact_base64\":\"\",\"contact\":", "both contact and contact_base64"),
        ("\"contact\":\"<sip:alice@192.0.2.1>;q=0.5\",", "", "without contact"),
        ("2026-11-23T21:01:00.250Z", "tomorrow", "is no time"),
        ("tcp:[::1]:5060", "sctp:[::1]:5060", "source \"sctp"),
        ("tcp:[::1]:5060", "tcp:localhost:5060", "source \"tcp:localhost"),
        ("00010000000200000003", "0001", "20 hexadecimal digits"),
        ("a@b", "a\\r\\nb", "Call-ID of more than one line"),
        ("\"phone\"", "\"a\\u0000\"", "User-Agent of more than one line"),
    ] {
        let line = LINE.replace(from, to);
        assert_ne!(line, LINE, "{from}");
        let error = read(line.as_bytes(), NOW).err().unwrap_or_else(|| panic!("{line}"));
        assert!(error.contains(said), "{to}: {error}");
    }
    let empty = read(br#"{"aor":"sip:a@b","bindings":[]}"#, NOW).err().unwrap();
    assert!(empty.contains("no bindings"), "{empty}");
}
