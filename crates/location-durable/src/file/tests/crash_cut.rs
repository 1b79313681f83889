//! The file is cut, or bytes of it are altered: it is as it was, or it says that it is damaged.

use redb::{Database, ReadableTable, Table};

use super::super::gate::{Behind, Gate};
use super::super::{Damage, JOURNAL, META, OpenError};
use super::memory::{Memory, Random};
use super::script::{Model, Script, contents, create, open};

type Rows<'a, K> = Table<'a, K, &'static [u8]>;

const SIZE: u64 = 300 << 10;
/// The end of a file, which is looked at closely.
const END: usize = 64 << 10;

/// A file of this size whose process was killed, the same one closed, and what is in it.
fn samples(size: u64) -> [(&'static str, Vec<u8>, Model); 2] {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let (random, mut script) = (&mut Random::new(1), Script::default());
    while file.file_bytes() < size {
        script.commit(&mut file, random).1.unwrap();
    }
    // Now fill it to the end.
    script.journal_only = true;
    while file.journal_bytes() < size {
        script.commit(&mut file, random).1.unwrap();
    }
    let killed = disk.bytes();
    file.close().unwrap();
    [("killed", killed, script.model.clone()), ("closed", disk.bytes(), script.model)]
}

/// What came of opening and reading it.
fn found(bytes: Vec<u8>) -> Result<Model, OpenError> {
    let disk = Memory::new(bytes);
    let found = open(disk.clone()).and_then(|(file, _)| contents(&file));
    assert_eq!(disk.operations(), 0, "looking at it changes nothing");
    found
}

/// Looks at the files that `damage` makes of `whole`, one for each number, and says how many were taken for whole.
fn look(
    (name, whole, model): &(&str, Vec<u8>, Model),
    places: impl Iterator<Item = usize>,
    damage: impl Fn(&mut Vec<u8>, usize),
) -> (usize, usize) {
    let (mut taken, mut refused) = (0, 0);
    for place in places {
        let mut bytes = whole.clone();
        damage(&mut bytes, place);
        match found(bytes) {
            Ok(found) => {
                assert!(found == *model, "{name}, {place}: something else is taken for the whole");
                taken += 1;
            }
            Err(OpenError::Damaged { .. } | OpenError::NotOurs { .. } | OpenError::OtherFormat { .. }) => refused += 1,
            Err(error) => panic!("{name}, {place}: {error}"),
        }
    }
    (taken, refused)
}

#[test]
fn a_truncated_file_is_whole_or_says_that_it_is_damaged() {
    for sample in &samples(SIZE) {
        let length = sample.1.len();
        let cuts = (0..length).step_by(7919).chain((length - END..length).step_by(512));
        let (taken, refused) = look(sample, cuts, Vec::truncate);
        assert!(refused > END / 512 / 2, "{}: {taken} taken, {refused} refused", sample.0);
    }
}

#[test]
fn a_file_with_altered_bytes_is_whole_or_says_that_it_is_damaged() {
    for (sample, step) in samples(SIZE).iter().zip([256, 512]) {
        let length = sample.1.len();
        let flips = (0..length).step_by(9973).chain((length - END..length).step_by(step));
        let (taken, refused) = look(sample, flips, |bytes, at| bytes[at] ^= 0x10);
        assert!(taken > 20 && refused > 20, "{}: {taken} taken, {refused} refused", sample.0);
    }
}

#[test]
fn every_byte_that_says_where_everything_is_may_be_altered() {
    // Our first page, the header of the storage engine, and all bits of the byte there that says which half counts.
    let places = || (0..64).chain(512..544).chain(1024..1056).chain(4096..4096 + 320);
    for sample in &samples(40 << 10) {
        look(sample, places(), |bytes, at| bytes[at] ^= 0xff);
        look(sample, 0..8, |bytes, bit| bytes[4096 + 9] ^= 1 << bit);
    }
}

#[test]
fn what_is_written_to_a_file_that_was_altered_and_is_whole_is_there() {
    // If the engine did not know rightly where there is room, it would write over what is there.
    for (name, whole, model) in &samples(40 << 10) {
        let mut taken = 0;
        for at in (4096..whole.len()).step_by(1024) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let disk = Memory::new(bytes);
            let Ok((mut file, _)) = open(disk.clone()) else { continue };
            taken += 1;
            let (random, mut script) = (&mut Random::new(at as u64), Script::reopened(model.clone()));
            for _ in 0..6 {
                script.commit(&mut file, random).1.unwrap();
            }
            let found = found(disk.bytes()).unwrap_or_else(|error| panic!("{name}, {at}: {error}"));
            assert!(found == script.model, "{name}, {at}");
        }
        assert!(taken > 10, "{name}: {taken} were taken for whole");
    }
}

