//! Each command that asks.

use super::fake::Fake;
use super::{good, run, run_as, values};
use crate::harness::Room;

#[test]
fn status_says_how_it_is_as_text_and_as_json() {
    let fake = Fake::start();
    let text = good(&["status", "--socket", &fake.socket]);
    for wanted in
        ["registrar 0.1.0", "serving, process 4242, 2 workers", "3 of at most 1,000,000, kept synced", "requests 12"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let values = values(&["status", "--socket", &fake.socket]);
    assert_eq!(values, [serde_json::to_value(super::fake::status()).unwrap()]);
}

#[test]
fn list_is_a_table_of_all_pages_and_nothing_in_it_commands_the_terminal() {
    let fake = Fake::start();
    let text = good(&["list", "--socket", &fake.socket, "--domain", "example.com", "--user-agent", "red phone"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("ADDRESS") && lines[0].ends_with("USER AGENT"), "{text}");
    assert!(lines[1].starts_with("sip:alice@example.com  sip:alice@192.0.2.7:5060  reachable"), "{text}");
    assert!(lines[2].contains("suspect") && lines[3].starts_with("sip:bob@example.com"), "{text}");
    assert!(text.contains("\\x1b[31mred phone") && !text.contains('\u{1b}'), "{text:?}");
    let common = "GET /api/v1/aors?domain=example.com&user_agent=red%20phone&limit=";
    assert_eq!(fake.paths(), [format!("{common}1000"), format!("{common}999&after=second")]);
}

#[test]
fn list_says_that_there_is_more_or_nothing() {
    let fake = Fake::start();
    let some = run(&["list", "--socket", &fake.socket, "--limit", "1"]);
    assert_eq!((some.code, some.out.lines().count()), (Some(0), 3), "{some:?}");
    assert!(some.err.contains("more than 1 addresses"), "{some:?}");
    let none = run(&["list", "--socket", &fake.socket, "--user", "nobody"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""), "{none:?}");
    assert!(none.err.contains("nobody is registered who fits"), "{none:?}");
}

#[test]
fn list_as_json_is_a_line_for_each_address() {
    let fake = Fake::start();
    let all = values(&["list", "--socket", &fake.socket, "--transport", "tcp"]);
    let names: Vec<_> = all.iter().map(|aor| aor["aor"].as_str().unwrap()).collect();
    assert_eq!(names, ["sip:alice@example.com", "sip:bob@example.com", "sip:carol@example.com"]);
    let asked = fake.asked();
    assert_eq!(asked[0].what, "GET /api/v1/aors?transport=tcp");
    assert_eq!(values(&["list", "--socket", &fake.socket, "--limit", "2"]).len(), 2);
}

#[test]
fn show_and_why_tell_of_one_address() {
    let fake = Fake::start();
    let text = good(&["show", "alice@example.com", "--socket", &fake.socket]);
    for wanted in [
        "sip:alice@example.com\n",
        "in 50 min, at 2026-11-24 04:00:00 UTC",
        "through a NAT",
        "0-12-1, and ends with it",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let text = good(&["why", "sip:alice@example.com", "--socket", &fake.socket]);
    for wanted in [
        "by one of two bindings",
        "wrong-password: Set the password anew.",
        "401 wrong-password  from 198.51.100.4:5060 over udp  17 times",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(values(&["why", "alice@example.com", "--socket", &fake.socket])[0]["outcomes"][0]["count"], 17);
    assert_eq!(values(&["show", "alice@example.com", "--socket", &fake.socket])[0]["bindings"][0]["flow"], "0-12-1");
}

#[test]
fn remove_kick_and_drain_act() {
    let fake = Fake::start();
    let socket = ["--socket", &fake.socket];
    let with = |args: &[&'static str]| [args, &socket].concat();
    let text = good(&with(&["remove", "alice@example.com", "<sip:alice@192.0.2.7>"]));
    assert_eq!(text, "removed <sip:alice@192.0.2.7:5060>\nsip:alice@example.com has 1 binding left\n");
    assert_eq!(good(&with(&["kick", "alice@example.com"])), "ended 0-12-1\n");
    assert_eq!(values(&with(&["kick", "0-12-1"])), [serde_json::json!({"kicked": ["0-12-1"]})]);
    good(&with(&["drain"]));
    let aor = "/api/v1/aors/sip%3Aalice%40example.com";
    let wanted = [
        format!("DELETE {aor}/bindings?contact=%3Csip%3Aalice%40192.0.2.7%3E"),
        format!("GET {aor}"),
        "DELETE /api/v1/flows/0-12-1".to_owned(),
        "DELETE /api/v1/flows/0-12-1".to_owned(),
        "POST /api/v1/drain".to_owned(),
    ];
    assert_eq!(fake.paths(), wanted);
}

#[test]
fn what_is_not_there_has_a_code_of_its_own() {
    let fake = Fake::start();
    for args in
        [["show", "bob@example.com"], ["why", "bob@example.com"], ["kick", "9-9-9"], ["remove", "bob@example.com"]]
    {
        let finished = run(&[&args[..], &["--socket", &fake.socket]].concat());
        assert_eq!((finished.code, finished.out.as_str()), (Some(67), ""), "{finished:?}");
        assert_eq!(finished.err, "error: nobody is registered there\\x1b[2J\n");
    }
}

#[test]
fn a_token_goes_with_a_url_and_is_asked_for() {
    let fake = Fake::start();
    let url = format!("http://{}", fake.tcp());
    let file = fake.room.file("token", " open-sesame\n");
    good(&["status", "--url", &url, "--token-file", &file]);
    assert!(fake.asked()[0].rest.contains("authorization: Bearer open-sesame\r\n"));
    let denied = run_as(&["status", "--url", &url], |command| {
        command.env("REGISTRAR_TOKEN", "wrong");
    });
    assert_eq!(denied.code, Some(77), "{denied:?}");
    assert!(denied.err.contains("--token-file FILE or REGISTRAR_TOKEN"), "{denied:?}");
    let other = run_as(&["status", "--url", &url], |command| {
        command.env("REGISTRAR_TOKEN", "other");
    });
    assert_eq!(other.code, Some(76), "{other:?}");
    assert!(other.err.contains("of one version?"), "{other:?}");
}

#[test]
fn the_configuration_or_the_directory_of_the_table_say_where_the_api_is() {
    let fake = Fake::start();
    let url = fake.tcp().to_string();
    let bare = "[users]\nfile = 'nobody may read this'\n";
    let files = [
        "[admin]\nlisten = 'unix:admin.sock'\n".to_owned(),
        "[admin]\nlisten = ['127.0.0.1:1', 'unix:admin.sock']\n".to_owned(),
        "[location]\ndirectory = '.'\n[admin]\n".to_owned(),
        format!(
            "[admin]\nlisten = '{url}'\ntokens = [{{ token = 'r', scope = 'read' }}, {{ token = 'w', scope = 'write' }}]\n"
        ),
    ];
    for text in files {
        let file = fake.room.file("registrar.toml", &format!("{text}{bare}"));
        good(&["status", "--config", &file]);
    }
    assert!(fake.asked()[3].rest.contains("authorization: Bearer w\r\n"));
    let in_state = run_as(&["status"], |command| {
        command.env(Room::STATE, fake.room.path(""));
    });
    assert_eq!(in_state.code, Some(0), "{in_state:?}");
    let file = fake.room.file("registrar.toml", bare);
    let without = run(&["status", "--config", &file]);
    assert_eq!(without.code, Some(64), "{without:?}");
    assert!(without.err.contains("it has no [admin]"), "{without:?}");
}

#[test]
fn where_nobody_answers_it_says_what_to_do() {
    let room = Room::new();
    let nobody = run(&["status", "--socket", &room.path("admin.sock")]);
    assert_eq!(nobody.code, Some(69), "{nobody:?}");
    assert!(nobody.err.contains("is the registrar running, and does its file have [admin]?"), "{nobody:?}");
    let nobody = run(&["status", "--url", "http://127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(69), "{nobody:?}");
    assert!(nobody.err.contains("is it in [admin] listen"), "{nobody:?}");
    let wrong = run(&["status", "--url", "https://127.0.0.1:1"]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    let both = run(&["status", "--url", "http://127.0.0.1:1", "--socket", "x"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}
