//! A phone that answers challenges, written from RFC 7616 alone.

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_message::HeaderId;

use crate::harness::Response;

/// What a phone knows and how it answers.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) uri: String,
    pub(crate) method: String,
    pub(crate) nc: Option<u32>,
    pub(crate) qop: Option<&'static str>,
    pub(crate) cnonce: String,
    pub(crate) body: String,
    /// Sends the hash of the name.
    pub(crate) userhash: bool,
    /// Which of several challenges it takes; `None`: the first.
    pub(crate) takes: Option<&'static str>,
}

pub(crate) fn phone(user: &str) -> Phone {
    Phone {
        username: user.to_owned(),
        password: format!("{user}'s password"),
        uri: "sip:example.com".to_owned(),
        method: "REGISTER".to_owned(),
        nc: Some(1),
        qop: Some("auth"),
        cnonce: "0a4f113b".to_owned(),
        body: String::new(),
        userhash: false,
        takes: None,
    }
}

/// A challenge, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenged {
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) algorithm: String,
    pub(crate) qop: Option<String>,
    pub(crate) opaque: Option<String>,
    pub(crate) stale: bool,
    pub(crate) userhash: bool,
}

pub(crate) fn challenges(response: &Response) -> Vec<Challenged> {
    let header = match response.code() {
        401 => HeaderId::WwwAuthenticate,
        407 => HeaderId::ProxyAuthenticate,
        _ => panic!("no challenge: {response:?}"),
    };
    response.lines(header).iter().map(|line| challenged(line)).collect()
}

fn challenged(line: &str) -> Challenged {
    let challenge = sip_message::header::Challenge::parse(line.as_bytes()).unwrap().digest().unwrap().unwrap();
    let text = |value: sip_message::header::Quoted<'_>| String::from_utf8(value.plain().unwrap().to_vec()).unwrap();
    Challenged {
        realm: text(challenge.realm),
        nonce: text(challenge.nonce),
        algorithm: text(challenge.algorithm.unwrap()),
        qop: challenge.qop.map(text),
        opaque: challenge.opaque.map(text),
        stale: challenge.stale,
        userhash: challenge.userhash,
    }
}

fn hash(algorithm: &str, text: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match algorithm.trim_end_matches("-sess") {
        "MD5" => hex(&Md5::digest(text)),
        "SHA-256" => hex(&Sha256::digest(text)),
        "SHA-512-256" => hex(&Sha512_256::digest(text)),
        other => panic!("{other}"),
    }
}

impl Phone {
    /// The credentials with which it answers one of these challenges.
    pub(crate) fn answer(&self, challenges: &[Challenged]) -> String {
        let wanted = |challenge: &&Challenged| self.takes.is_none_or(|takes| takes == challenge.algorithm);
        let Challenged { realm, nonce, algorithm, opaque, .. } = challenges.iter().find(wanted).unwrap();
        let Self { username, password, uri, method, nc, qop, cnonce, body, userhash, .. } = self;
        let hash = |text: String| hash(algorithm, &text);
        let mut a1 = hash(format!("{username}:{realm}:{password}"));
        if algorithm.ends_with("-sess") {
            a1 = hash(format!("{a1}:{nonce}:{cnonce}"));
        }
        let a2 = match *qop {
            Some("auth-int") => hash(format!("{method}:{uri}:{}", hash(body.clone()))),
            _ => hash(format!("{method}:{uri}")),
        };
        let nc = nc.map(|nc| format!("{nc:08x}")).unwrap_or_default();
        let (response, counted) = match qop {
            Some(qop) => (
                hash(format!("{a1}:{nonce}:{nc}:{cnonce}:{qop}:{a2}")),
                format!(", qop={qop}, nc={nc}, cnonce=\"{cnonce}\""),
            ),
            None if algorithm.ends_with("-sess") => {
                (hash(format!("{a1}:{nonce}:{a2}")), format!(", cnonce=\"{cnonce}\""))
            }
            None => (hash(format!("{a1}:{nonce}:{a2}")), String::new()),
        };
        let opaque = opaque.as_ref().map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
        let (username, userhash) = if *userhash {
            (hash(format!("{username}:{realm}")), ", userhash=true")
        } else {
            (username.replace('"', "\\\""), "")
        };
        format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}{counted}{opaque}{userhash}"
        )
    }
}
