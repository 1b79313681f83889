//! `add`, `passwd`, `remove` and `list`.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use super::{ALICE, Users, run};
use crate::harness::{Process, Room, command};

#[test]
fn a_user_is_added_to_a_file_that_only_its_owner_can_read() {
    let users = Users::none();
    let finished = users.run(&["add", "alice@Example.com", "--stdin"], "secret\n");
    assert_eq!((finished.code, finished.out.as_str()), (Some(0), ""));
    assert_eq!(finished.err, format!("added alice@example.com to {}\n", users.path));
    let text = users.text();
    assert!(text.contains("[user.\"alice@example.com\"]\nrealm = \"example.com\"\n"), "{text}");
    // MD5 of alice@example.com:example.com:secret.
    let address = "md5-address = \"c79656e4f06dbae9fdf6727654273c65\"";
    assert!(text.contains(ALICE) && text.contains(address) && !text.contains("secret\""), "{text}");
    assert_eq!((users.mode(), users.addresses()), (0o600, vec!["alice@example.com".to_owned()]));
}

#[test]
fn what_a_user_may_do_is_written_into_its_entry() {
    let users = Users::none();
    let more =
        ["--algorithm", "sha-256", "--algorithm", "MD5", "--may-register", "sales@x.org", "--may-register", "*@y.org"];
    users.done(&[&["add", "alice@example.com", "--stdin", "--plain"][..], &more].concat(), "secret");
    let entry = "[user.\"alice@example.com\"]\npassword = \"secret\"\nalgorithms = [\"SHA-256\", \"MD5\"]\n\
                 may_register = [\"sales@x.org\", \"*@y.org\"]\n";
    assert!(users.text().ends_with(entry), "{}", users.text());
    let line = "alice@example.com               MD5 SHA-256 SHA-512-256, plain password, challenged with SHA-256 MD5, \
                may register sales@x.org *@y.org\n";
    assert_eq!(users.done(&["list"], ""), line);
}

