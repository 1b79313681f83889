//! REGISTER requests as a desk phone sends them, made by patching numbers of fixed width into one text.

use std::time::Instant;

use anyhow::{Context, Result};

/// The domain all users are in; the servers under test are configured for it.
pub(crate) const DOMAIN: &str = "bench.test";

/// Numbers in the text; each place is as wide as its number.
const USER: &str = "UUUUUUUU";
const AOR: &str = "AAAAAAAA";
const DOMAIN_NUMBER: &str = "GGGGGGGG";
const SEQUENCE: &str = "SSSSSSSSSSSS";
const CSEQ: &str = "NNNNNNNNN";
const EXPIRES: &str = "EE";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One contact: a new binding the first time, a refresh afterwards.
    Register {
        /// Seconds.
        expires: u16,
    },
    /// The same, and it lasts until this moment, which is 30 to 99 seconds ahead.
    RegisterUntil(Instant),
    /// No contact: what is bound?
    Query,
}

/// What more there may be of some things than a desk phone needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Users who share an address, each with a contact of its own.
    pub(crate) contacts: u32,
    /// Domains, which the addresses are in by turns.
    pub(crate) domains: u32,
    /// Header lines beside the usual ones.
    pub(crate) headers: u32,
}

impl Shape {
    /// As desk phones have it.
    pub(crate) const USUAL: Self = Self { contacts: 1, domains: 1, headers: 0 };
}

/// The domain with this number, of so many.
pub(crate) fn domain(number: u32, domains: u32) -> String {
    if domains == 1 { DOMAIN.to_owned() } else { format!("d{number:08}.{DOMAIN}") }
}

/// A request's text and where its numbers stand.
pub(crate) struct Template {
    bytes: Vec<u8>,
    shape: Shape,
    users: Vec<usize>,
    aors: Vec<usize>,
    domains: Vec<usize>,
    sequences: Vec<usize>,
    cseqs: Vec<usize>,
    expires: Vec<usize>,
    until: Option<Instant>,
    /// Where a line for credentials fits in.
    line: usize,
    with_line: Vec<u8>,
}

impl Template {
    /// Requests of this kind, sent over `transport` (`UDP` or `TCP`). All name port 5060: rport leads answers back.
    pub(crate) fn new(kind: Kind, transport: &str) -> Self {
        Self::shaped(kind, transport, Shape::USUAL)
    }

    /// The same with more of some things.
    pub(crate) fn shaped(kind: Kind, transport: &str, shape: Shape) -> Self {
        let domain = if shape.domains == 1 { DOMAIN.to_owned() } else { format!("d{DOMAIN_NUMBER}.{DOMAIN}") };
        let more: String =
            (0..shape.headers).map(|at| format!("X-More-{at:02}: what no registrar needs to know\r\n")).collect();
        let (expires, until) = match kind {
            Kind::Register { expires } => (expires.to_string(), None),
            Kind::RegisterUntil(until) => (EXPIRES.to_owned(), Some(until)),
            Kind::Query => (String::new(), None),
        };
        let contact = match kind {
            Kind::Query => String::new(),
            _ => format!(
                "Contact: <sip:u{USER}@127.0.0.1:5060;transport={}>;expires={expires};\
                 +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-0000{USER}>\"\r\n",
                transport.to_ascii_lowercase(),
            ),
        };
        let text = format!(
            "REGISTER sip:{domain} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} 127.0.0.1:5060;rport;branch=z9hG4bK{SEQUENCE}\r\n\
             Max-Forwards: 70\r\n\
             From: \"Desk {AOR}\" <sip:u{AOR}@{domain}>;tag=a{USER}\r\n\
             To: <sip:u{AOR}@{domain}>\r\n\
             Call-ID: 7f3a-{USER}-51c2@127.0.0.1\r\n\
             CSeq: {CSEQ} REGISTER\r\n\
             {contact}\
             Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, UPDATE\r\n\
             User-Agent: Desk Phone 1.0\r\n\
             Supported: replaces, timer\r\n\
             {more}\
             Content-Length: 0\r\n\r\n"
        );
        let places = |mark: &str| text.match_indices(mark).map(|(at, _)| at).collect();
        Self {
            shape,
            users: places(USER),
            aors: places(AOR),
            domains: places(DOMAIN_NUMBER),
            sequences: places(SEQUENCE),
            cseqs: places(CSEQ),
            expires: places(EXPIRES),
            until,
            line: text.find("Content-Length").unwrap_or_default(),
            with_line: Vec::new(),
            bytes: text.into_bytes(),
        }
    }

