//! What real clients sent leads to one binding, and to none when they leave.

use std::path::{Path, PathBuf};

use sip_registrar::{Aor, Registrar};
use sip_transport::Transport;

use crate::harness::{FLOW, Server};

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sip-message/tests/data/captures")
}

fn server(name: &str) -> Server {
    // Every capture asks for at least a minute; names of clients hold their transport.
    let mut server = Server::new(Registrar::builder().domains(["interop.test"]).jitter(0));
    let transports = [("tcp", Transport::Tcp), ("tls", Transport::Tls), ("wss", Transport::Wss), ("ws", Transport::Ws)];
    let stream = transports.iter().find(|(text, _)| name.contains(&format!("-{text}")));
    if let Some(&(_, transport)) = stream {
        server.connect(transport, FLOW);
    }
    server
}

#[test]
fn every_client_has_one_binding_and_then_none() {
    let mut clients = 0;
    for entry in std::fs::read_dir(captures()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(client) = name.strip_suffix("-first.sip") else { continue };
        clients += 1;
        let mut server = server(client);
        let capture = |which: &str| std::fs::read_to_string(captures().join(format!("{client}{which}.sip"))).unwrap();
        let mut buffer = Vec::new();
        let aor = Aor::parse("alice@interop.test", &mut buffer).unwrap();

        // The second is the first again with credentials: no others are stored, and none is a duplicate.
        for (which, bindings) in [("-first", 1), ("", 1), ("-unreg", 0)] {
            let mut text = capture(which);
            if which == "-unreg" {
                text = of_the_same_phone(&text, &capture(""));
            }
            let response = server.receive(text.as_bytes()).unwrap();
            assert_eq!(response.code(), 200, "{name} {which}: {response:?}");
            assert_eq!(response.contacts().len(), bindings, "{name} {which}: {response:?}");
            let record = server.record_of(&aor);
            assert_eq!(record.as_ref().map_or(0, |record| record.len()), bindings, "{name} {which}");
            if let Some(record) = record {
                assert_eq!(record.bindings().next().unwrap().source, server.peer.remote);
            }
            server.pass(30);
        }
    }
    assert!(clients >= 15, "{clients}");
}

/// Some captures of leaving come from another run of the client than those of arriving, with another Contact. The
/// Contact of the same run stands in its place then, with what the leaving one says of the expiry.
fn of_the_same_phone(leaving: &str, arrived: &str) -> String {
    let contact = |text: &str| text.lines().find(|line| line.starts_with("Contact:")).unwrap().to_owned();
    let (old, new) = (contact(leaving), contact(arrived));
    let new = new.replace("expires=120", "expires=0").replace("expires=60", "expires=0");
    leaving.replace(&old, &new)
}
