//! Certificates that are replaced while phones register.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{PATIENCE, Registrar, Request, Room, command};

pub(crate) type Client = StreamOwned<ClientConnection, TcpStream>;

/// A new certificate in place of the one that is there; gives it.
fn certify(room: &Room, name: &str) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), name.to_owned()]).unwrap();
    // The key first: whoever reads in between sees a pair that does not fit, and keeps what there was.
    room.file("own.key", &made.signing_key.serialize_pem());
    room.file("own.pem", &made.cert.pem());
    made.cert.pem()
}

pub(crate) fn connect(registrar: SocketAddr, authority: &str) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(registrar).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap(),
        stream,
    )
}

/// Registers; `false` if the certificate is not the one that is trusted.
pub(crate) fn registers(client: &mut Client, request: &Request) -> bool {
    let local = client.sock.local_addr().unwrap();
    let text = request.text("TLS", local);
    if client.write_all(text.as_bytes()).and_then(|()| client.flush()).is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read_exact(&mut byte).is_err() {
            return false;
        }
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer));
    true
}

fn register(user: &str) -> Request {
    let aor = format!("sip:{user}@example.com");
    Request::register(&aor).contact(&format!("<sip:{user}@h.invalid;transport=tls>")).expires(300)
}

#[test]
fn a_replaced_certificate_is_for_new_connections_and_a_broken_one_is_for_nobody() {
    let room = Room::new();
    let first = certify(&room, "first.example.com");
    let settings = "listen = ['udp:127.0.0.1:0', 'tls:127.0.0.1:0']\n\
                    [tls]\ncertificates = { chain = 'own.pem', key = 'own.key' }\n";
    let file = room.file("registrar.toml", settings);
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    let tls = registrar.legs().iter().find(|leg| !leg.udp).unwrap().addr;

    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut before = connect(tls, &first);
    let request = register("old");
    assert!(registers(&mut before, &request));
    std::thread::scope(|scope| {
        // All the while phones register over connections of before.
        let mut steady: Vec<_> = (0..4).map(|_| connect(tls, &first)).collect();
        let (stop, rounds) = (&stop, &rounds);
        let load = scope.spawn(move || {
            let mut requests: Vec<_> = (0..4).map(|n| register(&format!("steady{n}"))).collect();
            while !stop.load(Ordering::Relaxed) {
                for (client, request) in steady.iter_mut().zip(&mut requests) {
                    assert!(registers(client, request), "a connection was lost");
                    *request = request.again();
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Read again because somebody asks.
        let second = certify(&room, "second.example.com");
        registrar.signal(Signal::SIGHUP);
        registrar.wait_for("certificates read again");
        assert!(registers(&mut connect(tls, &second), &register("new")));
        assert!(!registers(&mut connect(tls, &first), &register("late")));

        // A key that belongs to another certificate.
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        room.file("own.key", &other.signing_key.serialize_pem());
        registrar.signal(Signal::SIGHUP);
        let said = registrar.wait_for("certificates not read again");
        assert!(said.contains("own.key does not belong to") && said.contains("own.pem"), "{said}");
        assert!(registers(&mut connect(tls, &second), &register("still")));

        // Read again because the files have changed.
        let third = certify(&room, "third.example.com");
        registrar.wait_for("third.example.com");
        assert!(registers(&mut connect(tls, &third), &register("newest")));
        let then = rounds.load(Ordering::Relaxed);
        while rounds.load(Ordering::Relaxed) == then && !load.is_finished() {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(rounds.load(Ordering::Relaxed) > 1);
    assert!(registers(&mut before, &request.again()));
    registrar.stop();
}

#[test]
fn without_a_certificate_or_with_a_broken_one_it_does_not_start_and_says_why() {
    let room = Room::new();
    certify(&room, "own.example.com");
    room.file("other.pem", "no PEM");
    for (settings, why) in [
        ("listen = 'tls:127.0.0.1:0'", "there is no certificate for it"),
        ("listen = 'wss:127.0.0.1:0'\n[tls]\ncertificates = { chain = 'other.pem', key = 'own.key' }", "other.pem"),
        ("listen = 'tls:127.0.0.1:0'\n[tls]\ncertificates = { chain = 'gone.pem', key = 'own.key' }", "gone.pem"),
    ] {
        let file = room.file("bad.toml", settings);
        for verb in ["check", "serve"] {
            let output = command().args([verb, "--config", &file]).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(64), "{said}");
            assert!(said.contains(why), "{said}");
        }
    }
}
