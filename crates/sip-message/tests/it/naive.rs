//! The index against a splitter that does the same in the plainest way, on messages of every odd but legal shape and
//! on such messages with bytes changed.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::{collection, option, prop_assert, prop_assert_eq, proptest};
use sip_message::frame::{Frame, FrameLimits, Framer};
use sip_message::{Framing, HeaderId, Index};

/// Long name, value with its folds.
type Header = (String, Vec<u8>);

#[derive(Debug, PartialEq)]
struct Split {
    start: Vec<u8>,
    headers: Vec<Header>,
    body: Vec<u8>,
}

/// The message, if it can be read in one way only.
fn split(bytes: &[u8]) -> Option<Split> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
    let mut lines: Vec<Vec<u8>> = vec![vec![]];
    let mut left = head.iter().copied().peekable();
    while let Some(byte) = left.next() {
        match byte {
            b'\r' if left.peek() == Some(&b'\n') => {
                left.next();
                lines.push(vec![]);
            }
            b'\t' | b' '..=b'~' | 0x80.. => lines.last_mut()?.push(byte),
            _ => return None,
        }
    }
    let start = lines.remove(0);
    is_start(&start).then_some(())?;
    let mut headers: Vec<Header> = Vec::new();
    for line in lines {
        if matches!(line[..], [b' ' | b'\t', ..]) {
            let (_, value) = headers.last_mut()?;
            value.extend_from_slice(b"\r\n");
            value.extend_from_slice(&line);
        } else {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?.trim_end_matches([' ', '\t']);
            let is_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
            (!name.is_empty() && name.chars().all(is_token)).then_some(())?;
            headers.push((long(name), line[colon + 1..].to_vec()));
        }
    }
    for (_, value) in &mut headers {
        *value = value.trim_ascii().to_vec();
    }
    let all = |name: &str| {
        headers.iter().filter(|header| header.0 == name).map(|header| header.1.clone()).collect::<Vec<_>>()
    };
    let repeated = HeaderId::ALL.iter().any(|id| id.is_single() && all(&id.name().to_lowercase()).len() > 1);
    let body = match all("content-length").first() {
        None => rest,
        Some(value) => {
            rest.get(..std::str::from_utf8(value).ok().filter(|v| !v.starts_with('+'))?.parse::<u32>().ok()? as usize)?
        }
    };
    let method = start.split(|&byte| byte == b' ').next()?;
    let cseq_fits = start.to_ascii_lowercase().starts_with(b"sip/")
        || all("cseq").iter().all(|cseq| cseq.split(u8::is_ascii_whitespace).next_back() == Some(method));
    (!repeated && cseq_fits && headers.len() <= 100).then(|| Split { start, headers, body: body.to_vec() })
}

fn long(name: &str) -> String {
    let is_compact =
        |id: &HeaderId| id.compact().is_some_and(|letter| name.eq_ignore_ascii_case(&char::from(letter).to_string()));
    HeaderId::ALL.iter().find(|id| is_compact(id)).map_or(name, |id| id.name()).to_lowercase()
}

fn is_start(line: &[u8]) -> bool {
    // Bytes of reasons may be anything; all else is compared as text.
    let text = String::from_utf8_lossy(line);
    let parts: Vec<&str> = text.splitn(3, ' ').collect();
    let is_version = |part: &str| {
        let Some(("SIP", version)) = part
            .split_once('/')
            .map(|(sip, version)| (if sip.eq_ignore_ascii_case("sip") { "SIP" } else { sip }, version))
        else {
            return false;
        };
        let Some((major, minor)) = version.split_once('.') else { return false };
        [major, minor].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_token =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c));
    match parts[..] {
        [version, code, _] if is_version(version) => {
            code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0')
        }
        [method, uri, version] => is_token(method) && !uri.is_empty() && is_version(version),
        _ => false,
    }
}

/// The same by the index.
fn indexed(bytes: &[u8]) -> Option<Split> {
    let mut index = Index::new();
    let message = index.read(bytes, Framing::Datagram).unwrap();
    if message.fault().is_some() {
        return None;
    }
    let start = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
    let name = |field: sip_message::Field<'_>| match field.id {
        HeaderId::Other => std::str::from_utf8(field.name).unwrap().to_lowercase(),
        id => id.name().to_lowercase(),
    };
    let headers = message.fields().map(|field| (name(field), field.value.to_vec())).collect();
    Some(Split { start: bytes[..start].to_vec(), headers, body: message.body().to_vec() })
}

