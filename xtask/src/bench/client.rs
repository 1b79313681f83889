//! A client on a connection: TCP, TLS, or a secure WebSocket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::requests::{self, Template};

/// What the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Tcp,
    Tls,
    Wss,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::Wss];

    /// As a Via names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Wss => "WSS",
        }
    }
}

/// Whom it trusts. Every handshake is a whole one: nothing is resumed.
pub(super) struct Trust(Arc<ClientConfig>);

impl Trust {
    pub(super) fn in_file(file: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file)?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}

/// An open one; it closes with this value.
pub(super) struct Client {
    kind: Kind,
    wire: Box<dyn Wire>,
    asked: u64,
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Protocol: sip\r\n\r\n";

impl Client {
    /// Connects, and shakes hands as far as there are hands to shake.
    pub(super) fn open(kind: Kind, port: u16, trust: &Trust) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let wire: Box<dyn Wire> = if kind == Kind::Tcp {
            Box::new(stream)
        } else {
            let session = ClientConnection::new(Arc::clone(&trust.0), ServerName::try_from("localhost")?)?;
            let mut secured = StreamOwned::new(session, stream);
            while secured.conn.is_handshaking() {
                secured.conn.complete_io(&mut secured.sock)?;
            }
            Box::new(secured)
        };
        let mut client = Self { kind, wire, asked: 0 };
        if kind == Kind::Wss {
            client.wire.write_all(UPGRADE.as_bytes())?;
            client.wire.flush()?;
            client.read_head("HTTP/1.1 101 ")?;
        }
        Ok(client)
    }

    /// Asks which contacts a user has, who has none.
    pub(super) fn ask(&mut self) -> Result<()> {
        self.asked += 1;
        let mut query = Template::new(requests::Kind::Query, self.kind.name());
        let request = query.request(99_999_999, self.asked);
        if self.kind == Kind::Wss {
            // A whole text frame; its mask is 0 (RFC 6455 §5.2).
            self.wire.write_all(&[0x81, 0x80 | 126])?;
            self.wire.write_all(&u16::try_from(request.len())?.to_be_bytes())?;
            self.wire.write_all(&[0; 4])?;
        }
        self.wire.write_all(request)?;
        self.wire.flush()?;
        // Either has nothing to list: 200 here, 404 or the like elsewhere.
        self.read_head("SIP/2.0 ")
    }

    /// Reads up to an empty line; the length of a frame may stand before it.
    fn read_head(&mut self, begins: &str) -> Result<()> {
        let mut head = Vec::new();
        let mut some = [0; 2048];
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.wire.read(&mut some)?;
            ensure!(read > 0 && head.len() < 65_536, "it closed after {}", String::from_utf8_lossy(&head));
            head.extend(some.get(..read).context("more than there is room for")?);
        }
        let text = String::from_utf8_lossy(&head);
        ensure!(text.contains(begins), "not {begins}: {text}");
        Ok(())
    }
}