#[test]
fn a_generated_password_is_printed_once_and_is_the_one_that_is_kept() {
    let users = Users::none();
    for command in ["add", "passwd"] {
        let printed = users.done(&[command, "alice@example.com", "--generate", "--plain"], "");
        let password = printed.trim_end();
        assert!(password.len() == 20 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{printed}");
        assert!(users.text().contains(&format!("password = \"{password}\"\n")), "{}", users.text());
    }
}

#[test]
fn a_password_is_hashed_for_the_realm_of_the_configuration() {
    let users = Users::none();
    let config = users.room.file("registrar.toml", "users.file = 'users.toml'\nauth.realm = 'asterisk'\n");
    let finished = run(&["user", "add", "alice@example.com", "--stdin", "-c", &config], &users.room, "secret\n");
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    // MD5 of alice:asterisk:secret.
    assert!(
        users.text().contains("realm = \"asterisk\"\nmd5 = \"44fc378e9c253c3e1607c5eae018e345\"\n"),
        "{}",
        users.text()
    );
    // Without the configuration, what the entry says stays; the option is above all.
    users.done(&["passwd", "alice@example.com", "--stdin"], "other\n");
    assert!(users.text().contains("realm = \"asterisk\"\n"));
    users.done(&["passwd", "alice@example.com", "--stdin", "--realm", "example.com"], "secret\n");
    assert!(users.text().contains(ALICE) && users.text().contains("realm = \"example.com\"\n"), "{}", users.text());
}

#[test]
fn changes_leave_comments_and_order_as_they_are() {
    let users = Users::with(
        "# Ours.\n\n# ---- office ----\n\n# the boss\n[user.'boss@x.org'] # head\npassword = 'old' # until Monday\n\
         algorithms = ['MD5']\n\n# the guest\n[user.'guest@x.org']\npassword = 'p'\n\n# ---- end ----\n",
    );
    users.done(&["passwd", "boss@x.org", "--stdin", "--plain"], "new\n");
    users.done(&["remove", "guest@x.org"], "");
    users.done(&["add", "new@x.org", "--stdin", "--plain"], "p\n");
    assert_eq!(
        users.text(),
        "# Ours.\n\n# ---- office ----\n\n# the boss\n[user.'boss@x.org'] # head\npassword = \"new\" # until Monday\n\
         algorithms = ['MD5']\n\n\n# ---- end ----\n\n[user.\"new@x.org\"]\npassword = \"p\"\n"
    );
}

#[test]
fn a_mode_that_lets_others_read_is_corrected_and_told() {
    let users = Users::with("");
    fs::set_permissions(&users.path, fs::Permissions::from_mode(0o644)).unwrap();
    let finished = users.run(&["add", "alice@example.com", "--stdin"], "secret\n");
    assert_eq!((finished.code, users.mode()), (Some(0), 0o600));
    assert!(finished.err.contains("users.toml had mode 644: it has 600 now\n"), "{}", finished.err);
}

#[test]
fn a_link_stays_a_link() {
    let users = Users::none();
    fs::create_dir(users.room.path("secret")).unwrap();
    let file = users.room.file("secret/users.toml", "");
    symlink(&file, &users.path).unwrap();
    users.done(&["add", "alice@example.com", "--stdin"], "secret\n");
    assert!(fs::symlink_metadata(&users.path).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains(ALICE));
}

#[test]
fn who_is_there_is_not_added_and_who_is_not_there_is_not_changed() {
    let users = Users::none();
    users.done(&["add", "alice@example.com", "--stdin"], "secret\n");
    let there = "alice@example.com is in ";
    users.refused(&["add", "%61lice@EXAMPLE.com", "--stdin"], "x\n", 64, &[there, "registrar user passwd"]);
    for command in [&["passwd", "--stdin"][..], &["remove"]] {
        let unknown = [command, &["alise@example.com"]].concat();
        users.refused(&unknown, "x\n", 64, &["alise@example.com is not in ", "help: there is alice@example.com"]);
        users.refused(&[command, &["bob@example.org"]].concat(), "x\n", 64, &["bob@example.org is not in "]);
    }
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_changed() {
    let users = Users::with("# nobody\n");
    let add = |more: &[&'static str]| [&["add", "alice@example.com", "--stdin"], more].concat();
    users.refused(&["add", "alice", "--stdin"], "x", 64, &["\"alice\" is no address of a user"]);
    users.refused(&["add", "alice:x@example.com", "--stdin"], "x", 64, &["is no address of a user"]);
    users.refused(&add(&[]), "", 64, &["the password is empty"]);
    users.refused(&add(&[]), "a\tb", 64, &["control characters"]);
    users.refused(&add(&["--algorithm", "SHA-1"]), "x", 64, &["--algorithm: \"SHA-1\" is no algorithm"]);
    users.refused(&add(&["--may-register", "sales"]), "x", 64, &["--may-register: \"sales\" is no address"]);
    users.refused(&add(&["--realm", "\""]), "x", 64, &["--realm must be"]);
    users.refused(&add(&["--generate"]), "x", 2, &["--stdin", "--generate"]);
    users.refused(&add(&["--plain", "--realm", "r"]), "x", 2, &["--plain", "--realm"]);
    users.refused(&add(&["--config", "x"]), "x", 2, &["--file", "--config"]);
}

#[test]
fn a_file_must_be_named() {
    let room = Room::new();
    for args in [&["add", "a@x", "--stdin"][..], &["list"], &["remove", "a@x"], &["import", "--format", "csv"]] {
        let finished = run(&[&["user"], args].concat(), &room, "");
        assert_eq!(finished.code, Some(2));
        assert!(finished.err.contains("--file <FILE>|--config <FILE>"), "{}", finished.err);
    }
    let config = room.file("registrar.toml", "");
    let finished = run(&["user", "list", "--config", &config], &room, "");
    assert_eq!(finished.code, Some(64));
    assert!(finished.err.contains("names no users file"), "{}", finished.err);
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_named_with_the_cause() {
    let users = Users::none();
    for command in [&["list"][..], &["remove", "a@x.org"], &["passwd", "a@x.org", "--stdin"]] {
        users.refused(command, "x", 69, &["cannot read the users file ", "users.toml: No such file"]);
    }
    let room = Room::new();
    let missing = room.path("missing/users.toml");
    let finished = run(&["user", "add", "a@x.org", "--stdin", "--file", &missing], &room, "x\n");
    assert_eq!(finished.code, Some(69));
    assert!(finished.err.contains("cannot change the users file "), "{}", finished.err);
    let finished = run(&["user", "list", "--file", &room.path("")], &room, "");
    assert_eq!(finished.code, Some(69));
    assert!(finished.err.contains("it is no file"), "{}", finished.err);
}

#[test]
fn a_wrong_file_is_not_changed_and_what_is_wrong_is_shown_without_secrets() {
    let users = Users::with("[user.'a@x.org']\npasword = 'open sesame'\nmd5 = 'c0ffee'\n");
    for command in [&["list"][..], &["add", "b@x.org", "--stdin"], &["remove", "a@x.org"]] {
        let wrong = ["users.toml:2:1", "did you mean password?", "users.toml:3:7", "2 problems"];
        users.refused(command, "x", 64, &wrong);
        let shown = users.run(command, "x").err;
        assert!(!shown.contains("sesame") && !shown.contains("c0ffee"), "{shown}");
    }
}

#[test]
fn a_list_shows_no_secret() {
    let users = Users::with(&format!("[user.'a@x.org']\npassword = 'sesame'\n[user.'b@x.org']\n{ALICE}\n"));
    for args in [&["list"][..], &["list", "--json"]] {
        let list = users.done(args, "");
        assert!(list.contains("a@x.org") && list.contains("b@x.org"));
        assert!(!list.contains("sesame") && !list.contains("b172"), "{list}");
    }
}

#[test]
fn commands_at_the_same_time_do_not_lose_each_others_users() {
    let users = Users::none();
    let name = |n: usize| format!("user{n}@example.com");
    let running: Vec<_> = (0..8)
        .map(|n| {
            let mut add = command();
            add.args(["user", "add", &name(n), "--generate", "--file", &users.path]);
            Process::start(&mut add)
        })
        .collect();
    for process in running {
        assert_eq!(process.finish().code, Some(0));
    }
    let mut addresses = users.addresses();
    addresses.sort();
    assert_eq!(addresses, (0..8).map(name).collect::<Vec<_>>());
}

#[test]
fn a_command_waits_for_the_one_before_it_and_says_so() {
    let users = Users::with("# untouched\n");
    let lock = File::open(users.room.path("")).unwrap();
    lock.lock().unwrap();
    let mut add = command();
    add.args(["user", "add", "alice@example.com", "--generate", "--file", &users.path]);
    let mut process = Process::start_with_outputs(add.stdout(Stdio::piped()).stderr(Stdio::piped()));
    process.wait_for("waiting for another command that changes ");
    assert_eq!(users.text(), "# untouched\n");
    lock.unlock().unwrap();
    assert_eq!(process.finish().code, Some(0));
    assert_eq!(users.addresses(), ["alice@example.com"]);
}
