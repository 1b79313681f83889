use proptest::prelude::*;
use sip_message::header::QValue;
use sip_transport::{LegId, Timestamp, Transport};

use super::*;
use crate::location::TableConfig;
use crate::record::{Binding, RecordBuilder, Tie};

const START: u64 = 1_700_000_000_000;

fn after(seconds: u64) -> Now {
    Now { at: Timestamp(START + seconds * 1000), wall: 0 }
}

/// A record of so many bindings, which end at once.
fn record(aor: &Aor<'_>, bindings: usize, seconds: u64) -> Record {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, aor, seconds);
    for place in 0..bindings {
        let uri = format!("sip:a@h{place}");
        builder.push(&Binding {
            contact: uri.as_bytes(),
            uri: uri.as_bytes(),
            instance: b"",
            reg_id: None,
            q: QValue::ONE,
            expires_at: after(seconds).at,
            granted: 60,
            call_id: b"c",
            cseq: 1,
            path: b"",
            user_agent: b"",
            source: "127.0.0.1:1".parse().unwrap(),
            transport: Transport::Udp,
            leg: LegId(0),
            flow: None,
            tie: Tie::None,
        });
    }
    builder.finish().unwrap()
}

fn table(shards: usize) -> Table<()> {
    Table::new(TableConfig { max_bindings: 1, shards }, ())
}

proptest! {
    /// Whoever loads, in however many lanes and so many changes at once, the table is as if each change had been made when it came.
    #[test]
    fn a_loaded_table_is_the_one_that_was_kept(
        changes in prop::collection::vec((0..20_usize, prop::option::weighted(0.8, (1..4_usize, 1..900_u64))), 0..200),
        shards in 1..9_usize,
        lanes in 1..4_usize,
        at_once in 1..300_usize,
    ) {
        let (now, names) = (after(0), (0..20).map(|name| format!("sip:{name}@example.com")).collect::<Vec<_>>());
        let aors: Vec<_> = names.iter().map(|name| Aor::from_canonical(name.as_bytes())).collect();
        let (kept, loaded) = (table(shards), table(shards));
        let mut loaders: Vec<_> =
            (0..lanes).map(|index| loaded.loader(Share { index, of: lanes })).collect();
        for (name, change) in changes {
            let aor = aors[name];
            let record = change.map(|(bindings, seconds)| record(&aor, bindings, seconds));
            kept.restore(&aor, record.clone(), now);
            let mut taken = 0;
            for loader in &mut loaders {
                let Some(place) = loader.place(&aor) else { continue };
                taken += 1;
                match &record {
                    Some(record) => loader.put(place, record.clone()),
                    None => loader.remove(place, &aor),
                }
                if loader.waiting() >= at_once {
                    loader.make(now);
                }
            }
            prop_assert_eq!(taken, 1, "each address is one loader's");
        }
        loaders.iter_mut().for_each(|loader| loader.make(now));

        for aor in &aors {
            prop_assert_eq!(loaded.get(aor), kept.get(aor));
        }
        prop_assert_eq!(loaded.bindings(), kept.bindings());
        let mut expired = 0;
        loaded.sweep(after(1000), Share::WHOLE, usize::MAX, &mut |_, rest| expired += usize::from(rest.is_none()));
        prop_assert_eq!(expired, aors.iter().filter(|aor| kept.get(aor).is_some()).count());
        prop_assert_eq!(loaded.bindings(), 0);
    }
}