fn white() -> impl Strategy<Value = String> {
    select(vec!["", " ", "\t", "  ", " \t ", "\r\n ", " \r\n\t", "\r\n \r\n "]).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    // Those that decide about the rest are put in apart.
    let apart = |id: &HeaderId| matches!(id, HeaderId::ContentLength | HeaderId::CSeq);
    let ids: Vec<_> = HeaderId::ALL.iter().copied().filter(|id| !apart(id)).chain([HeaderId::Other]).collect();
    (select(ids), 0..4u8).prop_map(|(id, how)| match (id, how, id.compact()) {
        (HeaderId::Other, ..) => "X-Own.Name%".to_owned(),
        (_, 0, Some(letter)) => char::from(letter).to_string(),
        (_, 1, Some(letter)) => char::from(letter).to_uppercase().to_string(),
        (_, 0..=2, _) => id.name().to_owned(),
        _ => id.name().to_uppercase(),
    })
}

fn value() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[!-~]{1,12}",
        Just("<sip:a@b>;tag=1, \"x\\\"\"".to_owned()),
        Just("\u{44f}\u{1F600}".to_owned()),
        Just("a:b".to_owned())
    ];
    collection::vec((word, white()), 0..4)
        .prop_map(|words| words.into_iter().map(|(word, white)| word + &white).collect())
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let start = select(vec![
        "REGISTER sip:a SIP/2.0",
        "NEW-1 tel:+1 sip/2.0",
        "INVITE sip:b SIP/3.1",
        "SIP/2.0 200 OK",
        "SIP/2.0 404 ",
        "sip/2.0 999 a  b",
    ]);
    let header = (name(), select(vec!["", " ", " \t"]), white(), value());
    let headers = collection::vec(header, 0..8);
    let length = option::of((select(vec!["Content-Length", "l", "CONTENT-LENGTH"]), white(), -3..4i32));
    (start, headers, any::<proptest::sample::Index>(), length, "[ -~\r\n]{0,30}", any::<bool>()).prop_map(
        |(start, headers, at, length, body, cseq)| {
            let mut lines: Vec<String> = headers
                .into_iter()
                .map(|(name, before, after, value)| format!("{name}{before}:{after}{value}\r\n"))
                .collect();
            if let Some((name, white, off)) = length {
                let length = (body.len() as i32 - if off < 2 { 0 } else { off - 2 }).max(0) + i32::from(off == -3);
                lines.insert(at.index(lines.len() + 1), format!("{name}:{white}{length}\r\n"));
            }
            if cseq {
                let method = if start.starts_with(['S', 's']) { "ANY" } else { start.split(' ').next().unwrap() };
                lines.insert(at.index(lines.len() + 1), format!("cseq:1 {method}\r\n"));
            }
            format!("{start}\r\n{}\r\n{body}", lines.concat()).into_bytes()
        },
    )
}

/// Messages with some bytes replaced, removed or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let bytes = select(b"\r\n\t :;,\0\x7f\x1b\xffLl0/.A".to_vec());
    (message(), collection::vec((any::<proptest::sample::Index>(), bytes, 0..3u8), 1..4)).prop_map(
        |(mut message, changes)| {
            for (at, byte, how) in changes {
                let at = at.index(message.len());
                match how {
                    0 => message[at] = byte,
                    1 => message.insert(at, byte),
                    _ => drop(message.remove(at)),
                }
            }
            message
        },
    )
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_index_divides_as_the_naive_splitter_does(bytes in message()) {
        prop_assert_eq!(indexed(&bytes), split(&bytes), "{}", bytes.escape_ascii());
    }

    #[test]
    fn what_one_refuses_the_other_refuses(bytes in mutated()) {
        prop_assert_eq!(indexed(&bytes), split(&bytes), "{}", bytes.escape_ascii());
    }

    #[test]
    fn a_stream_is_cut_where_the_index_sees_the_end(bytes in prop_oneof![message(), mutated()], behind in "[ -~]{0,9}") {
        let mut index = Index::new();
        let fault = index.read(&bytes, Framing::Stream).unwrap().fault();
        let mut stream = bytes.clone();
        stream.extend_from_slice(behind.as_bytes());
        match Framer::new(FrameLimits::default()).next(&stream) {
            Frame::Message(length) => {
                let mut index = Index::new();
                let message = index.read(&stream[..length], Framing::Stream).unwrap();
                let head = stream.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                prop_assert!(message.fault().is_some() || message.body().len() == length - head, "{}", stream.escape_ascii());
            }
            other => prop_assert!(fault.is_some(), "{other:?} {}", stream.escape_ascii()),
        }
    }
}
