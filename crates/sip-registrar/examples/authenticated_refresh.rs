//! Refreshes one binding N times with a password, by one nonce of which the count rises, for counting instructions.
#![expect(clippy::print_stdout, reason = "a command-line example")]

mod counted;

use std::error::Error;

use counted::{House, REGISTER, Template, times};
use md5::{Digest, Md5};

/// Requests that are made before the first is handed in, whatever N is: what the phone does is no part of the difference.
const MADE: u32 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let times = times()?;
    if times > MADE {
        return Err(format!("at most {MADE} times").into());
    }
    let mut house = House::new(true, None)?;
    let mut template = Template::new(REGISTER);
    house.ask(0, template.request(0)?);
    let challenge = house.answer().into_owned();
    let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).ok_or("no nonce")?;
    let mut requests = Vec::new();
    for count in 1..=MADE {
        let request = String::from_utf8_lossy(template.request(count)?).into_owned();
        let line = credentials(nonce, count);
        requests.push(request.replace("Content-Length:", &format!("{line}Content-Length:")));
    }
    for (n, request) in (1..=times).zip(&requests) {
        // All within the life of the nonce.
        house.ask(n, request.as_bytes());
    }
    let (length, answer) = (requests.first().map_or(0, String::len), house.answer());
    println!("{length} bytes asked, {times} times; the last answer:\n{answer}");
    if answer.starts_with("SIP/2.0 200 ") { Ok(()) } else { Err("no 200".into()) }
}

/// The line that answers the challenge (RFC 7616 §3.4.1).
fn credentials(nonce: &str, count: u32) -> String {
    let hex = |text: &str| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (ha1, ha2) = (hex("alice:example.com:secret"), hex("REGISTER:sip:example.com;transport=udp"));
    let response = hex(&format!("{ha1}:{nonce}:{count:08x}:0a4f113b:auth:{ha2}"));
    format!(
        "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"{nonce}\", \
         uri=\"sip:example.com;transport=udp\", response=\"{response}\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, \
         nc={count:08x}\r\n"
    )
}
