//! The server, with short limits.

use std::future::{Ready, ready};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sip_transport::{
    CertificateFiles, ClientCertificates, Counters, CountersHandle, Destination, FlowEvent, Inbound, Ingress, Leg,
    LegSpec, Now, Outbox, Peer, Server, ServerConfig, Shutdown, StreamConfig, Tick, Tls, TlsFiles,
};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// What a connection may take for anything.
const SOON: Duration = Duration::from_secs(1);

/// Answers with what was sent, many times over if it says so.
struct Echo;

impl Ingress for Echo {
    type Pending = Ready<()>;
    type Resume = ();

    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Ready<()>> {
        let flow = rx.peer.flow?;
        let much = rx.bytes.starts_with(b"MUCH ");
        (0..if much { 1000 } else { 1 }).for_each(|_| out.send(Destination::Stream(flow), rx.bytes));
        None
    }

    fn resume(&mut self, (): (), _: Now, _: &mut Outbox) -> Option<Ready<()>> {
        Some(ready(()))
    }

    fn on_flow(&mut self, _: &Peer, _: FlowEvent, _: Now, _: &mut Outbox) {}

    fn on_tick(&mut self, _: Now, _: &mut Outbox) -> Tick {
        Tick::Done
    }
}

/// A server on legs of TCP, TLS, WS and WSS, in this order.
pub(crate) struct Running {
    addrs: Vec<SocketAddr>,
    pub(crate) client: Arc<ClientConfig>,
    counters: CountersHandle,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
}

impl Running {
    pub(crate) fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("sip-transport-hostile-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = CertificateFiles { chain: folder.join("chain.pem"), key: folder.join("key.pem") };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.chain, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&files.chain).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());

        let tls = TlsFiles { certificates: vec![files], clients: ClientCertificates::Off };
        let tls = Some(Tls::new(tls.load().unwrap()));
        let leg = |scheme: &str| {
            let spec: LegSpec = format!("{scheme}:127.0.0.1:0").parse().unwrap();
            Leg { tls: tls.clone().filter(|_| spec.transport().is_secure()), ..spec.into() }
        };
        let streams = StreamConfig {
            first_byte: SOON,
            handshake: SOON,
            upgrade: SOON,
            message: SOON,
            write: SOON,
            write_queue: 64 << 10,
            connections: 100_000,
            connections_per_source: 100_000,
            ..StreamConfig::default()
        };
        let config = ServerConfig {
            legs: ["tcp", "tls", "ws", "wss"].into_iter().map(leg).collect(),
            workers: NonZeroU16::new(2),
            streams,
            ..ServerConfig::default()
        };
        let server = Server::bind(config).expect("the tests need 127.0.0.1 on the loopback interface");
        let (addrs, counters, shutdown) = (server.local_addrs(), server.counters(), Shutdown::new());
        let stop = shutdown.clone();
        let thread = std::thread::spawn(move || assert!(server.run(|_| Echo, &stop).is_ok()));
        Self { addrs, client, counters, shutdown, thread: Some(thread), folder }
    }

    /// A connection to one of the legs.
    pub(crate) fn connect(&self, leg: usize) -> TcpStream {
        let stream = TcpStream::connect(self.addrs[leg]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters.snapshot()
    }

    /// Waits until every connection has ended.
    pub(crate) fn wait_until_empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let counters = self.counters();
            let ended: u64 = sip_transport::CloseCause::ALL.iter().map(|cause| counters.closed(*cause)).sum();
            if ended == counters.connections_accepted {
                return;
            }
            assert!(Instant::now() < deadline, "{ended} have ended: {counters:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cut();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How many file descriptors this process may have, once it has asked for as many as it can get.
pub(crate) fn descriptors() -> usize {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    usize::try_from(most).unwrap_or(usize::MAX)
}
