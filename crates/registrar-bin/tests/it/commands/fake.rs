//! An API whose answers are known: what the commands make of them is looked at here, and what a real registrar answers
//! elsewhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::thread;

use registrar_api::{
    Advice, Aor, AorPage, ApiError, Binding, BindingState, Event, EventKind, LocationStatus, Outcome, Removed, State,
    Status, Why,
};
use serde::Serialize;

use crate::harness::Room;

/// A request: its method and path, and its headers and body as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) what: String,
    pub(super) rest: String,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// It serves as long as the test runs.
pub(super) struct Fake {
    pub(super) room: Room,
    pub(super) socket: String,
    asked: Log,
}

impl Fake {
    pub(super) fn start() -> Self {
        let room = Room::new();
        let socket = room.path("admin.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Log::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(&stream, &stream, &log));
            }
        });
        Self { room, socket, asked }
    }

    /// The same over TCP as well.
    pub(super) fn tcp(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let log = Arc::clone(&self.asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(&stream, &stream, &log));
            }
        });
        addr
    }

    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The methods and paths of what was asked since the last time.
    pub(super) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }
}

fn serve(from: impl Read, mut to: impl Write, log: &Log) {
    let mut from = BufReader::new(from);
    let mut first = String::new();
    from.read_line(&mut first).unwrap();
    let mut rest = String::new();
    while from.read_line(&mut rest).unwrap() > 2 {}
    let length = rest.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    rest += &String::from_utf8(body).unwrap();
    let what = first.trim_end().strip_suffix(" HTTP/1.1").unwrap().to_owned();
    log.lock().unwrap().push(Asked { what: what.clone(), rest: rest.clone() });
    let (status, body) = answer(&what, &rest);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = to.write_all((head + &body).as_bytes());
}

fn answer(what: &str, rest: &str) -> (u16, String) {
    const ALICE: &str = "/api/v1/aors/sip%3Aalice%40example.com";
    let (path, query) = what.split_once('?').unwrap_or((what, ""));
    let streams = rest.contains("application/x-ndjson");
    match path.strip_prefix("GET ").unwrap_or(path) {
        "/api/v1/status" if rest.contains("Bearer wrong") => (401, String::new()),
        "/api/v1/status" if rest.contains("Bearer other") => (200, r#"{"version":"9"}"#.to_owned()),
        "/api/v1/status" => json(&status()),
        "/api/v1/aors" if streams => (200, lines(&[aor("alice", 2), aor("bob", 1), aor("carol", 0)])),
        "/api/v1/aors" if query.contains("user=nobody") => json(&AorPage::default()),
        "/api/v1/aors" if query.contains("after=second") => json(&AorPage { aors: vec![aor("bob", 1)], next: None }),
        "/api/v1/aors" => json(&AorPage { aors: vec![aor("alice", 2)], next: Some("second".to_owned()) }),
        path if path == ALICE => json(&aor("alice", 2)),
        path if path == format!("{ALICE}/why") => json(&why()),
        path if path == format!("DELETE {ALICE}/bindings") => {
            let contact = "<sip:alice@192.0.2.7:5060>".to_owned();
            json(&Removed { aor: "sip:alice@example.com".to_owned(), removed: vec![contact], left: 1 })
        }
        "POST /api/v1/drain" | "DELETE /api/v1/flows/0-12-1" => (204, String::new()),
        "/api/v1/refusals" => json(&why().outcomes),
        "/api/v1/events" => (200, events()),
        "/metrics" => (200, "registrar_outcomes_total{reason=\"registered\"} 1\n".to_owned()),
        _ => refused(404, "no-such-address", "nobody is registered there\u{1b}[2J"),
    }
}

fn json(value: &impl Serialize) -> (u16, String) {
    (200, serde_json::to_string(value).unwrap())
}

fn lines(values: &[impl Serialize]) -> String {
    values.iter().map(|value| serde_json::to_string(value).unwrap() + "\n").collect()
}

fn refused(status: u16, code: &str, message: &str) -> (u16, String) {
    let error = ApiError { code: code.to_owned(), message: message.to_owned(), problems: Vec::new() };
    (status, serde_json::to_string(&error).unwrap())
}

pub(super) fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        pid: 4242,
        started_at: "2026-11-24T01:00:00.000Z".to_owned(),
        uptime: 9000,
        state: State::Serving,
        workers: 2,
        listeners: Vec::new(),
        domains: vec!["example.com".to_owned()],
        location: LocationStatus {
            mode: "synced".to_owned(),
            directory: Some("/var/lib/registrar".to_owned()),
            bindings: 3,
            max_bindings: 1_000_000,
            memory: 0,
            failure: None,
        },
        backends: Vec::new(),
        webhooks: Vec::new(),
        certificates: Vec::new(),
        counters: [("requests".to_owned(), 12)].into(),
    }
}

