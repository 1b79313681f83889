//! Whatever stands in From, To and Authorization: only alice registers, only with her own answer to a nonce of ours,
//! only for her own address, and with each count once. Strangers get no answer longer than twice their request.

use std::num::NonZeroU8;
use std::sync::LazyLock;

use md5::{Digest, Md5};
use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Answer, Config, Dispatcher, Link, ReceiveChain, Share};
use sip_message::header::{Algorithm, Credentials};
use sip_message::{Framing, HeaderId, Index};
use sip_registrar::auth::{Account, Algorithms, Authorize, HashFunction, Policy, Qop, UserTable};
use sip_registrar::{Aor, Registrar};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// Sends a REGISTER with these header lines, in which `{nonce}` is a fresh nonce, and `{auth}` and `{old}` are alice's
/// answers to it with and without qop.
pub fn check(data: &[u8]) {
    let mut server = Server::new();
    let (lines, nonce, [auth, old]) = filled_in(&mut server, data);
    let first = server.send(&lines, 2);
    let again = server.send(&lines, 3);
    assert!(!server.knows("bob@example.com"), "bob was registered");
    let registered =
        |answer: &Option<Vec<u8>>| answer.as_ref().is_some_and(|answer| answer.starts_with(b"SIP/2.0 200"));
    if !registered(&first) {
        assert!(!registered(&again) && !server.knows("alice@example.com"));
        return;
    }
    let request = request(&lines, 2);
    let mut index = Index::new();
    let message = index.read(&request, Framing::Datagram).expect("what is answered is not too long");
    let digests =
        message.lines(HeaderId::Authorization).filter_map(|line| Credentials::parse(line).ok()?.digest().ok()?);
    let ours: Vec<_> = digests.filter(|digest| digest.realm.is(b"example.com")).collect();
    let [digest] = ours[..] else { panic!("registered with {} credentials", ours.len()) };
    assert!(digest.nonce.is(nonce.as_bytes()), "another nonce");
    let response = digest.response.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
    match digest.qop {
        Some(_) => assert!(response == auth.as_bytes() && !registered(&again), "a count passed twice"),
        None => assert!(response == old.as_bytes()),
    }
}

/// The lines with a fresh nonce and the answers to it; the nonce, and the answers.
fn filled_in(server: &mut Server, data: &[u8]) -> (Vec<u8>, String, [String; 2]) {
    let stranger = b"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>";
    let challenge = server.send(stranger, 1).expect("a challenge");
    let challenge = String::from_utf8(challenge).expect("a challenge is ASCII");
    let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it has a nonce");
    let [auth, old] = answers(nonce);
    let lines = [("{nonce}", nonce), ("{auth}", &auth), ("{old}", &old)]
        .into_iter()
        .fold(data.to_vec(), |lines, (mark, text)| replaced(&lines, mark.as_bytes(), text.as_bytes()));
    (lines, nonce.to_owned(), [auth, old])
}

/// Alice's answers by MD5 with qop=auth, nc=00000001, cnonce="c" and uri="sip:example.com", and without qop.
fn answers(nonce: &str) -> [String; 2] {
    let hash = |text: String| -> String { Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect() };
    let a1 = hash("alice:example.com:secret".to_owned());
    let a2 = hash("REGISTER:sip:example.com".to_owned());
    [format!("{a1}:{nonce}:00000001:c:auth:{a2}"), format!("{a1}:{nonce}:{a2}")].map(hash)
}

fn replaced(text: &[u8], mark: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by);
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn request(lines: &[u8], cseq: u32) -> Vec<u8> {
    let head = format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4:40000;branch=z9hG4bK{cseq}\r\nCall-ID: fuzz\r\n\
         CSeq: {cseq} REGISTER\r\nContact: <sip:phone@192.0.2.4:7777>;expires=300\r\n"
    );
    [head.as_bytes(), lines, b"\r\n\r\n"].concat()
}

struct Server {
    dispatcher: Dispatcher,
    registrar: Registrar,
}

impl Server {
    fn new() -> Self {
        static USERS: LazyLock<std::sync::Arc<UserTable>> = LazyLock::new(|| {
            let mut users = UserTable::new();
            for name in ["alice", "bob"] {
                let password: &[u8] = if name == "alice" { b"secret" } else { b"not to be guessed" };
                users.insert(b"example.com", Account::new(name.as_bytes(), *b"example.com").password(password));
            }
            users.with_userhash(&HashFunction::ALL).into()
        });
        let policy = Policy {
            algorithms: Algorithms::new([Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256]),
            qops: vec![Qop::Auth, Qop::AuthInt],
            userhash: true,
            ..Policy::default()
        };
        let link = Authorize::builder()
            .credentials(USERS.clone())
            .domains(["example.com"])
            .policy(policy)
            .remembered_nonces(1000)
            .wrong_passwords(0)
            .build()
            .expect("good settings");
        let registrar = Registrar::builder().domains(["example.com"]).build().expect("good settings");
        let chain = ReceiveChain::new([
            Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
            link.into(),
            Link::from(registrar.clone()),
            Fallback { allow: &["REGISTER"] }.into(),
        ]);
        let config = Config { absorb_bytes: 1 << 16, answer_ratio: NonZeroU8::new(2), ..Config::default() };
        Self { dispatcher: Dispatcher::new(chain, config, Share::WHOLE), registrar }
    }

    fn send(&mut self, lines: &[u8], cseq: u32) -> Option<Vec<u8>> {
        let request = request(lines, cseq);
        let peer = Peer {
            leg: LegId(0),
            transport: Transport::Udp,
            remote: ([192, 0, 2, 4], 40000).into(),
            local: ([192, 0, 2, 1], 5060).into(),
            flow: None,
        };
        let mut out = Outbox::new();
        let rx = Inbound { bytes: &request, peer, now: NOW };
        assert!(self.dispatcher.on_message(rx, &mut out).is_none(), "a table does not wait");
        let answer = out.last().map(|(_, answer)| answer.to_vec());
        let is_limited = answer.as_ref().is_none_or(|answer| {
            // An answer to who has proved who it is may be as long as it is.
            let proved = ["SIP/2.0 2", "SIP/2.0 403"].iter().any(|start| answer.starts_with(start.as_bytes()));
            proved || answer.len() <= 2 * request.len()
        });
        assert!(is_limited, "longer than twice its request");
        answer
    }

    fn knows(&self, aor: &str) -> bool {
        let mut buffer = Vec::new();
        let aor = Aor::parse(aor, &mut buffer).expect("an address");
        matches!(self.registrar.query(&aor, NOW), Answer::Now(Ok(Some(_))))
    }
}

const NOW: Now = Now::from_millis(1_700_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the oracle would look at refusals alone.
    #[test]
    fn alice_registers_with_her_own_answers() {
        for file in ["good", "without-qop", "other-realm-too", "extended"] {
            let path = format!("{}/corpus/authorize/{file}", env!("CARGO_MANIFEST_DIR"));
            let mut server = Server::new();
            let lines = filled_in(&mut server, &std::fs::read(path).unwrap()).0;
            let answer = server.send(&lines, 2).unwrap();
            assert!(answer.starts_with(b"SIP/2.0 200"), "{file}: {}", String::from_utf8_lossy(&answer));
        }
    }
}
