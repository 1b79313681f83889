//! A message without its secrets.

use std::fmt::Write;

/// Stands for what is not shown.
const MASK: &str = "***";

/// The longest message that is shown, in bytes; what is longer is cut.
const LONGEST: usize = 8192;

/// Headers of which little is shown.
const GUARDED: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "proxy-authentication-info",
];

/// What of them is shown. Everything else is of use to whoever wants to guess a password, or to be somebody else.
const SHOWN: [&str; 11] =
    ["username", "username*", "realm", "domain", "uri", "algorithm", "qop", "nc", "stale", "userhash", "charset"];

/// Parameters that are secrets wherever they stand: with the first, calls are pushed to a phone (RFC 8599).
const SECRET: [&str; 2] = ["pn-prid=", "pn-param="];

/// A message as text, without digests, nonces, passwords and its body. What is no printable ASCII is escaped.
pub(super) fn message(bytes: &[u8]) -> String {
    let (bytes, is_cut) = match bytes.split_at_checked(LONGEST) {
        Some((shown, [_, ..])) => (shown, true),
        _ => (bytes, false),
    };
    let (head, body) = split(bytes);
    let mut text = String::with_capacity(head.len() + 64);
    let mut lines = head.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        // With the lines that it goes on in.
        let mut line = printable(line);
        while let Some(more) = lines.next_if(|next| matches!(next, [b' ' | b'\t', ..])) {
            line.push(' ');
            line.push_str(printable(more).trim_start());
        }
        text.push_str(&without_secrets(&line));
        text.push('\n');
    }
    if !body.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "({} bytes of body)", body.len());
    }
    if is_cut {
        text.push_str("(and more)\n");
    }
    text
}

/// The head, and the body behind the first empty line.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    let ends = ends.iter().filter_map(|end| Some((memchr::memmem::find(bytes, end)?, end.len())));
    match ends.min() {
        Some((at, length)) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + length..).unwrap_or_default()),
        None => (bytes, b""),
    }
}