fn aor(user: &str, bindings: u16) -> Aor {
    let bindings = (0..bindings).map(|n| binding(user, n)).collect();
    Aor { aor: format!("sip:{user}@example.com"), bindings }
}

fn binding(user: &str, n: u16) -> Binding {
    Binding {
        contact: format!("<sip:{user}@192.0.2.7:{}>", 5060 + n),
        uri: format!("sip:{user}@192.0.2.7:{}", 5060 + n),
        state: if n == 0 { BindingState::Reachable } else { BindingState::Suspect },
        expires_in: 3000,
        expires_at: "2026-11-24T04:00:00.000Z".to_owned(),
        granted: 3600,
        registered_at: "2026-11-24T03:00:00.000Z".to_owned(),
        q: 1000,
        source: "198.51.100.4:49152".to_owned(),
        transport: if n == 0 { "tcp" } else { "udp" }.to_owned(),
        leg: 0,
        flow: (n == 0).then(|| "0-12-1".to_owned()),
        follows_flow: n == 0,
        nat: true,
        instance: None,
        reg_id: None,
        path: None,
        call_id: "a84b4c76e66710".to_owned(),
        cseq: 1,
        user_agent: Some("\u{1b}[31mred phone".to_owned()),
        round_trip_ms: None,
    }
}

fn why() -> Why {
    let outcome = Outcome {
        at: "2026-11-24T03:30:01.500Z".to_owned(),
        since: Some("2026-11-24T03:20:00.000Z".to_owned()),
        count: 17,
        method: Some("REGISTER".to_owned()),
        aor: Some("sip:alice@example.com".to_owned()),
        status: Some(401),
        reason: "wrong-password".to_owned(),
        says: "The password is wrong.".to_owned(),
        source: "198.51.100.4:5060".to_owned(),
        transport: "udp".to_owned(),
        call_id: None,
        user_agent: None,
    };
    Why {
        aor: "sip:alice@example.com".to_owned(),
        summary: "It can be reached by one of two bindings.".to_owned(),
        advice: vec![Advice { reason: "wrong-password".to_owned(), says: "Set the password anew.".to_owned() }],
        bindings: aor("alice", 1).bindings,
        outcomes: vec![outcome],
    }
}

/// Three events with what stands around them, and the end of the stream.
fn events() -> String {
    let event = |id, kind: EventKind, reason: &str| Event {
        id,
        at: "2026-11-24T03:30:01.500Z".to_owned(),
        kind,
        reason: reason.to_owned(),
        aor: Some("sip:alice@example.com".to_owned()),
        contact: (kind != EventKind::Refused).then(|| "<sip:alice@192.0.2.7>".to_owned()),
        expires: (kind == EventKind::Registered).then_some(3600),
        source: Some("192.0.2.7:5060".to_owned()),
        transport: Some("udp".to_owned()),
        call_id: None,
        user_agent: Some("baresip v3.1.0".to_owned()),
        status: (kind == EventKind::Refused).then_some(401),
        backend: None,
        failure: None,
    };
    let told = [
        event(1, EventKind::Registered, "registered"),
        event(2, EventKind::Refused, "wrong-password"),
        event(3, EventKind::Expired, "expired"),
    ];
    let told = told.map(|event| {
        format!("event: {}\nid: {}\ndata: {}\n\n", event.kind.name(), event.id, serde_json::to_string(&event).unwrap())
    });
    format!(": hello\n\n{}event: missed\ndata: {{\"missed\":5}}\n\n:\r\n\r\n{}{}", told[0], told[1], told[2])
}
