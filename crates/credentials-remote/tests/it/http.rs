//! A web service, well and unwell.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use credentials_remote::{HttpConfig, HttpSource, Method, RemoteConfig};

use crate::harness::{Reply, WebService, Worker};

const PLAIN: &str = r#"{"password": "secret"}"#;

/// Asks each time, and tries again at once.
fn config() -> RemoteConfig {
    RemoteConfig {
        deadline: Duration::from_millis(500),
        fresh: Duration::ZERO,
        negative: Duration::ZERO,
        open: Duration::from_millis(50),
        ..RemoteConfig::default()
    }
}

fn get(service: &WebService, path: &str) -> Worker {
    let config_of_source = HttpConfig::new(format!("http://{}{path}", service.address));
    Worker::start(HttpSource::new(&config_of_source).unwrap(), config())
}

/// The first line of the request and the headers, as the service got them.
fn recording(reply: &'static str) -> (WebService, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let service = WebService::start(move |request| {
        seen.lock().unwrap().push(request.to_owned());
        Reply::json(reply)
    });
    (service, requests)
}

#[test]
fn users_are_found() {
    let service = WebService::start(|request| {
        let path = request.split(' ').nth(1).unwrap();
        match path {
            "/users/example.com/alice?realm=example.com" => Reply::json(PLAIN),
            "/users/example.com/hashed?realm=example.com" => Reply::json(
                r#"{"ha1": {"MD5": "900150983cd24fb0d6963f7d28e17f72"}, "algorithms": ["MD5"], "name": "more"}"#,
            ),
            "/users/example.com/gone?realm=example.com" => Reply::Send("HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
            "/users/example.com/ALICE?realm=example.com" => {
                Reply::json(r#"{"username": "alice", "password": "secret"}"#)
            }
            "/users/example.com/odd?realm=example.com" => Reply::json(r#"{"ha1": {"MD5": "odd"}}"#),
            _ => Reply::status("404 Not Found", "<html>"),
        }
    });
    let worker = get(&service, "/users/{domain}/{username}?realm={realm}");
    let known = worker.shown("alice").unwrap();
    assert!(
        known.contains("Hashes([(Name, Ha1(MD5, secret)), (Name, ") && known.contains("password: Some(secret)"),
        "{known}"
    );
    let hashed = worker.shown("hashed").unwrap();
    assert!(hashed.contains("Hashes([(Name, Ha1(MD5, secret))])") && hashed.contains("password: None"), "{hashed}");
    for nobody in ["gone", "ALICE", "nobody", "odd", "alice?realm=example.com#", "../example.com/alice", ".", ".."] {
        assert_eq!(worker.shown(nobody), None, "{nobody}");
    }
    assert!(worker.event().contains("ha1.MD5 is not 32 hexadecimal digits"));
    assert_eq!((worker.stats().failures, worker.stats().unusable), (0, 1));
}

#[test]
fn the_service_is_told_who_is_asked_for_and_who_asks() {
    let (service, requests) = recording(PLAIN);
    let mut config_of_source = HttpConfig::new(format!("http://{}/users", service.address));
    config_of_source.method = Method::Post;
    config_of_source.bearer = Some("open-sesame".to_owned());
    let worker = Worker::start(HttpSource::new(&config_of_source).unwrap(), config());
    assert!(worker.shown("al\"içe").is_some());
    let request = requests.lock().unwrap().join("\n");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /users HTTP/1.1\r\n"), "{head}");
    for header in ["authorization: Bearer open-sesame", "content-type: application/json", "accept: application/json"] {
        assert!(head.lines().any(|line| line.eq_ignore_ascii_case(header)), "{head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let user = serde_json::json!({"username": "al\"içe", "domain": "example.com", "realm": "example.com"});
    assert_eq!(body, user);
}

#[test]
fn names_are_written_so_that_they_stay_names() {
    let (service, requests) = recording(PLAIN);
    let worker = get(&service, "/{username}");
    assert!(worker.shown("a/b?c#d é").is_some());
    // Servers read these as steps on a path, encoded or not.
    assert!(worker.shown(".").is_none() && worker.shown("..").is_none());
    let requests = requests.lock().unwrap();
    assert!(requests.first().unwrap().starts_with("GET /a%2Fb%3Fc%23d%20%C3%A9 HTTP/1.1\r\n"), "{requests:?}");
}

#[test]
fn what_is_no_answer_is_a_failure() {
    for (reply, says) in [
        (Reply::status("500 Internal Server Error", ""), "500 Internal Server Error"),
        (Reply::status("401 Unauthorized", ""), "401 Unauthorized"),
        (Reply::status("403 Forbidden", ""), "403 Forbidden"),
        (Reply::json("<html>"), "no JSON of a user"),
        (Reply::json(""), "no JSON of a user"),
        (Reply::json(r#"{"password": 1}"#), "no JSON of a user"),
        (Reply::json(&format!("{{\"password\": \"{}\"}}", "x".repeat(64 * 1024))), "length limit exceeded"),
        (Reply::SendAndClose("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"pass".to_owned()), ""),
        (Reply::Send("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()), ""),
        (Reply::Close, ""),
    ] {
        let reply = Mutex::new(Some(reply));
        let service = WebService::start(move |_| reply.lock().unwrap().take().unwrap_or(Reply::Close));
        let worker = get(&service, "/{username}");
        assert!(worker.ask("alice").is_err(), "{says}");
        let heard = worker.event();
        assert!(heard.starts_with("Failed(Unavailable(") && heard.contains(says), "{heard}: {says}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let service = WebService::start(|request| {
        let elsewhere = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        if request.starts_with("GET /alice ") { Reply::Send(elsewhere.to_owned()) } else { Reply::json(PLAIN) }
    });
    let worker = get(&service, "/{username}");
    assert!(worker.ask("alice").is_err());
    assert!(worker.event().contains("302 Found"));
    assert_eq!(service.requests(), 1);
}

#[test]
fn a_service_that_hangs_is_not_waited_for() {
    let service = WebService::start(|request| if request.contains("/slow") { Reply::Hang } else { Reply::json(PLAIN) });
    let worker = get(&service, "/{username}");
    assert!(worker.ask("alice").unwrap().is_some());
    let start = Instant::now();
    assert!(worker.ask("slow").is_err());
    assert!(start.elapsed() >= config().deadline && start.elapsed() < 2 * config().deadline + Duration::from_secs(2));
    assert_eq!(worker.event(), "Failed(Deadline(500))");
    assert!(worker.ask("alice").unwrap().is_some());
}

#[test]
fn known_users_go_on_while_it_is_down_and_others_are_told_to_come_again() {
    let service = WebService::start(|_| Reply::json(PLAIN));
    let address = service.address;
    let worker = get(&service, "/{username}");
    assert!(worker.ask("alice").unwrap().is_some());
    drop(service);
    for _ in 0..10 {
        assert!(worker.ask("alice").unwrap().is_some());
        assert!(worker.ask("bob").unwrap_err().retry_after >= 1);
    }
    assert!(worker.event().starts_with("Failed(") && worker.event().starts_with("Down("));
    let service = WebService::start_at(address, |_| Reply::json(PLAIN));
    assert!(worker.wait_until_answered("bob").is_some());
    assert!(worker.event().starts_with("Up("));
    assert!(service.requests() >= 1);
}

#[test]
fn a_connection_that_was_closed_in_the_meantime_is_not_noticed() {
    let service = WebService::start(|_| Reply::json(PLAIN));
    let worker = get(&service, "/{username}");
    for _ in 0..5 {
        assert!(worker.ask("alice").unwrap().is_some());
        service.close_connections();
    }
    assert_eq!(worker.stats().failures, 0);
}

/// As happens when a server's patience ends while a request is on its way to it.
#[test]
fn a_connection_that_is_closed_at_the_same_moment_is_not_noticed() {
    let requests = AtomicUsize::new(0);
    let service = WebService::start(move |_| match requests.fetch_add(1, SeqCst) {
        1 => Reply::Close,
        _ => Reply::json(PLAIN),
    });
    let worker = get(&service, "/{username}");
    assert!(worker.ask("alice").unwrap().is_some());
    assert!(worker.ask("bob").unwrap().is_some());
    assert_eq!((service.requests(), worker.stats().failures), (3, 0));
}

#[test]
fn a_server_without_tls_is_a_failure_of_https_and_no_panic() {
    let service = WebService::start(|_| Reply::json(PLAIN));
    let config_of_source = HttpConfig::new(format!("https://{}/{{username}}", service.address));
    let worker = Worker::start(HttpSource::new(&config_of_source).unwrap(), config());
    assert!(worker.ask("alice").is_err());
    let heard = worker.event();
    assert!(heard.starts_with("Failed(Unavailable("), "{heard}");
    assert_eq!(service.requests(), 0);
}
