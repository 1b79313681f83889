//! Schemathesis holds the API against its OpenAPI document, with requests that it makes up.

use std::process::Command;

use super::http::Api;
use crate::harness::{Phone, Process, Registrar, Request, Room, command};

/// `cargo xtask test` installs it there.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/schemathesis/bin/schemathesis");

const TOKEN: &str = "write-token-0123456789";

/// Events do not end and draining ends the registrar: what they answer is tested beside this.
const LEFT_OUT: [&str; 2] = ["/api/v1/events", "/api/v1/drain"];

#[test]
fn every_endpoint_is_as_the_document_says_whatever_it_is_asked() {
    let room = Room::new();
    let settings = format!(
        "listen = ['udp:127.0.0.1:0']\nlocation.mode = 'memory'\n[admin]\nlisten = '127.0.0.1:0'\n\
         tokens = [{{ token = '{TOKEN}', scope = 'write' }}]\n"
    );
    let file = room.file("registrar.toml", &settings);
    let mut registrar = Registrar::from_process(Process::start(command().args(["serve", "--config", &file])));
    let line = registrar.wait_for("  api ");
    let addr = line.rsplit_once("http://").expect("an address").1;
    let (url, header) = (format!("http://{addr}/api/v1/openapi.json"), format!("Authorization: Bearer {TOKEN}"));
    let api = Api::Tcp(addr.parse().expect("an address"));
    let request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
    assert_eq!(Phone::udp(registrar.udp()).ask(&request).status(), 200);

    let mut schemathesis = Command::new(PROGRAM);
    schemathesis.args(["run", &url, "--header", &header]);
    schemathesis.args(["--checks", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure"]);
    // A schema does not say what a SIP address is, so that much that fits it is refused.
    schemathesis.args(["--exclude-checks", "positive_data_acceptance"]);
    // The same requests each time, and no more in a second than are let in.
    schemathesis.args(["--generation-deterministic", "--max-examples", "40", "--rate-limit", "90/s"]);
    for path in LEFT_OUT {
        schemathesis.args(["--exclude-path", path]);
    }
    let output = schemathesis.current_dir(room.path("")).output().expect("schemathesis: cargo xtask test installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It has tested all others but the document itself, which it has read.
    let document = api.ask("GET", "/api/v1/openapi.json", &[&header]).json();
    let paths = document["paths"].as_object().expect("paths").values();
    let operations: usize = paths.map(|path| path.as_object().expect("operations").len()).sum();
    let tested = format!("Tested: {}", operations - LEFT_OUT.len() - 1);
    assert!(said.contains(&tested), "{tested}: {said}");
    registrar.stop();
}
