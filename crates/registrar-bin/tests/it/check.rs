//! `registrar check`.

use std::path::Path;

use crate::harness::{Finished, Process, Room, command};

/// Runs it where the golden files are, so that the names in its output are the same everywhere.
fn check(file: &str) -> Finished {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    Process::start(command().args(["check", "--config", file]).current_dir(golden)).finish()
}

fn check_text(text: &str) -> Finished {
    let room = Room::new();
    check(&room.file("registrar.toml", text))
}

#[test]
fn everything_that_is_wrong_is_said_with_its_line() {
    let finished = check("bad.toml");
    assert_eq!((finished.code, finished.out.as_str()), (Some(64), ""));
    assert_eq!(finished.err, include_str!("golden/bad.txt"));
}

#[test]
fn a_good_file_is_said_to_be_good_and_what_it_means() {
    let finished = check("good.toml");
    assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
    assert_eq!(finished.out, include_str!("golden/good.txt"));
}

#[test]
fn an_empty_file_is_good() {
    assert_eq!(check_text("").code, Some(0));
}

#[test]
fn every_place_that_is_no_toml_is_said() {
    let finished = check_text("a = \n[registrar\nlisten = \"udp:127.0.0.1\"\n");
    assert_eq!(finished.code, Some(64));
    assert!(finished.err.contains("registrar.toml:1:") && finished.err.contains("registrar.toml:2:"), "{finished:?}");
    assert!(finished.err.ends_with("registrar.toml: 2 problems\n"), "{finished:?}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let finished = check("missing.toml");
    assert_eq!(finished.code, Some(64));
    assert_eq!(
        finished.err,
        "error: cannot read the configuration file missing.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_file_that_is_no_text_is_said_to_be_none() {
    let room = Room::new();
    let path = room.path("registrar.toml");
    std::fs::write(&path, b"listen = \xff").unwrap();
    let finished = check(&path);
    assert_eq!(finished.code, Some(64));
    assert!(finished.err.contains("UTF-8"), "{finished:?}");
}
