//! A password typed at a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::{ALICE, Users};
use crate::harness::{Finished, PATIENCE, Process};

/// Types answers at a terminal where a program asks for them, and gives what the terminal showed.
fn type_in(users: &Users, args: &[&str], answers: &[&str]) -> (Finished, String) {
    let (mut keyboard, slave) = terminal();
    let mut run = Command::new("setsid");
    run.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_registrar"), "user"]).args(args).args(["--file", &users.path]);
    run.stdin(Stdio::from(slave)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = run.spawn().unwrap();
    // The program has the only other end now, so that reading ends with it.
    drop(run);
    let mut screen = String::new();
    for answer in answers {
        assert!(read_until(&mut keyboard, &mut screen, ": "), "{args:?}: {screen}");
        wait_until_nothing_is_shown(&keyboard);
        keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    if read_until(&mut keyboard, &mut screen, ": ") {
        // It asks once more: it will not end by itself.
        process.kill().unwrap();
    }
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let finished = Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    (finished, screen)
}

/// A terminal: its keyboard and screen, and what a program has of it. Programs of other tests inherit neither.
fn terminal() -> (PtyMaster, File) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&master).unwrap());
    (master, slave.unwrap())
}

/// The program asks, and then has the terminal show no more of what is typed.
fn wait_until_nothing_is_shown(terminal: &PtyMaster) {
    let deadline = Instant::now() + PATIENCE;
    while tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO) {
        assert!(Instant::now() < deadline, "what is typed is shown");
        std::thread::yield_now();
    }
}

/// Reads what the terminal shows until it ends with `end`, or until nobody can write to it any more. Whether it was the
/// former.
fn read_until(terminal: &mut PtyMaster, screen: &mut String, end: &str) -> bool {
    let start = screen.len();
    let mut byte = [0];
    while !screen[start..].ends_with(end) {
        if !matches!(terminal.read(&mut byte), Ok(1)) {
            return false;
        }
        screen.push(char::from(byte[0]));
    }
    true
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let users = Users::none();
    let (finished, screen) = type_in(&users, &["add", "alice@example.com"], &["secret", "secret"]);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert!(screen.contains("Password of alice@example.com: ") && screen.contains("The same again: "), "{screen:?}");
    assert!(!screen.contains("secret"), "{screen:?}");
    assert!(users.text().contains(ALICE), "{}", users.text());
}

#[test]
fn a_password_typed_in_two_ways_changes_nothing() {
    let users = Users::none();
    let (finished, _) = type_in(&users, &["add", "alice@example.com"], &["secret", "secrit"]);
    assert_eq!(finished.code, Some(64));
    assert!(finished.err.contains("typed in two ways: nothing is changed"), "{}", finished.err);
    assert!(!std::fs::exists(&users.path).unwrap());
}

#[test]
fn nobody_types_a_password_in_vain() {
    let users = Users::with("[user.'alice@example.com']\npassword = 'p'\n");
    for args in [["add", "alice@example.com"], ["passwd", "bob@example.com"]] {
        let (finished, screen) = type_in(&users, &args, &[]);
        assert_eq!((finished.code, screen.as_str()), (Some(64), ""), "{}", finished.err);
    }
}

#[test]
fn without_a_terminal_the_other_ways_are_named() {
    let users = Users::none();
    let mut run = Command::new("setsid");
    run.args(["--wait", env!("CARGO_BIN_EXE_registrar"), "user", "add", "alice@example.com", "--file", &users.path]);
    let finished = Process::start(&mut run).finish();
    assert_eq!(finished.code, Some(64));
    assert!(finished.err.contains("--stdin") && finished.err.contains("--generate"), "{}", finished.err);
}
