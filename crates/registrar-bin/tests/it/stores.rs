//! Users in a database or behind a web service, asked for by the running registrar. How each database behaves, stopped
//! and started again, is tested in credentials-remote.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::harness::{Answer, Challenge, PATIENCE, Phone, Registrar, Request, Response, Room, command};

/// Registers a contact for a user of example.com, who answers the challenge.
fn register(registrar: &Registrar, answer: &Answer) -> Response {
    let mut phone = Phone::udp(registrar.udp());
    let aor = format!("sip:{}@example.com", answer.username);
    let request = Request::register(&aor).contact("<sip:phone@127.0.0.1:7777>").expires(60);
    let challenge = Challenge::of(&phone.ask(&request));
    let next = Request { more: request.more.clone(), ..request.next() };
    phone.ask(&next.with(&answer.to(&challenge).header()))
}

fn status(registrar: &Registrar, name: &str) -> u16 {
    register(registrar, &Answer::of(name)).status()
}

#[test]
fn kamailios_subscribers_register_as_they_stand() {
    let room = Room::new();
    let database = room.path("subscriber.db");
    fs::write(&database, include_bytes!("golden/subscriber.db")).unwrap();
    let settings = format!("domains = 'example.com'\n[users.sql]\nurl = 'sqlite:{database}'");
    let registrar = Registrar::configured(&settings);
    // alice has only hashes there, bob only a password.
    for name in ["alice", "bob"] {
        assert_eq!(status(&registrar, name), 200, "{name}");
        let wrong = Answer { password: "guess".to_owned(), ..Answer::of(name) };
        assert_eq!(register(&registrar, &wrong).status(), 401, "{name}");
    }
    assert_eq!(status(&registrar, "carol"), 401);
    let whole = Answer { username: "alice@example.com".to_owned(), ..Answer::of("alice") };
    let mut phone = Phone::udp(registrar.udp());
    let request = Request::register("sip:alice@example.com");
    let challenge = Challenge::of(&phone.ask(&request));
    assert_eq!(phone.ask(&request.next().with(&whole.to(&challenge).header())).status(), 200);
    let finished = registrar.stop();
    assert!(finished.err.contains("users_answered=3"), "{}", finished.err);
}

#[test]
fn a_store_that_is_asked_wrongly_keeps_it_from_starting_and_one_that_is_down_does_not() {
    let room = Room::new();
    let database = room.path("subscriber.db");
    fs::write(&database, include_bytes!("golden/subscriber.db")).unwrap();
    let wrong = "query = 'SELECT shoe_size, ha1 FROM subscriber WHERE username = {username}'";
    let config = room.file("wrong.toml", &format!("[users.sql]\nurl = 'sqlite:{database}'\n{wrong}\n"));
    for subcommand in ["check", "serve"] {
        let finished = crate::harness::Process::start(command().args([subcommand, "--config", &config])).finish();
        assert_eq!(finished.code, Some(64), "{finished:?}");
        assert!(finished.err.contains("shoe_size"), "{finished:?}");
    }
    let config = room.file("down.toml", "[users.sql]\nurl = 'sqlite:/does/not/exist.db'\n");
    let finished = crate::harness::Process::start(command().args(["check", "--config", &config])).finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.err.contains("the store of users does not answer now"), "{finished:?}");
}

#[test]
fn while_the_store_is_down_known_users_go_on_and_others_are_told_when_to_come_again() {
    let service = Service::start(0);
    let url = format!("http://{}/{{domain}}/{{username}}", service.address);
    let mut registrar = Registrar::configured(&format!(
        "domains = 'example.com'\n[users.http]\nurl = '{url}'\nbearer = 'token'\nfailures = 1\nopen = 1\nnegative = 0\n"
    ));
    assert_eq!(status(&registrar, "alice"), 200);
    assert_eq!(status(&registrar, "alice"), 200);
    assert_eq!(service.asked(), 1, "what is remembered is not asked for again");
    assert_eq!(status(&registrar, "nobody"), 401);

    let port = service.stop();
    assert_eq!(status(&registrar, "alice"), 200);
    let response = register(&registrar, &Answer::of("bob"));
    assert_eq!(response.status(), 503);
    assert!((1..=3).contains(&response.header("Retry-After").parse::<u32>().unwrap()), "{}", response.text());
    registrar.wait_for("the store of users is down");
    // Those it knew before are known even if they shall be looked up again.
    registrar.signal(Signal::SIGHUP);
    registrar.wait_for("users are asked for again");
    assert_eq!(status(&registrar, "alice"), 200);

    let service = Service::start(port);
    let deadline = Instant::now() + PATIENCE;
    while status(&registrar, "bob") != 200 {
        assert!(Instant::now() < deadline, "it does not come back");
    }
    registrar.wait_for("the store of users answers again");
    assert_eq!(status(&registrar, "alice"), 200);
    assert!(service.asked() >= 2);
    service.stop();
    let finished = registrar.stop();
    assert!(finished.err.contains("users_stale=1") && finished.err.contains("users_unavailable="), "{}", finished.err);
    assert!(!finished.err.contains("token") && !finished.err.contains("secret-of"), "{}", finished.err);
}

/// A web service that knows the users of example.com.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Service {
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (asked.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                answer(stream.unwrap(), &count);
            }
        });
        Self { address, asked, ends, thread }
    }

    /// How often it was asked for a user whom it has.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Ends it, and gives the port on which it was.
    pub(crate) fn stop(self) -> u16 {
        self.ends.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address).unwrap());
        self.thread.join().unwrap();
        self.address.port()
    }
}

/// One answer for each connection.
fn answer(mut stream: TcpStream, asked: &AtomicUsize) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let lines = BufReader::new(&stream).lines().map(|line| line.unwrap_or_default());
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let Some(first) = head.first() else { return };
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer token")), "{head:?}");
    let name = first.strip_prefix("GET /example.com/").and_then(|rest| rest.split(' ').next()).unwrap();
    let (status, body) = match name {
        "alice" | "bob" => {
            asked.fetch_add(1, Ordering::SeqCst);
            ("200 OK", format!("{{\"password\": \"secret-of-{name}\"}}"))
        }
        _ => ("404 Not Found", String::new()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
}
