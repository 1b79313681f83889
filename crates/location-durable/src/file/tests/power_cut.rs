//! The power fails at any moment: what was synced is there, and some of the rest.

use super::memory::{Failure, Memory, Random};
use super::script::{Script, contents, create, open};

/// Each chain of power cuts is another experiment.
const CHAINS: u64 = 30;
/// Power cuts one after another, on what the one before has left.
const CUTS: usize = 8;

#[test]
fn after_a_power_cut_the_file_is_as_the_last_finished_commit_left_it() {
    let (mut torn, mut finished) = (0, 0);
    for seed in 0..CHAINS {
        let random = &mut Random::new(seed);
        let mut disk = Memory::new(Vec::new());
        drop(create(disk.clone()));
        let mut script = Script::default();
        for cut in 0..CUTS {
            let (mut file, _) = open(disk.clone()).unwrap_or_else(|error| panic!("seed {seed}, cut {cut}: {error}"));
            disk.fail_after(1 + random.below(250), Failure::PowerCut);
            // Of these, the file must be one.
            let mut allowed = vec![script.model.clone()];
            for _ in 0..200 {
                match script.commit(&mut file, random) {
                    (after, Ok(())) => allowed = vec![after],
                    (after, Err(_)) => {
                        allowed.push(after);
                        break;
                    }
                }
            }
            let left = disk.survivors(random);
            drop(file);
            disk = Memory::new(left);
            let (file, _) = open(disk.clone()).unwrap_or_else(|error| panic!("seed {seed}, cut {cut}: {error}"));
            let found = contents(&file).unwrap_or_else(|error| panic!("seed {seed}, cut {cut}: {error}"));
            assert!(allowed.contains(&found), "seed {seed}, cut {cut}");
            assert_eq!(disk.operations(), 0, "reading changes nothing");
            if allowed.len() == 2 && allowed[0] != allowed[1] {
                *(if found == allowed[0] { &mut torn } else { &mut finished }) += 1;
            }
            script = Script::reopened(found);
        }
    }
    assert!(torn > 25 && finished > 5, "cuts in a commit: {torn} times it was lost, {finished} times it was there");
}
