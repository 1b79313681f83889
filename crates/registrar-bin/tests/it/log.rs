//! What it logs, and what strangers cannot make it log.

use std::io::Read;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::harness::{Answer, Challenge, Phone, Process, Registrar, Request, Room, command};

#[test]
fn a_refusal_is_logged_with_its_reason_and_who_was_refused() {
    let registrar = Registrar::start();
    let mut phone = Phone::udp(registrar.udp());
    let brief = Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>").expires(5);
    assert_eq!(phone.ask(&brief.with("User-Agent: Desk 1.0")).status(), 423);
    let from = phone.local();
    let log = registrar.stop().err;
    let line = log.lines().find(|line| line.contains("reason=")).unwrap();
    for part in [
        " INFO ",
        "reason=\"interval-too-brief\"",
        "status=423",
        "method=\"REGISTER\"",
        "to=\"<sip:alice@example.com>\"",
        "contact=\"<sip:alice@127.0.0.1:7777>\"",
        &format!("source={from}"),
        "transport=\"UDP\"",
        "user_agent=\"Desk 1.0\"",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
}

#[test]
fn what_succeeds_is_logged_only_where_it_is_asked_for() {
    for (level, lines) in [("info", 0), ("debug", 1), ("sip_transport=debug,registrar=debug", 1), ("error", 0)] {
        let registrar = Registrar::run(&["--listen", "udp:127.0.0.1:0", "--log", level]);
        let register = Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>");
        assert_eq!(Phone::udp(registrar.udp()).ask(&register).status(), 200);
        let log = registrar.stop().err;
        assert_eq!(log.matches("reason=\"registered\"").count(), lines, "{level}: {log}");
    }
}

#[test]
fn messages_are_logged_where_that_is_wanted_and_without_secrets() {
    let room = Room::new();
    room.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let text =
        "listen = ['udp:127.0.0.1:0']\nlocation.mode = 'memory'\nusers.file = 'users.toml'\nlog.format = 'json'\n";
    let file = room.file("registrar.toml", &format!("{text}log.sip_of = 'alice@example.com'\n"));
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    let mut phone = Phone::udp(registrar.udp());
    let bob = Request::register("sip:bob@example.com").contact("<sip:bob@192.0.2.7>");
    assert_eq!(phone.ask(&bob).status(), 401);
    let alice = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
    let challenge = Challenge::of(&phone.ask(&alice));
    let proof = Answer::of("alice").to(&challenge).header();
    let answer = phone.ask(&alice.again().with(&proof));
    assert_eq!(answer.status(), 200);
    // No more of them.
    room.file("registrar.toml", text);
    registrar.signal(Signal::SIGHUP);
    registrar.wait_for("configuration read again");
    assert_eq!(phone.ask(&alice.again().again()).status(), 401);
    let log = registrar.stop().err;
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let messages: Vec<_> = lines.filter(|line| line["message"] == "SIP message").collect();
    let [asked, proven] = &messages[..] else { panic!("{log}") };
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
    assert!(text(asked, "request").contains("To: <sip:alice@example.com>\n"), "{log}");
    assert!(text(asked, "answer").starts_with("SIP/2.0 401 ") && text(asked, "reason") == "no-credentials", "{log}");
    assert!(text(proven, "answer").contains("Contact: <sip:alice@192.0.2.7>"), "{log}");
    assert!(text(proven, "request").contains("username=\"alice\""), "{log}");
    assert_eq!(text(proven, "source"), phone.local().to_string());
    let response = proof.split("response=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!log.contains(&challenge.nonce) && !log.contains(response), "{log}");
}

#[test]
fn messages_are_sampled_and_a_flood_of_them_is_not_logged() {
    let registrar = Registrar::configured("log.sip_every = 2\nlocation.mode = 'memory'\n");
    let mut phone = Phone::udp(registrar.udp());
    let request = Request::register("sip:alice@example.com").contact("<sip:alice:open-sesame@192.0.2.7>");
    for _ in 0..10 {
        assert_eq!(phone.ask(&request.again()).status(), 200);
    }
    let log = registrar.stop().err;
    assert_eq!(log.matches("SIP message").count(), 5, "{log}");
    // A line for each, with what is in it escaped.
    assert_eq!(log.lines().filter(|line| line.contains("\\nCSeq: ")).count(), 5, "{log}");
    assert!(log.contains("sip:alice:***@192.0.2.7") && !log.contains("open-sesame"), "{log}");
}

/// Values that would like to be something else in a log: a line, a field, a command to the terminal.
const FORGERIES: [&str; 8] = [
    "x\nINFO forged",
    "x\rINFO forged",
    "x\x1b[2J\x1b]0;forged\x07",
    "x\0forged",
    "x\" reason=\"forged\" y=\"",
    "x\",\"reason\":\"forged\",\"y\":\"",
    "x\\\" reason=\"forged\\",
    "x\u{85}\u{2028}\u{202e}forged",
];

/// Sends each of them in each header that is logged; returns how many requests that were, and the log.
fn log_of_forgeries(format: &str) -> (usize, String) {
    let registrar = Registrar::configured(&format!("[log]\nlevel = 'debug'\nformat = '{format}'"));
    let mut phone = Phone::udp(registrar.udp());
    let mut sent = 0;
    for forgery in FORGERIES {
        for header in ["User-Agent", "Contact", "To", "Call-ID"] {
            let request = Request::register("sip:alice@example.com").with(&format!("User-Agent: {forgery}"));
            let text = phone.text(&request.expires(5));
            let text = match header {
                "User-Agent" => text,
                "Contact" => text.replace("User-Agent:", "Contact: <sip:alice@127.0.0.1>;x="),
                "To" => text.replace("To: <", &format!("To: {forgery} <")),
                _ => text.replace("Call-ID: ", &format!("Call-ID: {forgery}")),
            };
            phone.send(text.as_bytes());
            sent += 1;
        }
    }
    // Their answers come before this one's, as far as they are answered.
    let last = Request::register("sip:last@example.com");
    phone.send(phone.text(&last).as_bytes());
    while phone.receive().header("Call-ID") != last.call_id {}
    (sent, registrar.stop().err)
}

#[test]
fn no_header_can_forge_a_line_or_a_field_of_the_text_log() {
    let (sent, log) = log_of_forgeries("text");
    assert!(log.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{log:?}");
    let mut outcomes = 0;
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 27 && time.ends_with('Z'), "{line}");
        assert!(["INFO ", "DEBUG ", "WARN "].iter().any(|level| rest.trim_start().starts_with(level)), "{line}");
        // Outside of quotes nothing is forged.
        let (mut quoted, mut escaped, mut bare) = (false, false, String::new());
        for letter in line.chars() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if !quoted => bare.push(letter),
                _ => {}
            }
        }
        assert!(!quoted && !bare.contains("forged"), "{line}");
        outcomes += bare.matches("reason=").count();
    }
    assert_eq!(outcomes, sent + 1, "{log}");
}