fn printable(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len());
    for byte in line {
        match byte {
            b'\t' => text.push(' '),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text
}

fn without_secrets(line: &str) -> String {
    // Also where the colon is missing, or where more stands before it: what looks like such a header is one.
    let lower = line.to_ascii_lowercase();
    if let Some(name) =
        GUARDED.iter().filter(|name| lower.trim_start().starts_with(**name)).max_by_key(|name| name.len())
    {
        let start = line.len() - line.trim_start().len();
        let (name, rest) = line.split_at(start + name.len());
        return match rest.trim_start().strip_prefix(':') {
            Some(value) => format!("{name}: {}", credentials(value.trim_start())),
            None => format!("{name}{MASK}"),
        };
    }
    let mut line = line.to_owned();
    for name in SECRET {
        line = masked_values(&line, name);
    }
    masked_passwords(&line)
}

/// A scheme and parameters, without the values of most of them.
fn credentials(value: &str) -> String {
    let (scheme, params) = match value.split_once(' ') {
        Some((scheme, params)) if !scheme.contains(['=', '"', ',']) => (scheme, params),
        // As in Authentication-Info, which has no scheme.
        _ if value.contains('=') => ("", value),
        _ => return MASK.to_owned(),
    };
    let mut shown: Vec<String> = Vec::new();
    for param in split_quoted(params) {
        let param = param.trim();
        let whole = match param.split_once('=') {
            Some((name, value)) => {
                let (name, value) = (name.trim(), value.trim());
                let is_plain = is_quoted(value) || !value.contains(['"', ' ', '=']);
                match SHOWN.contains(&name.to_ascii_lowercase().as_str()) && is_plain {
                    true => format!("{name}={}", masked_passwords(value)),
                    false if is_token(name) => format!("{name}={MASK}"),
                    false => MASK.to_owned(),
                }
            }
            None => MASK.to_owned(),
        };
        shown.push(whole);
    }
    let scheme = if scheme.is_empty() || is_token(scheme) { scheme } else { MASK };
    format!("{scheme} {}", shown.join(", ")).trim_start().to_owned()
}

/// At commas that stand outside of quotes.
fn split_quoted(params: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in params.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(params.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(params.get(start..).unwrap_or_default());
    parts
}

/// Whether a value is one text in quotes, with no quote within.
fn is_quoted(value: &str) -> bool {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.contains('"'))
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_*.".contains(&byte))
}

/// Without the values behind `name`, up to where a parameter ends.
fn masked_values(line: &str, name: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.to_ascii_lowercase().find(name) {
        let (before, after) = rest.split_at(at + name.len());
        text.push_str(before);
        text.push_str(MASK);
        rest = after.get(after.find([';', '>', ',', '?', '&', ' ']).unwrap_or(after.len())..).unwrap_or_default();
    }
    text + rest
}

/// Without what stands between a colon and the @ of a SIP URI (RFC 3261 §19.1.1).
fn masked_passwords(line: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(line.len()), line);
    loop {
        let lower = rest.to_ascii_lowercase();
        let scheme = ["sip:", "sips:"].iter().filter_map(|scheme| Some(lower.find(scheme)? + scheme.len())).min();
        let Some(start) = scheme else { return text + rest };
        let (before, uri) = rest.split_at(start);
        text.push_str(before);
        let end = uri.find(['<', '>', '"', ' ']).unwrap_or(uri.len());
        let (uri, after) = uri.split_at(end);
        match uri.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => {
                let _ = write!(text, "{user}:{MASK}@{host}");
            }
            None => text.push_str(uri),
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_secret_is_not_shown_and_the_rest_is() {
        let text = "REGISTER sip:example.com SIP/2.0\r\n\
             To: <sip:alice:open-sesame@example.com>\r\n\
             Contact: <sip:alice@192.0.2.7;pn-provider=apns;pn-prid=TOKEN17>;q=0.5\r\n\
             AUTHORIZATION : Digest username=\"alice\", realm=\"a, b\",\r\n nonce=\"N0NCE\", uri=\"sip:example.com\",\r\n\
             \tresponse=\"D1GEST\", nc=00000001, cnonce=\"CN0NCE\"\r\n\
             User-Agent: x\x1b[2J\r\nContent-Length: 4\r\n\r\nbody";
        let shown = message(text.as_bytes());
        let expected = "REGISTER sip:example.com SIP/2.0\n\
             To: <sip:alice:***@example.com>\n\
             Contact: <sip:alice@192.0.2.7;pn-provider=apns;pn-prid=***>;q=0.5\n\
             AUTHORIZATION: Digest username=\"alice\", realm=\"a, b\", nonce=***, uri=\"sip:example.com\", response=***, \
             nc=00000001, cnonce=***\n\
             User-Agent: x\\x1b[2J\nContent-Length: 4\n(4 bytes of body)\n";
        assert_eq!(shown, expected);
        let answer = message(b"SIP/2.0 200 OK\nAuthentication-Info: nextnonce=\"N\", rspauth=\"R\", qop=auth\n\n");
        assert_eq!(answer, "SIP/2.0 200 OK\nAuthentication-Info: nextnonce=***, rspauth=***, qop=auth\n");
        for (odd, expected) in [
            ("Authorization: Basic U0VDUkVU", "Authorization: Basic ***"),
            ("Authorization U0VDUkVU", "Authorization***"),
            ("Authorization: U0VDUkVU", "Authorization: ***"),
            ("Authorization: Digest username=\"x\" response=\"S\"", "Authorization: Digest username=***"),
            ("Authorization: Digest username=\"a\\\", response=\"S\"", "Authorization: Digest username=***"),
            ("Proxy-Authorization: Digest re sponse=S", "Proxy-Authorization: Digest ***"),
        ] {
            assert_eq!(without_secrets(odd), expected);
        }
        assert!(message(&[b'x'; 10_000]).ends_with("(and more)\n"));
    }

    proptest! {
        /// However it is written, a value of a parameter that is not known to be harmless does not come out.
        #[test]
        fn no_secret_comes_out(
            header in "(Proxy-)?[Aa]uthori[Zz]ation", before in "[ \t]{0,2}", space in "(\r\n )?[ \t]{0,2}",
            params in proptest::collection::vec("(username|uri|realm|nc|x)=(\"[a-z,;= \\\\]{0,9}\"|[a-z]{0,5})", 0..4),
            name in "(response|cnonce|nonce|opaque|RESPONSE|password|x)", quoted: bool, at in 0_usize..4,
        ) {
            let secret = if quoted { format!("{name}=\"S3CR3T\"") } else { format!("{name}=S3CR3T") };
            let mut params = params;
            params.insert(at.min(params.len()), secret);
            let text = format!("REGISTER sip:x SIP/2.0\r\n{header}{before}:{space}Digest {}\r\n\r\n", params.join(","));
            let shown = message(text.as_bytes());
            prop_assert!(!shown.contains("S3CR3T"), "{shown} from {text}");
        }

        #[test]
        fn anything_can_be_shown_and_is_printable(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let shown = message(&bytes);
            prop_assert!(shown.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{shown}");
        }
    }
}
