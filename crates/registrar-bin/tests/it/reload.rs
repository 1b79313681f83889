//! Settings that change while phones register.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

mod access;
mod listeners;

use nix::sys::signal::Signal;

use crate::harness::{Answer, Challenge, PATIENCE, Phone, Process, Registrar, Request, Room, command};

/// A registrar with an API, and its configuration, which can be written anew.
struct Place {
    registrar: Registrar,
    room: Room,
}

const ALWAYS: &str = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0']\nlocation.mode = 'memory'\n\
                      admin.listen = 'unix:admin.sock'\n";

impl Place {
    fn start(settings: &str) -> Self {
        let room = Room::new();
        let file = room.file("registrar.toml", &format!("{ALWAYS}{settings}"));
        let mut registrar = Registrar::run(&["serve", "--config", &file]);
        registrar.wait_for("  api ");
        Self { registrar, room }
    }

    fn write(&self, settings: &str) {
        self.write_all(&format!("{ALWAYS}{settings}"));
    }

    fn write_all(&self, text: &str) {
        self.room.file("registrar.toml", text);
    }

    /// Reads it again, and expects that all goes well.
    fn reload(&self) -> String {
        let (code, out, err) = self.ask("reload");
        assert_eq!(code, Some(0), "{err}");
        out
    }

    /// What `registrar` says to this, its exit code before it.
    fn ask(&self, what: &str) -> (Option<i32>, String, String) {
        let mut asked: Command = command();
        let finished = Process::start(asked.args([what, "--socket", &self.room.path("admin.sock")])).finish();
        (finished.code, finished.out.clone(), finished.err.clone())
    }
}

fn register(user: &str, domain: &str) -> Request {
    lasting(user, domain, 120)
}

fn lasting(user: &str, domain: &str, seconds: u32) -> Request {
    Request::register(&format!("sip:{user}@{domain}")).contact(&format!("<sip:{user}@192.0.2.7>")).expires(seconds)
}

/// Becomes true when the test ends, in whatever way.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn explain_says_what_holds_for_a_domain_and_where_that_is_from() {
    let room = Room::new();
    room.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let text = format!(
        "{ALWAYS}domains = ['example.com', '*.example.org']\nregistrar.max_contacts = 3\nusers.file = 'users.toml'\n\
         [auth]\nrealm = 'here'\nqop = ['auth']\n[auth.domain.'*.example.org']\nrealm = 'there'\n"
    );
    let file = room.file("registrar.toml", &text);
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    let place = Place { registrar, room };
    let explain = |domain: &str| {
        let mut asked = command();
        let finished =
            Process::start(asked.args(["explain", domain, "--socket", &place.room.path("admin.sock")])).finish();
        (finished.code, finished.out.clone(), finished.err.clone())
    };
    let has = |out: &str, row: &[&str]| {
        let rows = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(
            rows.into_iter().any(|words| words.starts_with(&row[..2]) && words[2].ends_with(row[2])),
            "{row:?} {out}"
        );
    };
    let (code, out, err) = explain("EXAMPLE.com");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("domain example.com\n") && !out.contains("there"), "{out}");
    has(&out, &["registrar.max_contacts", "3", "registrar.toml:5"]);
    has(&out, &["registrar.min_expires", "30", "default"]);
    has(&out, &["auth.realm", "\"here\"", "registrar.toml:8"]);
    let (_, out, _) = explain("sip.example.org");
    assert!(out.starts_with("domain *.example.org\n"), "{out}");
    has(&out, &["auth.realm", "\"there\"", "registrar.toml:11"]);
    has(&out, &["auth.qop", "[\"auth\"]", "registrar.toml:9"]);
    has(&out, &["auth.userhash", "false", "default"]);
    let (code, _, err) = explain("example.net");
    assert!(code == Some(67) && err.contains("example.net is not served"), "{err}");
    place.registrar.stop();
}

/// Asks until it is answered so: workers take up new settings a tick later.
fn wait_for_status(registrar: SocketAddr, request: &Request, status: u16) {
    let deadline = Instant::now() + PATIENCE;
    let mut phone = Phone::udp(registrar);
    loop {
        let answer = phone.ask(request);
        if answer.status() == status {
            return;
        }
        assert!(Instant::now() < deadline, "{}", answer.text());
    }
}

