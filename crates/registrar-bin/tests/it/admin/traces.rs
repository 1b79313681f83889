//! Spans, as a collector gets them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::{PATIENCE, Phone, Registrar, Request};

/// Takes what is posted, until the test ends.
fn collector() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, posts) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(post) = take(stream.unwrap()) else { continue };
            if sender.send(post).is_err() {
                return;
            }
        }
    });
    (url, posts)
}

fn take(mut stream: TcpStream) -> Option<Value> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    assert_eq!(head[0], "POST /v1/traces HTTP/1.1");
    assert!(head.iter().any(|line| line == "content-type: application/json"), "{head:?}");
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

/// The spans of a post.
fn spans(post: &Value) -> Vec<Value> {
    let resource = &post["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["key"], "service.name");
    resource["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

fn attribute(span: &Value, key: &str) -> Option<String> {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key)?;
    let value = found["value"].as_object().unwrap().values().next().unwrap();
    Some(value.as_str().unwrap().to_owned())
}

#[test]
fn one_of_so_many_requests_is_told_to_a_collector() {
    let (url, posts) = collector();
    let settings = format!("location.mode = 'memory'\n[traces]\nendpoint = '{url}'\nevery = 2\n");
    let registrar = Registrar::configured(&settings);
    let mut phone = Phone::udp(registrar.udp());
    let alice = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
    let brief = Request::register("sip:bob@example.com").contact("<sip:bob@192.0.2.7>").expires(1);
    for request in [&alice, &alice, &brief, &brief] {
        phone.ask(&request.again());
    }
    let mut all = Vec::new();
    while all.len() < 2 {
        all.extend(spans(&posts.recv_timeout(PATIENCE).expect("spans")));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let expected = [("registered", "200", &alice.call_id), ("interval-too-brief", "423", &brief.call_id)];
    for (span, (reason, status, call_id)) in all.iter().zip(expected) {
        assert_eq!((span["name"].as_str(), span["kind"].as_u64()), (Some("REGISTER"), Some(2)), "{span}");
        assert_eq!(attribute(span, "registrar.reason").as_deref(), Some(reason), "{span}");
        assert_eq!(attribute(span, "sip.response.status_code").as_deref(), Some(status), "{span}");
        assert_eq!(attribute(span, "sip.call_id").as_ref(), Some(call_id), "{span}");
        assert_eq!(attribute(span, "client.port"), Some(phone.local().port().to_string()), "{span}");
        assert_eq!(attribute(span, "network.transport").as_deref(), Some("udp"), "{span}");
        let id = |key: &str| span[key].as_str().unwrap().to_owned();
        assert_eq!((id("traceId").len(), id("spanId").len()), (32, 16), "{span}");
        let at = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
        let (start, end) = (at("startTimeUnixNano"), at("endTimeUnixNano"));
        assert!(start <= end && end <= now && now - start < 60_000_000_000, "{span}");
        assert!(!span.to_string().contains("alice@"), "{span}");
    }
    assert_ne!(all[0]["traceId"], all[1]["traceId"]);
    registrar.stop();
}

#[test]
fn a_collector_that_is_not_there_costs_nothing_but_spans() {
    let settings = "location.mode = 'memory'\n[traces]\nendpoint = 'http://127.0.0.1:9/v1/traces'\nevery = 1\n";
    let mut registrar = Registrar::configured(settings);
    let mut phone = Phone::udp(registrar.udp());
    for n in 0..10 {
        let request = Request::register(&format!("sip:user{n}@example.com")).contact("<sip:u@192.0.2.7>");
        assert_eq!(phone.ask(&request).status(), 200);
    }
    registrar.wait_for("spans are not taken, and dropped");
    let log = registrar.stop().err;
    assert!(log.contains("spans_dropped=10"), "{log}");
}
