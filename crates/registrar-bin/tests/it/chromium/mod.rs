//! Browsers: JsSIP and SIP.js in a headless Chromium, judged by what they write to its console.

mod origins;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Room, contacts_of, wait_until_contacts};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/browser");
const ALICE: &str = "sip:alice@example.com";
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/chromium");

struct Browser {
    process: Process,
    _room: Room,
}

impl Browser {
    /// Opens `page`, which has `library` beside it, as a phone of alice at `server`; `more` is for its query.
    fn open(page: &str, library: &str, server: &str, more: &str) -> Self {
        let room = Room::new();
        for (folder, file) in [(PAGES, page), (DATA, library)] {
            room.file(file, &std::fs::read_to_string(Path::new(folder).join(file)).unwrap());
        }
        let url = format!("file://{}?server={server}&address=alice@example.com&password=secret{more}", room.path(page));
        Self::in_room(room, &url)
    }

    /// Opens the page at this address.
    fn at(url: &str) -> Self {
        Self::in_room(Room::new(), url)
    }

    fn in_room(room: Room, url: &str) -> Self {
        let process = Process::start(
            Command::new("chromium")
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
                // Nothing but the registrar is asked for anything.
                .args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"])
                .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ::1"])
                .args(["--ignore-certificate-errors", "--enable-logging=stderr"])
                .args([&format!("--user-data-dir={}", room.path("profile")), url])
                // What it leaves behind when it is killed goes with the room.
                .env("TMPDIR", room.path("")),
        );
        Self { process, _room: room }
    }

    /// Ends it without a word to anybody.
    fn kill(self) {
        self.process.signal(Signal::SIGKILL);
        self.process.finish();
    }
}

/// A registrar with legs for browsers over both versions of IP.
fn registrar() -> (Registrar, Room) {
    let room = Room::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    room.file("own.pem", &made.cert.pem());
    room.file("own.key", &made.signing_key.serialize_pem());
    let settings = "listen = ['udp:127.0.0.1:0', 'ws:127.0.0.1:0', 'wss:127.0.0.1:0', 'ws:[::1]:0', 'wss:[::1]:0']\n\
                    [tls]\ncertificates = { chain = 'own.pem', key = 'own.key' }\n\
                    [registrar]\nredirect = true\n[flows]\ngrace = 1\n";
    let file = room.file("registrar.toml", settings);
    (Registrar::run(&["serve", "--config", &file]), room)
}

/// What a page is told of one of those legs.
fn server(registrar: &Registrar, leg: usize) -> String {
    let scheme = if leg % 2 == 1 { "ws" } else { "wss" };
    format!("{scheme}://{}", registrar.legs()[leg].addr)
}

/// A page registers; its end, without a word, is the end of its binding.
fn lives_and_dies(page: &str, library: &str, leg: usize) {
    let (registrar, _room) = registrar();
    let server = server(&registrar, leg);
    let mut browser = Browser::open(page, library, &server, "");
    browser.process.wait_for("\"connected");
    let said = browser.process.wait_for("\"registered ");
    assert!(said.contains(".invalid") && said.contains("of 1"), "{said}");
    let call = || Phone::udp(registrar.udp()).ask(&Request::new("INVITE", ALICE, ALICE)).status();
    assert_eq!(call(), 302);
    browser.kill();
    let mut told = 302;
    for _ in 0..100_000 {
        let status = call();
        assert!(status == told || told == 302, "{told} and then {status}");
        told = status;
        if told == 480 {
            break;
        }
    }
    assert_eq!(told, 480);
    wait_until_contacts(registrar.udp(), ALICE, <[_]>::is_empty);
    registrar.stop();
}

#[test]
fn jssip_registers_over_websocket() {
    lives_and_dies("jssip.html", "jssip-3.13.8.min.js", 1);
}

#[test]
fn jssip_registers_over_secure_websocket_and_ipv6() {
    lives_and_dies("jssip.html", "jssip-3.13.8.min.js", 4);
}

#[test]
fn sip_js_registers_over_secure_websocket() {
    lives_and_dies("sip_js.html", "sip-0.21.2.min.js", 2);
}

#[test]
fn sip_js_registers_over_websocket_and_ipv6() {
    lives_and_dies("sip_js.html", "sip-0.21.2.min.js", 3);
}

/// A page registers and is loaded again. Its contact is another then: callers are sent to the first, perhaps to nobody,
/// and to the second, and to a contact never again once they have not been sent there.
fn is_loaded_again(page: &str, library: &str, leg: usize, more: &str) {
    let (registrar, _room) = registrar();
    let mut browser = Browser::open(page, library, &server(&registrar, leg), &format!("&reload=1{more}"));
    let contact = |said: &str| said.split(' ').find(|word| word.starts_with("sip:")).unwrap().to_owned();
    let first = contact(&browser.process.wait_for("\"registered "));
    let (mut answers, mut told) = (0, Vec::new());
    let deadline = Instant::now() + PATIENCE;
    // Until they have been sent to the second alone, and long enough for the first to be removed.
    let mut alone_since = None;
    while alone_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_millis(1500)) {
        assert!(Instant::now() < deadline, "{first} and then {told:?}");
        let answer = Phone::udp(registrar.udp()).ask(&Request::new("INVITE", ALICE, ALICE));
        let now = if answer.status() == 480 { Vec::new() } else { answer.contacts() };
        answers += 1;
        assert!(now.len() <= 2, "{now:?}");
        let sent_there = |contacts: &[String]| contacts.iter().any(|contact| contact.contains(&first));
        assert!(answers == 1 || sent_there(&told) || !sent_there(&now), "{told:?} and then {now:?}");
        let alone = now.len() == 1 && !sent_there(&now);
        assert!(alone || alone_since.is_none(), "{told:?} and then {now:?}");
        alone_since = alone_since.or(alone.then(Instant::now));
        told = now;
    }
    let second = contact(&browser.process.wait_for("\"registered "));
    assert!(first != second && told[0].contains(&second), "{first}, {second}: {told:?}");
    assert_eq!(contacts_of(registrar.udp(), ALICE).len(), 1);
    browser.kill();
    registrar.stop();
}

/// It says that it is the same phone (RFC 5626).
#[test]
fn jssip_loaded_again_is_reached_where_it_is_now() {
    is_loaded_again("jssip.html", "jssip-3.13.8.min.js", 1, "&instance=2f1a7d3e-6a53-4b7e-9f0c-1c1f8a4f9f10");
}

/// It is another phone, for all that it says.
#[test]
fn sip_js_loaded_again_is_reached_where_it_is_now() {
    is_loaded_again("sip_js.html", "sip-0.21.2.min.js", 2, "");
}
