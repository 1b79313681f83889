//! `import`.

use std::fs;
use std::process::Stdio;

use super::{ALICE, Users};
use crate::harness::command;

const HASH: &str = "b1726872c344b6dc8365b774f8fd6412";

#[test]
fn an_htdigest_file_is_imported() {
    let users = Users::with("# ours\n");
    let file = users.room.file("htdigest", &format!("alice:example.com:{HASH}\nbob:example.org:{HASH}\n"));
    let finished = users.run(&["import", "--format", "htdigest", &file], "");
    assert_eq!((finished.code, finished.out.as_str()), (Some(0), ""), "{}", finished.err);
    assert_eq!(finished.err, format!("added 2 users to {}\n", users.path));
    assert!(users.text().starts_with("# ours\n") && users.text().contains(ALICE), "{}", users.text());
    assert_eq!(users.addresses(), ["alice@example.com", "bob@example.org"]);
}

#[test]
fn kamailios_table_is_imported_from_standard_input() {
    let users = Users::none();
    let table =
        format!("id,username,domain,password,ha1,ha1b,vmpin\n1,alice,example.com,,{HASH},{HASH},7\n2,bob,,secret,,,\n");
    for input in [&["-"][..], &[]] {
        let args = [&["import", "--format", "csv", "--domain", "example.net", "--replace"], input].concat();
        let finished = users.run(&args, &table);
        assert_eq!(finished.code, Some(0), "{}", finished.err);
        assert!(finished.err.starts_with("columns that are not used: id, vmpin\n"), "{}", finished.err);
    }
    assert_eq!(users.addresses(), ["alice@example.com", "bob@example.net"]);
    let text = users.text();
    assert!(text.contains(&format!("{ALICE}\nmd5-address = \"{HASH}\"\n")) && !text.contains("secret\""), "{text}");
}

#[test]
fn every_bad_line_is_told_and_none_is_imported() {
    let users = Users::with("# ours\n");
    let bad = format!("alice:example.com:{HASH}\nbob\ncarol:example.com:{HASH}\nalice:EXAMPLE.com:{HASH}\n");
    users.refused(
        &["import", "--format", "htdigest"],
        &bad,
        64,
        &[
            "line 2: a line is user:realm:hash",
            "line 4: alice@example.com was in line 1 already",
            "error: standard input: 2 lines cannot be imported: nothing was changed",
        ],
    );
    let flood = "x\n".repeat(1000);
    users.refused(&["import", "--format", "htdigest"], &flood, 64, &["line 20: ", "\nand 980 more\n", "1000 lines"]);
    users.refused(&["import", "--format", "csv"], "alice,secret\n", 64, &["no column username"]);
    users.refused(
        &["import", "--format", "csv", "/nonexistent.csv"],
        "",
        69,
        &["cannot read /nonexistent.csv: No such"],
    );
    users.refused(&["import", "--format", "xml"], "", 2, &["htdigest", "csv"]);
}

#[test]
fn users_that_are_there_are_replaced_only_if_that_is_asked_for() {
    let users = Users::with(
        "# the boss\n[user.'alice@example.com']\npassword = 'old'\nmay_register = ['*']\n[user.'bob@x']\npassword = 'p'\n",
    );
    let lines = format!("carol:x:{HASH}\nalice:example.com:{HASH}\n");
    let import = ["import", "--format", "htdigest"];
    users.refused(&import, &lines, 64, &["line 2: alice@example.com is in ", "1 line cannot", "help: --replace"]);
    let finished = users.run(&[&import[..], &["--replace"]].concat(), &lines);
    assert!(finished.err.starts_with("added 1 user to ") && finished.err.contains(", and gave 1 user other secrets"));
    let text = users.text();
    let alice =
        format!("# the boss\n[user.'alice@example.com']\nmay_register = ['*']\nrealm = \"example.com\"\n{ALICE}\n");
    assert!(text.starts_with(&alice), "{text}");
    assert_eq!(users.addresses(), ["alice@example.com", "bob@x", "carol@x"]);
}

#[test]
fn a_file_that_would_be_wrong_afterwards_is_not_written() {
    let users = Users::with("[user.'alice@example.com']\npassword = 'p'\nalgorithms = ['SHA-256']\n");
    let lines = format!("alice:example.com:{HASH}\n");
    let replace = ["import", "--format", "htdigest", "--replace"];
    users.refused(&replace, &lines, 64, &["is offered SHA-256 and has no hash for it", "nothing was changed"]);
}

#[test]
fn an_import_that_is_killed_while_it_writes_leaves_the_file_whole() {
    let users = Users::with(&format!("[user.'alice@example.com']\n{ALICE}\n"));
    let before = users.text();
    let lines: String = (0..20_000).map(|n| format!("user{n}:example.com:{HASH}\n")).collect();
    let (input, new) = (users.room.file("lines", &lines), users.room.path(".users.toml.new"));
    // It may be done before the signal comes; then once more.
    let killed = (0..20).any(|_| {
        let mut import = command();
        import.args(["user", "import", "--format", "htdigest", &input, "--file", &users.path]);
        import.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = import.spawn().unwrap();
        while !fs::exists(&new).unwrap() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let left = fs::exists(&new).unwrap();
        if users.text() != before {
            assert_eq!(users.addresses().len(), 20_001);
            users.write(&before);
        }
        left
    });
    assert!(killed, "it was always quicker than the signal");
    // What it left behind is in nobody's way.
    users.done(&["remove", "alice@example.com"], "");
    assert!(!fs::exists(&new).unwrap() && users.addresses().is_empty());
}
