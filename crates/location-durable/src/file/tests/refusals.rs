//! What is not opened, and is left alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use redb::{Database, TableDefinition};

use super::super::{Commit, Damage, File, OpenError, Opened, SnapshotStep, WriteError};
use super::memory::Random;
use super::script::{CLOCK, Script, contents};

/// A directory that is deleted in the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("location-file-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("data").join("location.redb")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Writes something into the file, and gives it and what it says.
fn written(path: &Path) -> (File, Script) {
    let (mut file, _) = File::open(path).unwrap();
    let (random, mut script) = (&mut Random::new(5), Script::default());
    for _ in 0..10 {
        script.commit(&mut file, random).1.unwrap();
    }
    (file, script)
}

/// The error, and that the file is as before.
fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();
    let Err(error) = File::open(path).and_then(|(file, _)| contents(&file)) else { panic!("it was taken for whole") };
    assert!(fs::read(path).unwrap() == before, "it was touched");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error
}

#[test]
fn a_new_file_and_its_directory_are_for_their_owner_alone() {
    let directory = Directory::new();
    let (file, opened) = File::open(&directory.file()).unwrap();
    assert_eq!(opened, Opened { is_new: true, unclean: false });
    assert!(contents(&file).unwrap().is_empty());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.file()), 0o600);
    assert_eq!(mode(directory.file().parent().unwrap()), 0o700);
    file.close().unwrap();
    let (_file, opened) = File::open(&directory.file()).unwrap();
    assert_eq!(opened, Opened { is_new: false, unclean: false });
}

#[test]
fn a_directory_belongs_to_one_until_he_lets_it_go() {
    let directory = Directory::new();
    let (file, script) = written(&directory.file());
    for again in [File::open(&directory.file()), File::look(&directory.file())] {
        assert!(matches!(again, Err(OpenError::InUse { .. })));
    }
    drop(file);
    let (file, _) = File::open(&directory.file()).unwrap();
    assert!(contents(&file).unwrap() == script.model);
}

#[test]
fn looking_at_a_file_changes_nothing_even_if_it_was_not_closed() {
    let directory = Directory::new();
    let path = directory.file();
    assert!(matches!(File::look(&path), Err(OpenError::Missing { .. })));
    let (file, script) = written(&path);
    let killed = fs::read(&path).unwrap();
    file.close().unwrap();
    fs::write(&path, &killed).unwrap();
    let (file, opened) = File::look(&path).unwrap();
    assert_eq!(opened, Opened { is_new: false, unclean: true });
    assert!(contents(&file).unwrap() == script.model);
    drop(file);
    assert!(fs::read(&path).unwrap() == killed);

    let (file, opened) = File::open(&path).unwrap();
    assert!(opened.unclean);
    file.close().unwrap();
    assert!(!File::open(&path).unwrap().1.unclean, "once it is closed it is whole");
}

#[test]
fn a_file_of_which_the_making_was_not_finished_is_made_anew() {
    let directory = Directory::new();
    let path = directory.file();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(path.with_extension("new"), b"SIP bin").unwrap();
    let (file, opened) = File::open(&path).unwrap();
    assert!(opened.is_new);
    file.close().unwrap();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let directory = Directory::new();
    let path = directory.file();
    fs::create_dir(path.parent().unwrap()).unwrap();
    for foreign in [&b""[..], b"x", &[0; 5000], "a letter to my aunt\n".repeat(1000).as_bytes()] {
        fs::write(&path, foreign).unwrap();
        assert!(matches!(refused(&path), OpenError::NotOurs { .. }));
    }
    fs::remove_file(&path).unwrap();
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u32, u32>::new("theirs")).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(&path), OpenError::NotOurs { .. }));
}

#[test]
fn a_file_of_another_format_is_left_alone() {
    let directory = Directory::new();
    let path = directory.file();
    written(&path).0.close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[16] = 2;
    fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::OtherFormat { found: 2, known: 1, .. }));
    assert!(error.to_string().contains("has format 2, and this program reads format 1"), "{error}");
}

#[test]
fn a_damaged_file_is_left_alone() {
    let directory = Directory::new();
    let path = directory.file();
    let (file, _) = written(&path);
    let killed = fs::read(&path).unwrap();
    file.close().unwrap();
    for whole in [killed, fs::read(&path).unwrap()] {
        for part in [512..1056, 4096..4200, 8192..whole.len()] {
            let mut bytes = whole.clone();
            bytes[part].fill(0xaa);
            fs::write(&path, bytes).unwrap();
            assert!(matches!(
                refused(&path),
                OpenError::Damaged { what: Damage::Structure { .. } | Damage::Front, .. }
            ));
        }
        fs::write(&path, &whole[..1000]).unwrap();
        assert!(matches!(refused(&path), OpenError::Damaged { what: Damage::Front, .. }));
    }
}

#[test]
fn a_step_of_a_snapshot_that_was_not_begun_is_refused() {
    let directory = Directory::new();
    let (mut file, script) = written(&directory.file());
    drop(file);
    file = File::open(&directory.file()).unwrap().0;
    for step in [SnapshotStep::Part(&[]), SnapshotStep::Finish] {
        let commit = Commit { entries: &[], clock: CLOCK, snapshot: Some(step) };
        assert!(matches!(file.commit(&commit), Err(WriteError::NoSnapshot)));
    }
    let commit = Commit { entries: b"no entry", clock: CLOCK, snapshot: None };
    assert!(matches!(file.commit(&commit), Err(WriteError::Malformed)));
    assert!(contents(&file).unwrap() == script.model);
    file.close().unwrap();
}
