use proptest::prelude::*;
use sip_transport::Timestamp;

use super::*;
use crate::location::TableConfig;
use crate::location::sample::record;

const START: u64 = 1_700_000_000_000;

fn after(seconds: u64) -> Now {
    Now { at: Timestamp(START + seconds * 1000), wall: 0 }
}

fn table(shards: usize) -> Table<()> {
    Table::new(TableConfig { max_bindings: 1, shards }, ())
}

proptest! {
    /// However many load it, and make however many changes at once, a table is as if each change had been made when it
    /// came.
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
            let record = change.map(|(bindings, seconds)| record(&aor, bindings, after(seconds).at));
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
