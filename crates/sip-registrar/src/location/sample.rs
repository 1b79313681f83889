//! Records for the tests of this folder.

use sip_message::header::QValue;
use sip_transport::{LegId, Timestamp, Transport};

use crate::Aor;
use crate::record::{Binding, Record, RecordBuilder, Tie};

/// A record of so many bindings, which end together.
pub(super) fn record(aor: &Aor<'_>, bindings: usize, expires_at: Timestamp) -> Record {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, aor, 1);
    for place in 0..bindings {
        let uri = format!("sip:a@h{place}");
        builder.push(&Binding {
            contact: uri.as_bytes(),
            uri: uri.as_bytes(),
            instance: b"",
            reg_id: None,
            q: QValue::ONE,
            expires_at,
            granted: 60,
            call_id: b"c",
            cseq: 1,
            path: b"",
            user_agent: b"",
            source: ([127, 0, 0, 1], 1).into(),
            transport: Transport::Udp,
            leg: LegId(0),
            flow: None,
            tie: Tie::None,
        });
    }
    builder.finish().expect("a record")
}
