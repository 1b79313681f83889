//! Answers N requests of one kind, for counting instructions.
#![expect(clippy::print_stdout, reason = "a command-line example")]

mod counted;

use std::error::Error;

use counted::{House, REGISTER, Template, arguments, links};
use md5::{Digest, Md5};
use sha2::Sha256;
use sip_dispatch::links::Fallback;
use sip_message::header::Algorithm;
use sip_registrar::auth::{Account, Algorithms, Authorize, Ha1, HashFunction, Policy, UserTable};

/// How often the phone computes an answer to a challenge, whatever N is, before what is counted begins: so its work is no
/// part of the difference.
const MADE: u32 = 1300;

const USAGE: &str =
    "usage: requests refresh|tenth|new|query|challenge|KIND-md5|KIND-sha-256 [--repeat N], KIND: pair, again, check";

fn main() -> Result<(), Box<dyn Error>> {
    let (what, times) = arguments()?;
    let what = what.as_deref().unwrap_or("refresh");
    let (kind, function) = match what.split_once('-') {
        Some((kind, "md5")) => (kind, HashFunction::Md5),
        Some((kind, "sha-256")) => (kind, HashFunction::Sha256),
        Some(_) => return Err(USAGE.into()),
        None => (what, HashFunction::Sha256),
    };
    let (house, status) = match kind {
        "refresh" => (plain(REGISTER, times)?, "200"),
        "tenth" => (tenth(times)?, "200"),
        "new" => (plain(&REGISTER.replace("alice", "1000000000"), times)?, "200"),
        "query" => (query(times)?, "200"),
        "challenge" => (challenge(times, function)?, "401"),
        "pair" => (pairs(times, function)?, "200"),
        "again" => (again(with_passwords(function)?, times, function)?, "200"),
        // Who is let through finds nobody who answers REGISTER.
        "check" => {
            let only = vec![authorize(function)?, Fallback { allow: &["OPTIONS"] }.into()];
            (again(House::of(only, None)?, times, function)?, "405")
        }
        _ => return Err(USAGE.into()),
    };
    println!("{what}, {times} times; the last answer:\n{}", house.answer());
    if house.answer().split(' ').nth(1) == Some(status) { Ok(()) } else { Err(format!("not {status}").into()) }
}

/// Nobody is asked for a password.
fn plain(text: &str, times: u32) -> Result<House, Box<dyn Error>> {
    let (mut house, mut template) = (House::of(links([])?, None)?, Template::new(text));
    for n in 0..times {
        house.ask(n, template.request(n)?);
    }
    Ok(house)
}

/// A refresh of one phone of ten that one address has.
fn tenth(times: u32) -> Result<House, Box<dyn Error>> {
    let mut house = House::of(links([])?, None)?;
    let phone = |number: u32| {
        let id = format!("28fa7e35-3d75-4100-af2b-{number:012}");
        let contact = format!("alice@127.0.0.1:{}", 40_000 + number);
        REGISTER.replace("28fa7e35-3d75-4100-af2b-4b47423d3939", &id).replace("alice@127.0.0.1:40000", &contact)
    };
    for other in 1..10 {
        house.ask(0, Template::new(&phone(other)).request(other)?);
    }
    let mut template = Template::new(&phone(0));
    for n in 0..times {
        // At one moment, so that the others do not expire.
        house.ask(0, template.request(10 + n)?);
    }
    Ok(house)
}

fn query(times: u32) -> Result<House, Box<dyn Error>> {
    let asks: String = REGISTER
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Contact:") && !line.starts_with("Expires:"))
        .collect();
    let (mut house, mut template) = (plain(REGISTER, 1)?, Template::new(&asks));
    for n in 1..=times {
        house.ask(n, template.request(n)?);
    }
    Ok(house)
}

fn challenge(times: u32, function: HashFunction) -> Result<House, Box<dyn Error>> {
    let (mut house, mut template) = (with_passwords(function)?, Template::new(REGISTER));
    for n in 0..times {
        house.ask(n, template.request(n)?);
    }
    Ok(house)
}

/// Each time a request without credentials, and one that answers a challenge for the first time.
fn pairs(times: u32, function: HashFunction) -> Result<House, Box<dyn Error>> {
    let (mut house, mut template) = (with_passwords(function)?, Template::new(REGISTER));
    let mut answers = Vec::new();
    for n in 0..MADE {
        house.ask(0, template.request(n)?);
        let line = credentials(function, nonce(&house.answer())?, 1);
        answers.push(with_line(template.request(MADE + n)?, &line));
    }
    for (n, answer) in (0..times).zip(&answers) {
        // All within the life of the nonces.
        house.ask(n, template.request(2 * MADE + n)?);
        house.ask(n, answer.as_bytes());
    }
    enough(times)?;
    Ok(house)
}

/// By one nonce of which the count rises.
fn again(mut house: House, times: u32, function: HashFunction) -> Result<House, Box<dyn Error>> {
    let mut template = Template::new(REGISTER);
    house.ask(0, template.request(0)?);
    let challenge = house.answer().into_owned();
    let mut answers = Vec::new();
    for count in 1..=MADE {
        let line = credentials(function, nonce(&challenge)?, count);
        answers.push(with_line(template.request(count)?, &line));
    }
    for (n, answer) in (1..=times).zip(&answers) {
        house.ask(n, answer.as_bytes());
    }
    enough(times)?;
    Ok(house)
}

fn enough(times: u32) -> Result<(), Box<dyn Error>> {
    if times <= MADE { Ok(()) } else { Err(format!("at most {MADE} times").into()) }
}

/// One that asks alice for her password.
fn with_passwords(function: HashFunction) -> Result<House, Box<dyn Error>> {
    let mut links = links([])?;
    links.insert(2, authorize(function)?);
    House::of(links, None)
}

fn authorize(function: HashFunction) -> Result<sip_dispatch::Link, Box<dyn Error>> {
    let ha1 = Ha1::of(function, b"alice", b"example.com", b"secret");
    let mut users = UserTable::new();
    users.insert(b"example.com", Account::new(*b"alice", *b"example.com").ha1(ha1));
    let algorithm = if function == HashFunction::Md5 { Algorithm::Md5 } else { Algorithm::Sha256 };
    let policy = Policy { algorithms: Algorithms::new([algorithm]), ..Policy::default() };
    Ok(Authorize::builder().domains(["example.com"]).policy(policy).credentials(users).build()?.into())
}

fn nonce(challenge: &str) -> Result<&str, Box<dyn Error>> {
    Ok(challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).ok_or("no nonce")?)
}

fn with_line(request: &[u8], line: &str) -> String {
    String::from_utf8_lossy(request).replace("Content-Length:", &format!("{line}Content-Length:"))
}

/// The line that answers the challenge (RFC 7616 §3.4.1).
fn credentials(function: HashFunction, nonce: &str, count: u32) -> String {
    let text = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (name, hex): (_, &dyn Fn(&str) -> String) = match function {
        HashFunction::Md5 => ("MD5", &|of| text(&Md5::digest(of))),
        _ => ("SHA-256", &|of| text(&Sha256::digest(of))),
    };
    let (ha1, ha2) = (hex("alice:example.com:secret"), hex("REGISTER:sip:example.com;transport=udp"));
    let response = hex(&format!("{ha1}:{nonce}:{count:08x}:0a4f113b:auth:{ha2}"));
    format!(
        "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"{nonce}\", \
         uri=\"sip:example.com;transport=udp\", response=\"{response}\", algorithm={name}, cnonce=\"0a4f113b\", qop=auth, \
         nc={count:08x}\r\n"
    )
}
