//! The disk refuses something, once or for a while.

use super::super::WriteError;
use super::memory::{Failure, Memory, Random};
use super::script::{Script, contents, create, open};

#[test]
fn what_was_finished_before_the_disk_was_full_is_there_when_it_has_room_again() {
    let mut failures = 0;
    for room in 0..120 {
        let disk = Memory::new(Vec::new());
        let mut file = create(disk.clone());
        let (random, mut script) = (&mut Random::new(7), Script::default());
        for _ in 0..5 {
            script.commit(&mut file, random).1.unwrap();
        }
        disk.fail_after(room, Failure::Full);
        let mut allowed = vec![script.model.clone()];
        for _ in 0..50 {
            let (after, result) = script.commit(&mut file, random);
            match result {
                Ok(()) => allowed = vec![after],
                Err(WriteError::Io(_)) => {
                    allowed.push(after);
                    break;
                }
                Err(error) => panic!("room for {room}: {error}"),
            }
        }
        failures += usize::from(allowed.len() == 2);
        let (_, again) = script.commit(&mut file, random);
        assert!(again.is_err(), "room for {room}: a file that has failed is not written any more");
        drop(file);

        // Still full: it can be read, and not be written, and that does no harm.
        let (mut file, opened) = open(disk.clone()).unwrap();
        assert!(opened.unclean);
        let found = contents(&file).unwrap();
        assert!(allowed.contains(&found), "room for {room}");
        let mut script = Script::reopened(found.clone());
        assert!(matches!(script.commit(&mut file, random).1, Err(WriteError::Io(_))));
        assert!(matches!(file.close(), Err(WriteError::Io(_))));

        disk.heal();
        let (mut file, _) = open(disk.clone()).unwrap();
        assert!(contents(&file).unwrap() == found, "room for {room}");
        script.commit(&mut file, random).1.unwrap();
        file.close().unwrap();
        let (file, opened) = open(disk).unwrap();
        assert!(!opened.unclean);
        assert!(contents(&file).unwrap() == script.model);
    }
    assert!(failures > 100, "{failures} failures");
}

#[test]
fn a_commit_of_which_one_operation_failed_is_not_taken_for_finished() {
    let disk = Memory::new(Vec::new());
    let mut file = create(disk.clone());
    let (random, mut before) = (&mut Random::new(8), Script::default());
    for _ in 0..5 {
        before.commit(&mut file, random).1.unwrap();
    }
    // It is opened after a kill, so that the first commit has to repair it as well.
    let killed = disk.bytes();
    let mut failures = 0;
    for operation in 0..60 {
        let disk = Memory::new(killed.clone());
        let (mut file, _) = open(disk.clone()).unwrap();
        disk.fail_after(operation, Failure::Hiccup);
        let mut script = Script::reopened(before.model.clone());
        for _ in 0..3 {
            let last = script.model.clone();
            let (after, result) = script.commit(&mut file, random);
            // As it would be found if the process were killed now.
            let found = open(Memory::new(disk.bytes())).and_then(|(file, _)| contents(&file));
            let found = found.unwrap_or_else(|error| panic!("operation {operation}: {error}"));
            assert!(found == after || result.is_err() && found == last, "operation {operation}");
            if result.is_err() {
                failures += 1;
                break;
            }
        }
    }
    assert!(failures > 20, "{failures} failures");
}