#[test]
fn domains_and_limits_change_while_phones_register_and_nobody_is_refused() {
    let mut place = Place::start("domains = ['example.com']\n");
    let (udp, tcp) = (place.registrar.udp(), place.registrar.tcp());
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (n, mut phone) in [Phone::udp(udp), Phone::tcp(tcp)].into_iter().enumerate() {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || {
                let request = register(&format!("phone{n}"), "example.com");
                while !stop.load(Ordering::Relaxed) {
                    let answer = phone.ask(&request);
                    assert_eq!(answer.status(), 200, "{}", answer.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&stop);
        assert_eq!(Phone::udp(udp).ask(&register("alice", "example.org")).status(), 404);
        for _ in 0..5 {
            place.write("domains = ['example.com', 'example.org']\nregistrar.min_expires = 100\n");
            place.registrar.signal(Signal::SIGHUP);
            wait_for_status(udp, &register("alice", "example.org"), 200);
            wait_for_status(udp, &lasting("alice", "example.com", 60), 423);
            place.write("domains = ['example.com']\n");
            place.registrar.signal(Signal::SIGHUP);
            wait_for_status(udp, &register("alice", "example.org"), 404);
            wait_for_status(udp, &lasting("alice", "example.com", 60), 200);
        }
    });
    assert!(answered.load(Ordering::Relaxed) > 10);
    // What registered before is there after.
    assert_eq!(Phone::udp(udp).ask(&Request::register("sip:phone0@example.com")).contacts().len(), 1);
    place.registrar.wait_for("changed=\"domains registrar.min_expires\"");
    place.registrar.stop();
}

#[test]
fn a_wrong_file_changes_nothing_and_every_problem_is_told_with_its_line() {
    let mut place = Place::start("domains = ['example.com']\n");
    place.write("domains = ['example.org']\nregistrar.max_expires = 0\nregistrar.mini_expires = 7\n");
    let (code, out, err) = place.ask("reload");
    assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
    assert!(err.contains("registrar.toml:5: ") && err.contains("registrar.toml:6: "), "{err}");
    assert!(err.contains("everything stays as it was"), "{err}");
    place.registrar.signal(Signal::SIGHUP);
    place.registrar.wait_for("registrar.toml:5: ");
    place.registrar.wait_for("the configuration was not taken");
    let mut phone = Phone::udp(place.registrar.udp());
    assert_eq!(phone.ask(&register("alice", "example.org")).status(), 404);
    assert_eq!(phone.ask(&register("alice", "example.com")).status(), 200);
    // Neither is a file taken that names one that is not there.
    place.write("domains = ['example.org']\nusers.file = 'nobody.toml'\n");
    let (code, _, err) = place.ask("reload");
    assert!(code == Some(64) && err.contains("nobody.toml"), "{err}");
    assert_eq!(phone.ask(&register("alice", "example.org")).status(), 404);
    place.registrar.stop();
}

#[test]
fn what_needs_a_restart_is_said_by_name_and_the_rest_is_in_force() {
    let place = Place::start("");
    place.write("workers = 3\nflows.ping = 50\nregistrar.redirect = true\nlog.level = 'debug'\n");
    let (code, out, err) = place.ask("reload");
    assert_eq!(code, Some(0), "{err}");
    let wanted = "in force: log.level\nin force: registrar.redirect\n\
                  needs a restart: workers\nneeds a restart: flows.ping\n";
    assert_eq!(out, wanted);
    let call = Request::new("INVITE", "sip:alice@example.com", "sip:alice@example.com");
    wait_for_status(place.registrar.udp(), &call, 480);
    let (_, again, _) = place.ask("reload");
    assert_eq!(again, "needs a restart: workers\nneeds a restart: flows.ping\n");
    place.registrar.stop();
}

#[test]
fn a_challenge_from_before_may_be_answered_after() {
    let users = "users.file = 'users.toml'\n";
    let room = Room::new();
    room.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let file = room.file("registrar.toml", &format!("{ALWAYS}domains = ['example.com']\n{users}"));
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    let place = Place { registrar, room };
    let mut phone = Phone::udp(place.registrar.udp());
    let request = register("alice", "example.com");
    let challenge = Challenge::of(&phone.ask(&request));
    place.write(&format!("domains = ['example.com', 'example.org']\n{users}"));
    assert!(place.ask("reload").1.starts_with("in force: domains\n"));
    wait_for_status(place.registrar.udp(), &register("bob", "example.org"), 401);
    let proven = request.next().with(&Answer::of("alice").to(&challenge).header());
    assert_eq!(phone.ask(&proven).status(), 200);
    place.registrar.stop();
}

#[test]
fn explain_says_what_is_in_force_and_where_it_is_from() {
    let room = Room::new();
    room.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let text =
        format!("{ALWAYS}domains = ['example.com']\n[registrar]\nmax_expires = 300\n[users]\nfile = 'users.toml'\n");
    let file = room.file("registrar.toml", &text);
    let mut registrar = Registrar::run(&["serve", "--config", &file, "--log", "debug"]);
    registrar.wait_for("  api ");
    let place = Place { registrar, room };
    let (code, out, err) = place.ask("explain");
    assert_eq!(code, Some(0), "{err}");
    let row = |key: &str| {
        let line =
            out.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap_or_else(|| panic!("{out}"));
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert!(
        row("registrar.max_expires").starts_with("300 ") && row("registrar.max_expires").ends_with(":6 reload"),
        "{out}"
    );
    assert_eq!(row("registrar.min_expires"), "30 default reload");
    assert_eq!(row("log.level"), "\"debug\" --log reload");
    assert!(row("users").ends_with(":7 reload"), "{out}");
    assert!(out.contains("domain example.com") && row("auth.realm").starts_with("the domain itself default"), "{out}");
    assert!(!out.contains("secret"), "{out}");
    place.registrar.stop();
}
