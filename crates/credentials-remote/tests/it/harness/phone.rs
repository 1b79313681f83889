//! A phone that registers with a password, through the link that asks the store.

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_dispatch::{Config, Dispatcher, Link, ReceiveChain, Share};
use sip_message::header::{Algorithm, Challenge};
use sip_message::{Framing, HeaderId, Index};
use sip_registrar::Registrar;
use sip_registrar::auth::{Algorithms, Authorize, Policy};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

use super::Worker;

/// Registers `username`, which may be a whole address, with this password, by this algorithm: gives the status.
pub(crate) fn registers(worker: &Worker, username: &str, password: &str, algorithm: Algorithm) -> u16 {
    let policy = Policy { algorithms: Algorithms::new([algorithm]), ..Policy::default() };
    let link = Authorize::builder().credentials(worker.remote.clone()).domains(["example.com"]).policy(policy);
    let registrar = Registrar::builder().domains(["example.com"]).build().unwrap();
    let chain = ReceiveChain::new([Link::from(link.build().unwrap()), Link::from(registrar)]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);
    let name = username.split('@').next().unwrap();
    let (code, nonce) = answer(worker, &mut dispatcher, &register(name, 1, ""));
    assert_eq!(code, 401);
    let hash = |text: String| hash(algorithm, &text);
    let a1 = hash(format!("{username}:example.com:{password}"));
    let a2 = hash("REGISTER:sip:example.com".to_owned());
    let response = hash(format!("{a1}:{nonce}:00000001:0a4f113b:auth:{a2}"));
    let credentials = format!(
        "Authorization: Digest username=\"{username}\", realm=\"example.com\", nonce=\"{nonce}\", \
         uri=\"sip:example.com\", response=\"{response}\", algorithm={}, qop=auth, nc=00000001, cnonce=\"0a4f113b\"\r\n",
        algorithm.name()
    );
    answer(worker, &mut dispatcher, &register(name, 2, &credentials)).0
}

fn register(name: &str, cseq: u32, headers: &str) -> String {
    format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{name}@example.com>;tag=1\r\nTo: <sip:{name}@example.com>\r\n\
         Call-ID: a\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:a@127.0.0.1:7777>;expires=300\r\n\
         {headers}Content-Length: 0\r\n\r\n"
    )
}

/// The status of what is answered, and the nonce in it.
fn answer(worker: &Worker, dispatcher: &mut Dispatcher, request: &str) -> (u16, String) {
    let peer = Peer {
        leg: LegId(0),
        transport: Transport::Udp,
        remote: "127.0.0.1:40000".parse().unwrap(),
        local: "127.0.0.1:5060".parse().unwrap(),
        flow: None,
    };
    let now = Now::from_millis(1_700_000_000_000);
    let mut outbox = Outbox::new();
    let mut pending = dispatcher.on_message(Inbound { bytes: request.as_bytes(), peer, now }, &mut outbox);
    while let Some(waiting) = pending {
        let done = worker.wait(waiting);
        pending = dispatcher.resume(done, now, &mut outbox);
    }
    let (_, bytes) = outbox.last().unwrap();
    let mut index = Index::new();
    let message = index.read(bytes, Framing::Stream).unwrap();
    let code = str::from_utf8(bytes).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let challenge = message.lines(HeaderId::WwwAuthenticate).next().map(|line| {
        let challenge = Challenge::parse(line).unwrap().digest().unwrap().unwrap();
        String::from_utf8(challenge.nonce.plain().unwrap().to_vec()).unwrap()
    });
    (code, challenge.unwrap_or_default())
}

fn hash(algorithm: Algorithm, text: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match algorithm {
        Algorithm::Md5 => hex(&Md5::digest(text)),
        Algorithm::Sha256 => hex(&Sha256::digest(text)),
        Algorithm::Sha512_256 => hex(&Sha512_256::digest(text)),
        other => panic!("{other:?}"),
    }
}
