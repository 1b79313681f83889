//! What docs/admin.md shows is true.

use super::http::Api;
use crate::harness::{Phone, Process, Registrar, Request, Room, command};

const DOCUMENT: &str = include_str!("../../../../../docs/admin.md");

/// The text of the first block in this language.
fn block(language: &str) -> &'static str {
    let (_, from) = DOCUMENT.split_once(&format!("```{language}\n")).expect("such a block");
    from.split_once("```").expect("its end").0
}

/// The words of a line, as a shell divides it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn its_configuration_and_every_command_line_do_what_they_say() {
    let room = Room::new();
    room.file("token", "write-token-0123456789\n");
    let settings = block("toml").replace("127.0.0.1:8060", "127.0.0.1:0");
    let text = format!("listen = ['udp:127.0.0.1:0']\nlocation.mode = 'memory'\n{settings}");
    let mut registrar = Registrar::run(&["serve", "--config", &room.file("registrar.toml", &text)]);
    let line = registrar.wait_for("  api ");
    let tcp = Api::Tcp(line.rsplit_once("http://").unwrap().1.parse().unwrap());
    let lines: Vec<_> = block("sh").lines().collect();
    assert!(lines.len() > 4, "{lines:?}");
    for line in lines {
        let request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
        assert_eq!(Phone::udp(registrar.udp()).ask(&request).status(), 200);
        let (mut api, mut method, mut headers, mut path) = (tcp.clone(), "GET".to_owned(), Vec::new(), None);
        let mut words = words(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"), "{line}");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--unix-socket" => api = Api::Unix(room.path(&words.next().unwrap())),
                "-H" => headers.push(words.next().unwrap()),
                "-X" => method = words.next().unwrap(),
                url => path = Some(url[url.find("/api").or(url.find("/metrics")).unwrap()..].to_owned()),
            }
        }
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let answered = api.ask(&method, &path.unwrap(), &headers);
        assert_eq!(answered.status, 200, "{line}: {answered:?}");
        let tells =
            ["alice", "serving", "registrar_location_bindings 1\n"].iter().any(|part| answered.body.contains(part));
        assert!(tells, "{line}: {answered:?}");
    }
}

#[test]
fn its_webhook_is_one() {
    let room = Room::new();
    room.file("webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let (_, from) = DOCUMENT.split_once("```toml\n[[admin.webhook]]").expect("such a block");
    let hook = from.split_once("```").expect("its end").0;
    let file = room.file("registrar.toml", &format!("[[admin.webhook]]{hook}"));
    let finished = Process::start(command().args(["check", "--config", &file])).finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
