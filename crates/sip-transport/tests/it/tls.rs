//! TLS, with a client of rustls.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sip_transport::{
    CertificateFiles, ClientCertificates, CloseCause, Leg, LegSpec, ServerConfig, Tls, TlsError, TlsFiles, Transport,
};

use crate::harness::{Running, alone, message, start};

/// A folder with certificates, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sip-transport-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A certificate of its own authority for `host`.
    fn certificate(&self, file: &str, host: &str) -> CertificateFiles {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let files =
            CertificateFiles { chain: self.0.join(format!("{file}.pem")), key: self.0.join(format!("{file}.key")) };
        std::fs::write(&files.chain, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn files(certificates: &[&CertificateFiles], clients: ClientCertificates) -> TlsFiles {
    TlsFiles { certificates: certificates.iter().map(|&pair| pair.clone()).collect(), clients }
}

fn serve(tls: &Tls, change: impl FnOnce(&mut ServerConfig)) -> Running {
    let spec: LegSpec = "tls:127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig { legs: vec![Leg { tls: Some(tls.clone()), ..spec.into() }], ..alone(&[]) };
    change(&mut config);
    start(config)
}

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts `authority` and asks for `host`.
fn connect(server: &Running, authority: &Path, host: &str, own: Option<&CertificateFiles>) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(&own.chain).unwrap()],
                PrivateKeyDer::from_pem_file(&own.key).unwrap(),
            )
            .unwrap(),
    };
    let name = ServerName::try_from(host.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), server.tcp(0))
}

/// Sends a request and reads the answer, which is the same.
fn ask(client: &mut Client, what: &str) -> std::io::Result<()> {
    let request = message(what);
    client.write_all(&request)?;
    client.flush()?;
    let mut answer = vec![0; request.len()];
    client.read_exact(&mut answer)?;
    assert_eq!(answer, request);
    Ok(())
}