#[test]
fn no_header_can_forge_a_line_or_a_field_of_the_json_log() {
    let (sent, log) = log_of_forgeries("json");
    assert!(log.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{log:?}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reasons: Vec<_> = lines.iter().filter_map(|line| line.get("reason")).collect();
    assert_eq!(reasons.len(), sent + 1, "{log}");
    assert!(reasons.iter().all(|reason| *reason != "forged"), "{log}");
    assert_eq!(log.matches("\"reason\":").count(), reasons.len(), "{log}");
}

/// A REGISTER that is refused and makes a long line.
fn refused() -> Request {
    let long = "x".repeat(120);
    let request = Request::register(&format!("sip:{long}@example.com")).expires(5);
    request.contact(&format!("<sip:{long}@127.0.0.1>")).with(&format!("User-Agent: {long}"))
}

#[test]
fn a_reader_of_the_log_that_stands_still_does_not_hold_up_phones() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let registrar = Registrar::from_process(Process::start_with_outputs(
        command().args(["--listen", "udp:127.0.0.1:0"]).stdout(Stdio::piped()).stderr(writer),
    ));
    let mut phone = Phone::udp(registrar.udp());
    // Far more than the 64 KB that a pipe holds.
    for _ in 0..500 {
        assert_eq!(phone.ask(&refused()).status(), 423);
    }
    registrar.signal(Signal::SIGTERM);
    assert_eq!(registrar.finish().code, Some(0));
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    assert!(log.len() > 50_000 && log.contains("interval-too-brief"), "{} bytes", log.len());
}

#[test]
fn a_log_that_nobody_reads_any_more_costs_no_answer() {
    let (reader, writer) = std::io::pipe().unwrap();
    let registrar = Registrar::from_process(Process::start_with_outputs(
        command().args(["--listen", "udp:127.0.0.1:0"]).stdout(Stdio::piped()).stderr(writer),
    ));
    drop(reader);
    let mut phone = Phone::udp(registrar.udp());
    for _ in 0..10 {
        assert_eq!(phone.ask(&refused()).status(), 423);
    }
    registrar.stop();
}

#[test]
fn what_a_throttle_drops_is_shown_at_the_end() {
    let registrar = Registrar::configured("[throttle]\nper_source = 1\nsource_burst = 1");
    let mut phone = Phone::udp(registrar.udp());
    let register = Request::register("sip:alice@example.com");
    assert_eq!(phone.ask(&register).status(), 200);
    for _ in 0..5 {
        let text = phone.text(&register.next());
        phone.send(text.as_bytes());
    }
    let log = registrar.stop().err;
    assert!(log.contains("throttled=5") && log.contains("datagrams_received=6"), "{log}");
}
