//! Random damage to credentials that are right.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Target, theft};
use crate::harness::{Answer, Phone, Request, Response};

const ALICE: &str = "sip:alice@example.com";
const MUTATIONS: usize = 50_000;
/// So many are under way at once: together they fit into any receive buffer.
const BATCH: usize = 64;

/// A linear congruential generator (Knuth's MMIX), so that a failure can be repeated.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const SALT: [&[u8]; 14] =
    [b"\"", b"\\", b",", b"=", b" ", b"\t", b"\0", b"\r", b"\n", b"\r\n ", b"\x80", b"%00", b"a", b"0"];

fn damage(value: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = value.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let length = 1 + random.below(12).min(bytes.len() - at - 1);
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            2 => drop(bytes.splice(at..at, random.of(&SALT).iter().copied())),
            3 => drop(bytes.splice(at..at + length, random.of(&SALT).iter().copied())),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let copy = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            6 => {
                let mut params: Vec<_> = bytes.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
                let (one, other) = (random.below(params.len()), random.below(params.len()));
                match random.below(3) {
                    0 => params.swap(one, other),
                    1 => params.insert(one, params[other].clone()),
                    _ => drop(params.remove(one)),
                }
                bytes = params.join(&b',');
            }
            _ => bytes.truncate(at),
        }
        if bytes.is_empty() {
            return b"Digest".to_vec();
        }
    }
    bytes
}

/// What a generous reader finds in the value: who reads the same was told the same. `None`: nothing at all.
fn meaning(value: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let value = value.trim_ascii();
    let (scheme, mut rest) = value.split_at_checked(6)?;
    let mut found = BTreeMap::new();
    while !rest.trim_ascii().is_empty() {
        let (mut quoted, mut escaped) = (false, false);
        let end = rest.iter().position(|byte| {
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped && quoted;
            *byte == b',' && !quoted
        });
        let (param, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.strip_prefix(b",").unwrap_or(after);
        let Some(equals) = param.iter().position(|byte| *byte == b'=') else { continue };
        let name = String::from_utf8_lossy(param[..equals].trim_ascii()).to_lowercase();
        let value = param[equals + 1..].trim_ascii();
        let mut value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value).to_vec();
        let mut escaped = false;
        value.retain(|byte| {
            escaped = *byte == b'\\' && !escaped;
            !escaped
        });
        if name == "response" || name == "algorithm" {
            value.make_ascii_lowercase();
        }
        // Whether it is said or left to be assumed, it is MD5; and nobody asks for what nobody knows.
        let known = ["username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"].contains(&&*name);
        if known || (name == "algorithm" && value != b"md5") {
            found.insert(name, value);
        }
    }
    scheme.eq_ignore_ascii_case(b"Digest").then_some(found)
}

/// Sends all, and gives the answers by Call-ID; some may be left out.
fn ask_all(phone: &mut Phone, attacks: &[(Request, Vec<u8>)]) -> BTreeMap<String, Response> {
    for (request, value) in attacks {
        let text = phone.text(request);
        let (head, tail) = text.split_once("Content-Length").unwrap();
        phone.send(&[head.as_bytes(), b"Authorization: ", value, b"\r\nContent-Length", tail.as_bytes()].concat());
    }
    // One socket of the registrar gets all of these in order, so the answer to this comes last.
    let last = Request::new("OPTIONS", "sip:example.com", "sip:example.com");
    phone.send(phone.text(&last).as_bytes());
    let mut answers = BTreeMap::new();
    loop {
        let response = phone.receive();
        let call_id = response.header("Call-ID").to_owned();
        if call_id == last.call_id {
            return answers;
        }
        answers.insert(call_id, response);
    }
}

#[test]
fn of_fifty_thousand_mutations_of_a_valid_answer_none_registers() {
    let target = Target::start("");
    let began = Instant::now();
    let mut phone = Phone::udp(target.server.udp());
    let mut random = Random(20_260_501);
    let (mut sent, mut answered) = (0, 0);
    while sent < MUTATIONS {
        // Each batch has a nonce that nobody has used yet: what is read as the original would register.
        let good = Answer::of("alice").to(&target.challenge(&theft(ALICE))).to_string();
        let original = meaning(good.as_bytes()).unwrap();
        assert_eq!(original.len(), 8);
        let mut attacks = Vec::new();
        while attacks.len() < BATCH {
            let value = damage(good.as_bytes(), &mut random);
            if meaning(&value).as_ref() != Some(&original) {
                attacks.push((theft(ALICE), value));
            }
        }
        // And as it is for somebody else.
        attacks.push((theft("sip:bob@example.com").from(ALICE), good.into_bytes()));
        let answers = ask_all(&mut phone, &attacks);
        for (request, value) in &attacks {
            let status = answers.get(&request.call_id).map(Response::status);
            let refused = status.is_none_or(|status| matches!(status, 400 | 401 | 403));
            assert!(refused, "{status:?} to {}", String::from_utf8_lossy(value));
        }
        sent += attacks.len();
        answered += answers.len();
    }
    assert!(target.server.table().is_as(&target.before));
    // Hardly any damage reaches the Via, without which nobody can be answered.
    assert!(answered * 100 > sent * 99, "{answered} of {sent}");
    println!("{sent} in {:?}", began.elapsed());
    target.server.stop();
}

/// So that the test above does not pass because nothing can.
#[test]
fn what_is_read_as_the_original_registers() {
    let target = Target::start("");
    let mut phone = Phone::udp(target.server.udp());
    for change in [
        (", ", ","),
        ("Digest ", "dIGEST \t "),
        ("realm=", "REALM = "),
        ("algorithm=MD5, ", ""),
        ("algorithm=MD5", "algorithm=\"md5\""),
        ("qop=auth", "qop=\"auth\", x=\"\\\"\""),
        ("\"alice\"", "\"al\\ice\""),
    ] {
        let own = Request::register(ALICE);
        let good = Answer::of("alice").to(&target.challenge(&own)).to_string();
        let changed = good.replace(change.0, change.1);
        assert!(changed != good && meaning(changed.as_bytes()) == meaning(good.as_bytes()), "{changed}");
        let answers = ask_all(&mut phone, &[(own.clone(), changed.into_bytes())]);
        assert_eq!(answers[&own.call_id].contacts().len(), 1, "{change:?}");
    }
    target.server.stop();
}