#[test]
fn the_header_of_a_proxy_comes_before_tls() {
    let folder = Folder::new("proxy");
    let one = folder.certificate("one", "one.example.com");
    let tls = Tls::new(files(&[&one], ClientCertificates::Off).load().unwrap());
    let server = serve(&tls, |config| config.legs[0].trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let mut client = connect(&server, &one.chain, "one.example.com", None);
    // Nothing of the handshake has been sent before.
    client.sock.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5061\r\n").unwrap();
    ask(&mut client, "hello").unwrap();
    let (_, peer) = server.next_message();
    assert_eq!((peer.transport, peer.remote), (Transport::Tls, "192.0.2.7:40000".parse().unwrap()));
}

#[cfg(feature = "ws")]
#[test]
fn the_header_of_a_proxy_comes_before_a_secure_websocket() {
    use crate::websocket::{FINAL, SIP, frame, upgrade};

    let folder = Folder::new("proxied-websocket");
    let one = folder.certificate("one", "one.example.com");
    let tls = Tls::new(files(&[&one], ClientCertificates::Off).load().unwrap());
    let server = serve(&tls, |config| {
        config.legs[0].spec = "wss:127.0.0.1:0".parse().unwrap();
        config.legs[0].trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let mut client = connect(&server, &one.chain, "one.example.com", None);
    client.sock.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5061\r\n").unwrap();
    client.write_all(upgrade(SIP).as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    client.write_all(&frame(FINAL | 1, &message("hello"))).unwrap();
    client.flush().unwrap();
    let (_, peer) = server.next_message();
    assert_eq!((peer.transport, peer.remote), (Transport::Wss, "192.0.2.7:40000".parse().unwrap()));
}

#[test]
fn messages_pass_and_each_host_is_shown_its_certificate() {
    let folder = Folder::new("hosts");
    let one = folder.certificate("one", "one.example.com");
    let any = folder.certificate("any", "*.example.org");
    let tls = Tls::new(files(&[&one, &any], ClientCertificates::Off).load().unwrap());
    assert_eq!(tls.certificates()[1].names, ["*.example.org"]);
    let server = serve(&tls, |_| {});
    for (authority, host) in [(&one, "one.example.com"), (&any, "sip.example.org")] {
        let mut client = connect(&server, &authority.chain, host, None);
        ask(&mut client, "hello").unwrap();
        ask(&mut client, "later").unwrap();
        assert_eq!(server.next_message().1.transport, Transport::Tls);
        client.conn.send_close_notify();
        client.flush().unwrap();
        // Our own end follows, in good order.
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }
    let mut other = connect(&server, &one.chain, "elsewhere.example.net", None);
    assert!(ask(&mut other, "hello").is_err(), "it is shown the first, and refuses it");
    assert_eq!(server.counters().tls_handshakes, 2);
}

#[test]
fn long_answers_and_many_messages_pass() {
    let folder = Folder::new("long");
    let own = folder.certificate("own", "localhost");
    let server = serve(&Tls::new(files(&[&own], ClientCertificates::Off).load().unwrap()), |_| {});
    let mut client = connect(&server, &own.chain, "localhost", None);
    // More than a record, and more than TLS buffers by itself.
    client.write_all(&message("big-200000")).unwrap();
    let mut answer = vec![0; 200_000];
    client.read_exact(&mut answer).unwrap();
    let requests: Vec<u8> = (0..2000).flat_map(|n| message(&format!("number{n}"))).collect();
    let sent = requests.clone();
    let StreamOwned { mut conn, mut sock } = client;
    std::thread::scope(|scope| {
        let mut writer = sock.try_clone().unwrap();
        let (mut sealed, mut rest) = (Vec::new(), sent.as_slice());
        while !rest.is_empty() {
            let taken = conn.writer().write(rest).unwrap();
            rest = &rest[taken..];
            while conn.wants_write() {
                conn.write_tls(&mut sealed).unwrap();
            }
        }
        scope.spawn(move || writer.write_all(&sealed).unwrap());
        let mut answers = Vec::new();
        while answers.len() < requests.len() {
            assert!(conn.read_tls(&mut sock).unwrap() > 0);
            conn.process_new_packets().unwrap();
            let _ = conn.reader().read_to_end(&mut answers);
        }
        assert!(answers == requests);
    });
}

#[test]
fn a_new_certificate_is_for_new_connections() {
    let folder = Folder::new("replaced");
    let old = folder.certificate("old", "localhost");
    let new = folder.certificate("new", "localhost");
    let tls = Tls::new(files(&[&old], ClientCertificates::Off).load().unwrap());
    let server = serve(&tls, |_| {});
    let mut before = connect(&server, &old.chain, "localhost", None);
    ask(&mut before, "hello").unwrap();
    tls.replace(files(&[&new], ClientCertificates::Off).load().unwrap());
    ask(&mut before, "still").unwrap();
    ask(&mut connect(&server, &new.chain, "localhost", None), "hello").unwrap();
    assert!(ask(&mut connect(&server, &old.chain, "localhost", None), "hello").is_err());
    ask(&mut before, "still").unwrap();
}

#[test]
fn who_must_show_a_certificate_gets_in_with_a_good_one_only() {
    let folder = Folder::new("clients");
    let own = folder.certificate("own", "localhost");
    let phone = folder.certificate("phone", "phone");
    let stranger = folder.certificate("stranger", "stranger");
    for (required, without) in [(true, false), (false, true)] {
        let authority = phone.chain.clone();
        let clients =
            if required { ClientCertificates::Required(authority) } else { ClientCertificates::Optional(authority) };
        let server = serve(&Tls::new(files(&[&own], clients).load().unwrap()), |_| {});
        let gets_in = |with| ask(&mut connect(&server, &own.chain, "localhost", with), "hello").is_ok();
        assert!(gets_in(Some(&phone)));
        assert!(!gets_in(Some(&stranger)));
        assert_eq!(gets_in(None), without);
    }
}

#[test]
fn what_is_no_tls_and_who_never_finishes_is_closed() {
    let folder = Folder::new("hostile");
    let own = folder.certificate("own", "localhost");
    let tls = Tls::new(files(&[&own], ClientCertificates::Off).load().unwrap());
    let server = serve(&tls, |config| {
        config.streams.handshake = Duration::from_millis(50);
        config.streams.linger = Duration::from_millis(50);
    });
    let mut plain = server.tcp(0);
    plain.write_all(&message("in the clear")).unwrap();
    let mut half = server.tcp(0);
    // The beginning of a record of 16 kB.
    half.write_all(&[22, 3, 1, 0x40, 0]).unwrap();
    for client in [&mut plain, &mut half] {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = client.read_to_end(&mut rest);
        assert!(rest.len() < 50, "no more than an alert");
    }
    server.ended_by(CloseCause::Handshake, 2);
    assert!(server.events.try_iter().next().is_none(), "nothing of it is a connection for the layer above");
}

#[test]
fn files_that_cannot_be_used_are_told_by_name() {
    let folder = Folder::new("bad");
    let (one, two) = (folder.certificate("one", "a"), folder.certificate("two", "b"));
    let load = |chain: &Path, key: &Path| {
        let pair = CertificateFiles { chain: chain.to_owned(), key: key.to_owned() };
        files(&[&pair], ClientCertificates::Off).load().unwrap_err()
    };
    let missing = folder.0.join("missing.pem");
    assert!(matches!(load(&missing, &one.key), TlsError::Unreadable { file, .. } if file == missing));
    assert!(matches!(load(&one.key, &one.key), TlsError::NotPem { file, .. } if file == one.key));
    assert!(matches!(load(&one.chain, &one.chain), TlsError::NotPem { file, .. } if file == one.chain));
    assert!(matches!(load(&one.chain, &two.key), TlsError::KeyMismatch { chain, .. } if chain == one.chain));
    let half = std::fs::read_to_string(&one.chain).unwrap();
    let cut = folder.0.join("cut.pem");
    std::fs::write(&cut, &half[..half.len() / 2]).unwrap();
    assert!(matches!(load(&cut, &one.key), TlsError::NotPem { file, .. } if file == cut));
    assert!(matches!(files(&[], ClientCertificates::Off).load(), Err(TlsError::NoCertificate)));
    let clients = ClientCertificates::Required(one.key.clone());
    assert!(matches!(files(&[&one], clients).load(), Err(TlsError::NotPem { file, .. }) if file == one.key));
}
