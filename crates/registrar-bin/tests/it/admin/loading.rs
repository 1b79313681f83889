//! What is answered while the table is being loaded.

use std::fs;
use std::thread;
use std::time::Instant;

use super::http::Api;
use crate::harness::{PATIENCE, Process, Registrar, Room, command};

/// So many that they are not loaded before somebody has asked three times.
const ADDRESSES: u32 = 20_000;

#[test]
fn while_the_table_is_being_loaded_it_lives_and_is_not_ready() {
    let room = Room::new();
    let lines: String = (0..ADDRESSES)
        .map(|n| {
            format!(
                "{{\"aor\":\"sip:u{n}@example.com\",\"bindings\":[{{\"contact\":\"<sip:u{n}@192.0.2.1>\",\
                 \"expires_at\":\"2099-01-01T00:00:00Z\",\"granted\":3600,\"call_id\":\"{n}@b\",\"cseq\":7,\
                 \"source\":\"udp:192.0.2.1:5060\",\"leg\":0}}]}}\n"
            )
        })
        .collect();
    let (lines, data, socket) = (room.file("lines", &lines), room.path("data"), room.path("admin.sock"));
    let import = Process::start(command().args(["location", "import", &lines, "--data-dir", &data])).finish();
    assert_eq!(import.code, Some(0), "{import:?}");

    let settings = "listen = 'udp:127.0.0.1:0'\nlocation.directory = 'data'\nadmin.listen = 'unix:admin.sock'\n";
    let process = Process::start(command().args(["serve", "--config", &room.file("registrar.toml", settings)]));
    let began = Instant::now();
    while !fs::exists(&socket).unwrap() {
        assert!(began.elapsed() < PATIENCE, "no socket");
        thread::yield_now();
    }
    let api = Api::Unix(socket.clone());
    let said = |path| {
        let answered = api.ask("GET", path, &[]);
        (answered.status, answered.body)
    };
    assert_eq!(said("/readyz"), (503, "loading\n".to_owned()));
    assert_eq!(said("/healthz"), (200, "ok\n".to_owned()));
    let status = api.ask("GET", "/api/v1/status", &[]);
    assert_eq!((status.status, status.code().as_str()), (503, "loading"));
    assert!(status.head.to_ascii_lowercase().contains("retry-after: 1"), "{}", status.head);

    let mut registrar = Registrar::from_process(process);
    registrar.wait_for("  api ");
    assert_eq!(said("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(api.get("/api/v1/status")["location"]["bindings"], ADDRESSES);
    registrar.stop();
    assert!(!fs::exists(&socket).unwrap());
}

#[test]
fn a_socket_goes_with_a_registrar_that_cannot_load_its_table() {
    let room = Room::new();
    fs::create_dir(room.path("data")).unwrap();
    room.file("data/location.redb", "not a table");
    let settings = "listen = 'udp:127.0.0.1:0'\nlocation.directory = 'data'\nadmin.listen = 'unix:admin.sock'\n";
    let finished =
        Process::start(command().args(["serve", "--config", &room.file("registrar.toml", settings)])).finish();
    assert!(finished.code != Some(0) && finished.err.contains("location.redb"), "{finished:?}");
    assert!(!fs::exists(room.path("admin.sock")).unwrap());
}
