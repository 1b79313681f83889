//! Where it listens, and who is let in.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use super::Administered;
use super::http::Api;
use crate::harness::{Room, command};

/// The address of its API over TCP.
fn tcp(settings: &str) -> (Administered, Api) {
    let room = Room::new();
    let text =
        format!("listen = 'udp:127.0.0.1:0'\nlocation.mode = 'memory'\n[admin]\nlisten = '127.0.0.1:0'\n{settings}");
    let file = room.file("registrar.toml", &text);
    let mut registrar = crate::harness::Registrar::run(&["serve", "--config", &file]);
    let line = registrar.wait_for("  api ");
    let (_, addr) = line.rsplit_once("http://").unwrap();
    let api = Api::Tcp(addr.parse().unwrap());
    (Administered { registrar, room }, api)
}

#[test]
fn tokens_say_who_may_look_and_who_may_change() {
    let room = Room::new();
    let write = room.file("write", "write-token-0123456789\n");
    let tokens = format!(
        "tokens = [{{ token = 'read-token-0123456789', scope = 'read' }}, {{ file = '{write}', scope = 'write' }}]"
    );
    let (registrar, api) = tcp(&tokens);
    let ask = |method: &str, path: &str, header: &str| {
        let answered = api.ask(method, path, &[header]);
        (answered.status, if answered.status >= 400 { answered.code() } else { String::new() })
    };
    let (read, write) = ("Authorization: Bearer read-token-0123456789", "authorization: bearer write-token-0123456789");
    let status = "/api/v1/status";
    assert_eq!(ask("GET", status, "X: y"), (401, "no-token".to_owned()));
    assert_eq!(ask("GET", status, "Authorization: Bearer read-token-012345678"), (401, "no-token".to_owned()));
    assert_eq!(ask("GET", status, "Authorization: Basic read-token-0123456789"), (401, "no-token".to_owned()));
    assert_eq!(ask("GET", status, read), (200, String::new()));
    assert_eq!(ask("GET", status, write), (200, String::new()));
    assert_eq!(ask("POST", "/api/v1/drain", read), (403, "read-only".to_owned()));
    assert_eq!(ask("POST", "/api/v1/drain", write), (202, String::new()));
    let finished = registrar.registrar.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.err.contains("who=\"token 2\"") && !finished.err.contains("0123456789"), "{}", finished.err);
}

#[test]
fn without_tokens_web_pages_are_not_served() {
    let (_registrar, api) = tcp("");
    let ask = |headers: &[&str]| api.ask("GET", "/api/v1/status", headers).status;
    assert_eq!((ask(&[]), ask(&["Host: 127.0.0.1:8060"])), (200, 200));
    assert_eq!((ask(&["Host: evil.example"]), ask(&["Origin: https://evil.example"])), (403, 403));
    let answered = api.ask("OPTIONS", "/api/v1/drain", &["Host: 127.0.0.1"]);
    assert!(!answered.head.contains("access-control"), "{answered:?}");
}

#[test]
fn the_socket_is_its_owners_and_goes_with_the_registrar() {
    let registrar = Administered::start("");
    let socket = registrar.socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(registrar.registrar.stop().code, Some(0));
    assert!(!std::fs::exists(&socket).unwrap());
}

#[test]
fn a_socket_that_is_left_over_is_replaced_and_one_in_use_is_not() {
    let room = Room::new();
    let socket = room.path("admin.sock");
    let settings = "listen = 'udp:127.0.0.1:0'\nlocation.mode = 'memory'\nadmin.listen = 'unix:admin.sock'\n";
    let file = room.file("registrar.toml", settings);
    let in_use = UnixListener::bind(&socket).unwrap();
    let output = command().args(["serve", "--config", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("another program listens there\nhelp: stop that program"), "{said}");
    // Nobody listens any more, and the file is still there.
    drop(in_use);
    let mut registrar = crate::harness::Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    assert_eq!(Api::Unix(socket.clone()).get("/api/v1/status")["state"], "serving");
    registrar.stop();
    std::fs::write(&socket, "precious").unwrap();
    let output = command().args(["serve", "--config", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "precious");
}

#[test]
fn wrong_settings_are_named_with_their_lines() {
    let room = Room::new();
    let said = |admin: &str| {
        let file = room.file("registrar.toml", &format!("[admin]\n{admin}\n"));
        let output = command().args(["check", "--config", &file]).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{admin}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (admin, wanted) in [
        ("listen = '192.0.2.1:8060'", "tokens are needed"),
        ("listen = 'here'", "neither unix:PATH nor an address"),
        ("listen = 'unix:'", "names no file"),
        ("tokens = ['secret-secret-secret']", "must be a list of tables"),
        ("tokens = [{ token = 'short', scope = 'read' }]", "at least 16 characters"),
        ("tokens = [{ token = '0123456789abcdef' }]", "without scope"),
        ("tokens = [{ token = '0123456789abcdef', scope = 'all' }]", "\"read\" or \"write\""),
        ("tokens = [{ file = 'missing', scope = 'read' }]", "No such file"),
        ("tokens = [{ scope = 'read' }]", "neither token nor file"),
        ("colour = 'red'", "unknown key"),
    ] {
        let text = said(admin);
        assert!(text.contains(wanted) && text.contains("registrar.toml:2"), "{admin}: {text}");
    }
}
