//! A registrar whose users change while it runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use nix::sys::signal::Signal;

use super::{ALICE, Users, run};
use crate::harness::Registrar;

fn user(address: &str) -> String {
    format!("[user.'{address}']\n{ALICE}\n")
}

fn serve(users: &Users) -> Registrar {
    Registrar::configured(&format!("[users]\nfile = '{}'\n", users.path))
}

#[test]
fn it_says_how_many_users_there_are_and_where() {
    let users = Users::with(&(user("alice@example.com") + &user("bob@example.com")));
    let banner = serve(&users).stop().out;
    assert!(banner.contains(&format!("\n  users      2 users in {}\n", users.path)), "{banner}");
    assert!(banner.contains("set up a phone for one of its users") && !banner.contains("any password"), "{banner}");
}

#[test]
fn without_its_users_file_it_does_not_start_and_says_how_to_make_one() {
    let users = Users::none();
    let config = users.room.file("registrar.toml", "listen = 'udp:127.0.0.1:0'\nusers.file = 'users.toml'\n");
    for args in [["check", "-c", &config], ["serve", "-c", &config]] {
        let finished = run(&args, &users.room, "");
        assert_eq!((finished.code, finished.out.as_str()), (Some(64), ""), "{}", finished.err);
        assert!(finished.err.contains("users.toml: No such file"), "{}", finished.err);
        let help = format!("help: registrar user add --file {} alice@example.com makes one\n", users.path);
        assert!(finished.err.ends_with(&help), "{}", finished.err);
    }
    users.write("[user.'alice@example.com']\nmd5 = 'c0ffee'\n[user.bob]\npassword = 'sesame'\n");
    for args in [["check", "-c", &config], ["serve", "-c", &config]] {
        let finished = run(&args, &users.room, "");
        assert_eq!((finished.code, finished.out.as_str()), (Some(64), ""), "{}", finished.err);
        for part in ["users.toml:2:7", "users.toml:3:7", "\"bob\" is no address of a user", "2 problems"] {
            assert!(finished.err.contains(part), "{part}: {}", finished.err);
        }
        assert!(!finished.err.contains("c0ffee") && !finished.err.contains("sesame"), "{}", finished.err);
    }
}

#[test]
fn check_reads_the_users_and_warns_of_what_should_not_stay_so() {
    let users = Users::with(&format!("[user.'a@x.org']\npassword = 'p'\n{}realm = 'asterisk'\n", user("b@x.org")));
    fs::set_permissions(&users.path, fs::Permissions::from_mode(0o640)).unwrap();
    let config = users.room.file("registrar.toml", "users.file = 'users.toml'\n");
    let finished = run(&["check", "-c", &config], &users.room, "");
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert!(finished.out.contains(&format!("\n  users      2 users in {}\n", users.path)), "{}", finished.out);
    let warnings: Vec<_> = finished.err.lines().collect();
    assert_eq!(warnings.len(), 3, "{}", finished.err);
    for (warning, said) in warnings.iter().zip(["chmod 600", "the password itself", "b@x.org (made for \"asterisk\""]) {
        assert!(warning.starts_with("warning: ") && warning.contains(said), "{warning}");
    }
}

#[test]
fn a_change_is_noticed_however_the_file_is_replaced() {
    let users = Users::with(&user("a@x.org"));
    let mut registrar = serve(&users);
    users.done(&["add", "b@x.org", "--generate"], "");
    registrar.wait_for("users read again users=2 added=1 removed=0 changed=0");
    // As an editor does that writes into the file itself.
    fs::write(&users.path, user("b@x.org")).unwrap();
    registrar.wait_for("users read again users=1 added=0 removed=1 changed=1");
    // As Kubernetes does.
    let elsewhere = users.room.file("elsewhere", &(user("b@x.org") + &user("c@x.org")));
    let link = users.room.path("link");
    symlink(&elsewhere, &link).unwrap();
    fs::rename(&link, &users.path).unwrap();
    registrar.wait_for("users read again users=2 added=1 removed=0 changed=0");
    registrar.stop();
}

#[test]
fn sighup_has_the_users_read_at_once_and_says_so_even_if_nothing_has_changed() {
    let users = Users::with(&user("a@x.org"));
    let mut registrar = serve(&users);
    registrar.signal(Signal::SIGHUP);
    registrar.wait_for("users read again: nothing has changed users=1");
    users.write(&user("b@x.org"));
    registrar.signal(Signal::SIGHUP);
    registrar.wait_for("users read again users=1 added=1 removed=1 changed=0");
    registrar.stop();
}

#[test]
fn a_broken_file_leaves_the_users_of_before_and_is_told_line_by_line() {
    let users = Users::with(&(user("a@x.org") + &user("b@x.org")));
    let mut registrar = serve(&users);
    users.write(&(user("a@x.org") + "[user.'b@x.org']\nmd5 = 'c0ffee'\n[user.'c@x.org'\n"));
    let wrong = registrar.wait_for("users file: [b@x.org] md5 must be 32 hexadecimal digits");
    assert!(wrong.contains("ERROR") && wrong.contains("line=4"), "{wrong}");
    registrar.wait_for("line=5");
    registrar.wait_for("users not read again: those of before stay until the file is good");
    fs::remove_file(&users.path).unwrap();
    registrar.wait_for("users file: No such file");
    // What is compared with is what it had before it was broken.
    users.write(&(user("a@x.org") + &user("c@x.org")));
    registrar.wait_for("users read again users=2 added=1 removed=1 changed=0");
    let log = registrar.stop().err;
    assert_eq!(log.matches("users not read again").count(), 2, "{log}");
    assert!(!log.contains("c0ffee"), "{log}");
}

#[test]
fn warnings_are_logged_at_the_start_and_when_they_change() {
    let users = Users::with("[user.'a@x.org']\npassword = 'p'\n");
    let mut registrar = serve(&users);
    users.write("[user.'a@x.org']\npassword = 'q'\n");
    registrar.wait_for("changed=1");
    users.write("[user.'a@x.org']\npassword = 'q'\n[user.'b@x.org']\npassword = 'q'\n");
    registrar.wait_for(" WARN 2 users with the password itself in ");
    let log = registrar.stop().err;
    assert_eq!(log.matches(" WARN 1 user with the password itself in ").count(), 1, "{log}");
    assert_eq!(log.matches("the password itself").count(), 2, "{log}");
}