#[test]
fn what_the_storage_engine_takes_for_whole_is_checked_again() {
    let [(_, killed, model), _] = samples(40 << 10);
    let tampered = |change: &dyn Fn(&mut Rows<'_, u64>, &mut Rows<'_, u32>)| {
        let disk = Memory::new(killed.clone());
        let database = Database::builder().create_with_backend(Behind(Gate::open(disk.clone()))).unwrap();
        let transaction = database.begin_write().unwrap();
        change(&mut transaction.open_table(JOURNAL).unwrap(), &mut transaction.open_table(META).unwrap());
        transaction.commit().unwrap();
        found(disk.bytes())
    };
    assert!(tampered(&|_, _| {}).unwrap() == model);
    let damage = |found: Result<Model, OpenError>| match found {
        Err(OpenError::Damaged { what, .. }) => what,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is taken for whole"),
    };
    let last = |journal: &Rows<'_, u64>| journal.last().unwrap().unwrap().0.value();
    for back in [0, 1, 5] {
        let missing = damage(tampered(&|journal, _| drop(journal.remove(last(journal) - back).unwrap())));
        assert!(matches!(missing, Damage::Missing { .. }), "{missing}");
        let swapped = damage(tampered(&|journal, _| {
            let other = journal.get(last(journal) - back - 1).unwrap().unwrap().value().to_vec();
            journal.insert(last(journal) - back, other.as_slice()).unwrap();
        }));
        assert!(matches!(swapped, Damage::Altered { .. }), "{swapped}");
    }
    for row in [0, 1] {
        let without = damage(tampered(&|_, meta| drop(meta.remove(row).unwrap())));
        assert!(matches!(without, Damage::Contents | Damage::Altered { .. }), "{without}");
        let other = damage(tampered(&|_, meta| drop(meta.insert(row, &b"nonsense"[..]).unwrap())));
        assert_eq!(other, Damage::Contents);
    }
}

#[test]
fn an_older_state_is_not_taken_for_the_last_one() {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let (random, mut script) = (&mut Random::new(3), Script::default());
    for _ in 0..20 {
        script.commit(&mut file, random).1.unwrap();
    }
    let before = disk.bytes();
    script.commit(&mut file, random).1.unwrap();
    let whole = disk.bytes();
    // Whatever the last commit has written is as it was before, or nothing: the engine takes the commit before it.
    let mut older = 0;
    for page in (4096..whole.len()).step_by(4096) {
        let page = page..whole.len().min(page + 4096);
        if before.get(page.clone()) == Some(&whole[page.clone()]) {
            continue;
        }
        let mut bytes = whole.clone();
        bytes[page.clone()].fill(0);
        match found(bytes) {
            Ok(found) => assert!(found == script.model, "page {page:?}"),
            Err(OpenError::Damaged { what: Damage::Older { kept, found }, .. }) => {
                assert_eq!(kept, found + 1);
                older += 1;
            }
            Err(OpenError::Damaged { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(older > 0, "this is about nothing");
}
