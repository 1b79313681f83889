//! Bytes are no record, or the very bytes that would be written for it; and what a REGISTER leads to can be read again.

use std::hash::RandomState;

use sip_message::{Framing, Index};
use sip_registrar::{Aor, FlowRules, Limits, Plan, Record, RecordBuilder, RegisterRequest, Tie, decide};
use sip_transport::{LegId, Now, Peer, Transport};

/// Reads `data` as a record, and then as the headers of a REGISTER.
pub fn check(data: &[u8]) {
    if let Ok(record) = Record::from_bytes(data) {
        check_record(&record);
        // An earlier format is read as this one, and this one as it stands.
        assert!(data.starts_with(&[1]) || record.as_bytes() == data);
        assert_eq!(Record::from_bytes(record.as_bytes()), Ok(record));
    }
    register(data);
}

fn check_record(record: &Record) {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, &record.aor(), record.version());
    for binding in record.bindings() {
        assert!(binding.parsed_uri().is_some() && binding.parsed_contact().is_some());
        assert!(record.earliest_expiry().is_some_and(|first| first <= binding.expires_at));
        assert!(binding.tie == Tie::None || binding.flow.is_some());
        assert_eq!(binding.target().is_none(), binding.is_suspect());
        builder.push(&binding);
    }
    let again = builder.finish().expect("what was read can be written");
    assert_eq!(again.as_bytes(), record.as_bytes());
    assert_eq!(record.bindings().count(), record.len());
}

fn register(headers: &[u8]) {
    let text = [b"REGISTER sips:h SIP/2.0\r\nCall-ID: c\r\nCSeq: 7 REGISTER\r\n", headers, b"\r\n\r\n"].concat();
    let mut index = Index::new();
    let Ok(message) = index.read(&text, Framing::Datagram) else { return };
    if message.fault().is_some() {
        return;
    }
    let peer = Peer {
        leg: LegId(0),
        transport: Transport::Udp,
        remote: ([127, 0, 0, 1], 4711).into(),
        local: ([127, 0, 0, 1], 5060).into(),
        flow: None,
    };
    let now = Now::from_millis(1_700_000_000_000);
    let mut scratch = Vec::new();
    let Ok(request) = RegisterRequest::read(message, peer) else { return };
    let Ok(plan) =
        Plan::read(request, Limits::default(), FlowRules::default(), None, &RandomState::new(), &mut scratch)
    else {
        return;
    };
    let aor = Aor::from_canonical(b"sip:a@h");
    let changes = decide(None, &plan, now).expect("nothing is there that could be out of order");
    let mut scratch = Vec::new();
    let Some(record) = changes.apply(&aor, None, &plan, now, &mut scratch).expect("a plan fits a record") else {
        return;
    };
    assert_eq!(Record::from_bytes(record.as_bytes()), Ok(record.clone()));
    check_record(&record);
    // The same once more changes nothing.
    assert!(decide(Some(&record), &plan, now).is_ok_and(|changes| changes.is_read_only()));
}
