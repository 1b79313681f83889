//! How much is written, and how much room it takes.

use super::super::{Commit, Entry, File, SnapshotStep};
use super::memory::Memory;
use super::script::{CLOCK, create};

/// So many records of 300 bytes.
fn records(many: usize) -> Vec<u8> {
    let mut entries = Vec::new();
    (0..many).for_each(|number| Entry::Put(&[u8::try_from(number % 256).unwrap(); 295]).write(&mut entries));
    entries
}

fn commit(file: &mut File, entries: &[u8], snapshot: Option<SnapshotStep<'_>>) -> u64 {
    file.commit(&Commit { entries, clock: CLOCK, snapshot }).unwrap().bytes
}

#[test]
fn a_group_costs_little_more_than_its_bytes() {
    // One record costs its pages and those of the way to them; many cost their bytes.
    for (many, most) in [(1, 30_000), (100, 70_000), (1000, 370_000)] {
        let disk = Memory::new(Vec::new());
        let mut file = create(disk.clone());
        let entries = records(many);
        assert_eq!(entries.len(), many * 300);
        let rounds = 100;
        let bytes = (0..rounds).map(|_| commit(&mut file, &entries, None)).sum::<u64>() / rounds;
        println!("{many} records: {bytes} bytes written, {:.2} for each", bytes as f64 / entries.len() as f64);
        assert!(bytes < most, "{bytes} bytes written for {many} records");
    }
}

#[test]
fn what_does_not_count_any_more_is_deleted_bit_by_bit_and_its_room_is_used_again() {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let (table, group) = (records(20_000), records(1000));
    let (mut largest, mut longest, mut slices) = (0, 0, 0);
    for round in 0..4 {
        // As much again in the journal, and then a snapshot in steps.
        for _ in 0..20 {
            commit(&mut file, &group, None);
        }
        commit(&mut file, &group, Some(SnapshotStep::Begin));
        for part in table.chunks(300 * 800) {
            longest = longest.max(commit(&mut file, &group, Some(SnapshotStep::Part(part))));
        }
        longest = longest.max(commit(&mut file, &group, Some(SnapshotStep::Finish)));
        assert!(file.has_leftovers());
        let mut commits = 0;
        while file.has_leftovers() {
            commit(&mut file, &[], None);
            commits += 1;
        }
        assert!((1..20).contains(&commits), "{commits} commits until all was deleted");
        slices += commits;
        if round == 1 {
            largest = file.file_bytes();
        }
    }
    assert!(slices > 8, "it is not done at once: {slices}");
    assert!(longest < 1 << 20, "a commit wrote {longest} bytes");
    assert!(file.file_bytes() <= largest + (1 << 20), "it went on growing: {largest}, {}", file.file_bytes());
    let counts = file.journal_bytes() + file.snapshot_bytes();
    assert!(file.file_bytes() < 3 * counts, "{} bytes for {counts}", file.file_bytes());
    file.compact().unwrap();
    assert!(file.file_bytes() < counts * 5 / 4, "{} bytes for {counts} after compacting", file.file_bytes());
}