    /// The request of one user. `sequence` is in the branch and makes the CSeq, so it must grow; the answer names it.
    pub(crate) fn request(&mut self, user: u32, sequence: u64) -> &[u8] {
        for &at in &self.users {
            write_number(&mut self.bytes, at, USER.len(), u64::from(user));
        }
        let aor = user / self.shape.contacts.max(1);
        for &at in &self.aors {
            write_number(&mut self.bytes, at, AOR.len(), u64::from(aor));
        }
        for &at in &self.domains {
            write_number(&mut self.bytes, at, DOMAIN_NUMBER.len(), u64::from(aor % self.shape.domains.max(1)));
        }
        for &at in &self.sequences {
            write_number(&mut self.bytes, at, SEQUENCE.len(), sequence);
        }
        for &at in &self.cseqs {
            // RFC 3261 §8.1.1.5: below 2^31. No leading zero, as phones write it.
            write_number(&mut self.bytes, at, CSEQ.len(), 100_000_000 + sequence % 800_000_000);
        }
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now()).as_secs().clamp(30, 99);
            for &at in &self.expires {
                write_number(&mut self.bytes, at, EXPIRES.len(), left);
            }
        }
        &self.bytes
    }

    /// The same with one more header line.
    pub(crate) fn request_with(&mut self, line: &[u8], user: u32, sequence: u64) -> &[u8] {
        let at = self.line;
        let (head, tail) = self.request(user, sequence).split_at_checked(at).unwrap_or_default();
        let whole = [head, line, tail].concat();
        self.with_line = whole;
        &self.with_line
    }

    /// The length of every request made from it, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Decimal digits, right-aligned with zeros before.
fn write_number(bytes: &mut [u8], at: usize, width: usize, number: u64) {
    let mut rest = number;
    for digit in bytes.iter_mut().skip(at).take(width).rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Status code and sequence number of an answer.
pub(crate) fn read_answer(answer: &[u8]) -> Result<(u16, u64)> {
    const BRANCH: &[u8] = b"branch=z9hG4bK";
    // The echo sends the request back: it counts as an answer of 200.
    let status = match answer.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3)) {
        Some(code) => number(code).context("no status code")?,
        None if answer.starts_with(b"REGISTER ") => 200,
        None => anyhow::bail!("not an answer: {}", String::from_utf8_lossy(answer)),
    };
    let branch = answer.windows(BRANCH.len()).position(|window| window == BRANCH).context("no branch")?;
    let from = branch + BRANCH.len();
    let sequence = answer.get(from..from + SEQUENCE.len()).and_then(number).context("not our branch")?;
    Ok((u16::try_from(status)?, sequence))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_into_their_places_and_come_back() {
        let mut template = Template::new(Kind::Register { expires: 3600 }, "UDP");
        let length = template.size();
        let first = String::from_utf8(template.request(17, 5).to_vec()).unwrap();
        assert!(first.contains("To: <sip:u00000017@bench.test>\r\n"), "{first}");
        assert!(first.contains("CSeq: 100000005 REGISTER\r\n"), "{first}");
        assert!(first.contains(";expires=3600;"), "{first}");
        assert!(
            !first.contains("UUU") && !first.contains("AAA") && !first.contains("SSSS") && !first.contains("NNN"),
            "{first}"
        );
        assert_eq!(read_answer(first.as_bytes()).unwrap(), (200, 5));
        assert_eq!(template.request(99_999_999, 999_999_999_999).len(), length);
        assert!((450..=600).contains(&length), "{length}");
    }

    #[test]
    fn users_share_addresses_and_addresses_share_domains() {
        let shape = Shape { contacts: 3, domains: 2, headers: 4 };
        let mut template = Template::shaped(Kind::Register { expires: 3600 }, "UDP", shape);
        let text = String::from_utf8(template.request(10, 1).to_vec()).unwrap();
        assert!(text.starts_with("REGISTER sip:d00000001.bench.test SIP/2.0\r\n"), "{text}");
        assert!(text.contains("To: <sip:u00000003@d00000001.bench.test>\r\n"), "{text}");
        assert!(text.contains("Contact: <sip:u00000010@127.0.0.1:5060;"), "{text}");
        assert!(text.contains("Call-ID: 7f3a-00000010-51c2@"), "{text}");
        assert_eq!((text.matches("\r\nX-More-").count(), domain(1, 2)), (4, "d00000001.bench.test".to_owned()));
        assert_eq!(domain(0, 1), DOMAIN);
    }

    #[test]
    fn a_line_more_stands_among_the_headers() {
        let mut template = Template::new(Kind::Query, "UDP");
        let text = String::from_utf8(template.request_with(b"Authorization: Digest a=b\r\n", 17, 5).to_vec()).unwrap();
        assert!(text.contains("\r\nAuthorization: Digest a=b\r\nContent-Length: 0\r\n\r\n"), "{text}");
        assert_eq!(text.replace("Authorization: Digest a=b\r\n", "").as_bytes(), template.request(17, 5));
    }

    #[test]
    fn a_request_until_a_moment_says_how_long_that_is() {
        let until = Instant::now() + std::time::Duration::from_secs(70);
        let mut template = Template::new(Kind::RegisterUntil(until), "TCP");
        let text = String::from_utf8(template.request(1, 1).to_vec()).unwrap();
        assert!(text.contains(";expires=69;") || text.contains(";expires=70;"), "{text}");
    }

    #[test]
    fn an_answer_gives_its_status_and_sequence() {
        let answer = b"SIP/2.0 423 Interval Too Brief\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK000000000042;rport=1\r\n\r\n";
        assert_eq!(read_answer(answer).unwrap(), (423, 42));
        assert!(read_answer(b"SIP/2.0 200 OK\r\n\r\n").is_err());
        assert!(read_answer(b"\r\n").is_err());
    }
}
