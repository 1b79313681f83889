//! Whatever is done to the file, it says what was written.

use proptest::prelude::*;

use super::super::{Commit, Entry, File, RunClock, SnapshotStep};
use super::memory::{Memory, Random};
use super::script::{CLOCK, Model, Script, contents, create, open};

#[derive(Clone, Debug)]
enum Act {
    /// Changes, and a step of a snapshot if one is due.
    Commit(u64),
    /// The program ends in good order, and starts again.
    Restart,
    /// The program is killed, and starts again.
    Kill,
    /// The file is made as small as it can be.
    Compact,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        40 => any::<u64>().prop_map(Act::Commit),
        2 => Just(Act::Restart),
        2 => Just(Act::Kill),
        1 => Just(Act::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_file_says_what_was_written(acts in prop::collection::vec(act(), 1..80)) {
        let mut disk = Memory::new(Vec::new());
        let mut file = create(disk.clone());
        let mut script = Script::default();
        for act in acts {
            match act {
                Act::Commit(seed) => {
                    let (_, result) = script.commit(&mut file, &mut Random::new(seed));
                    prop_assert!(result.is_ok());
                    continue;
                }
                Act::Compact => file.compact().unwrap(),
                Act::Restart => {
                    file.close().unwrap();
                    file = open(disk.clone()).unwrap().0;
                    script = Script::reopened(script.model);
                }
                Act::Kill => {
                    disk = Memory::new(disk.bytes());
                    file = open(disk.clone()).unwrap().0;
                    script = Script::reopened(script.model);
                }
            }
            prop_assert!(contents(&file).unwrap() == script.model);
        }
        prop_assert!(contents(&file).unwrap() == script.model);
    }
}

/// What the runs that are known showed last.
fn clocks(file: &File) -> Vec<(u32, u64)> {
    file.runs().iter().map(|(run, clock)| (*run, clock.steady)).collect()
}

#[test]
fn each_run_that_writes_has_a_clock_until_nothing_of_it_counts() {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let mut entries = Vec::new();
    Entry::Put(b"a").write(&mut entries);
    let commit = |file: &mut File, steady, snapshot| {
        let clock = RunClock { steady, wall: 7, boot: Some(([1; 16], steady)) };
        file.commit(&Commit { entries: &entries, clock, snapshot }).unwrap();
    };
    let reopen = |file: File| {
        file.close().unwrap();
        open(disk.clone()).unwrap().0
    };
    commit(&mut file, 10, None);
    commit(&mut file, 11, None);
    file = reopen(file);
    assert_eq!(clocks(&file), [(1, 11)]);
    file = reopen(file);
    commit(&mut file, 20, None);
    file = reopen(file);
    assert_eq!(clocks(&file), [(1, 11), (2, 20)], "a run that wrote nothing has left none");
    let mut runs = Vec::new();
    file.read(&mut |blob| runs.push(blob.run()), &mut |_, _| {}).unwrap();
    assert_eq!(runs, [1, 1, 2]);

    commit(&mut file, 30, Some(SnapshotStep::Begin));
    commit(&mut file, 31, Some(SnapshotStep::Part(&entries)));
    commit(&mut file, 32, Some(SnapshotStep::Finish));
    file = reopen(file);
    assert_eq!(clocks(&file), [(3, 32)]);
    let mut blobs = Vec::new();
    file.read(&mut |blob| blobs.push(blob.to_string()), &mut |_, _| {}).unwrap();
    let expected =
        ["part 0 of snapshot 1", "number 4 of the journal", "number 5 of the journal", "number 6 of the journal"];
    assert_eq!(blobs, expected);
}

#[test]
fn a_snapshot_that_was_not_finished_does_not_count() {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let (random, mut script) = (&mut Random::new(2), Script::of_changes_only());
    for _ in 0..30 {
        script.commit(&mut file, random).1.unwrap();
    }
    let mut false_entries = Vec::new();
    Entry::Put(b"nobody wrote this").write(&mut false_entries);
    for steps in [[SnapshotStep::Begin, SnapshotStep::Part(&false_entries)]; 2] {
        for step in steps {
            file.commit(&Commit { entries: &[], clock: CLOCK, snapshot: Some(step) }).unwrap();
        }
        file = open(disk.clone()).unwrap().0;
    }
    assert!(contents(&file).unwrap() == script.model);
    // A new one does not find the parts of the old ones among its own.
    let mut entries = Vec::new();
    Entry::Put(b"b").write(&mut entries);
    for step in [SnapshotStep::Begin, SnapshotStep::Part(&entries), SnapshotStep::Finish] {
        file.commit(&Commit { entries: &[], clock: CLOCK, snapshot: Some(step) }).unwrap();
    }
    assert!(contents(&file).unwrap() == Model::from([(b'b', Vec::new())]));
    let mut blobs = Vec::new();
    file.read(&mut |blob| blobs.push(blob.to_string()), &mut |_, _| {}).unwrap();
    assert_eq!(blobs, ["part 0 of snapshot 3"], "snapshots 1 and 2 were begun");
}
