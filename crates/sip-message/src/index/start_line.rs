//! The first line (RFC 3261 §7.1, §7.2).

use super::Span;
use crate::chars::{DIGIT, TOKEN};
use crate::step::{Step, byte, some, stop};

/// What the first line says, as places in the message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum StartLine {
    #[default]
    Unreadable,
    Request {
        method: Span,
        uri: Span,
        version_2: bool,
    },
    Response {
        code: u16,
        reason: Span,
        version_2: bool,
    },
}

/// Reads the line without its line end. Exactly one SP stands between its parts: RFC 4475 §3.1.2.8–3.1.2.10.
pub(crate) fn start_line(line: &[u8]) -> StartLine {
    let parsed = if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
        status_line(line)
    } else {
        request_line(line)
    };
    parsed.map_or(StartLine::Unreadable, |(_, start)| start)
}

fn request_line(line: &[u8]) -> Step<'_, StartLine> {
    let (rest, method) = some(TOKEN)(line)?;
    let (rest, ()) = byte(b' ')(rest)?;
    let Some(end) = memchr::memchr(b' ', rest) else { return stop(rest) };
    let Some((uri, rest)) = rest.split_at_checked(end) else { return stop(rest) };
    if uri.is_empty() {
        return stop(rest);
    }
    let (rest, ()) = byte(b' ')(rest)?;
    let uri_from = method.len() + 1;
    let (rest, version_2) = version(rest)?;
    if !rest.is_empty() {
        return stop(rest);
    }
    let uri = Span::new(uri_from, uri_from + uri.len());
    Ok((rest, StartLine::Request { method: Span::new(0, method.len()), uri, version_2 }))
}

fn status_line(line: &[u8]) -> Step<'_, StartLine> {
    let (rest, version_2) = version(line)?;
    let (rest, ()) = byte(b' ')(rest)?;
    let (rest, digits) = some(DIGIT)(rest)?;
    let &[hundreds, tens, ones] = digits else { return stop(rest) };
    let code = [hundreds, tens, ones].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if code < 100 {
        return stop(rest);
    }
    let (reason, ()) = byte(b' ')(rest)?;
    let reason = Span::new(line.len() - reason.len(), line.len());
    Ok((&[], StartLine::Response { code, reason, version_2 }))
}

/// `SIP/` and two numbers; whether they are 2 and 0.
fn version(input: &[u8]) -> Step<'_, bool> {
    if input == b"SIP/2.0" {
        return Ok((&[], true));
    }
    let Some((name, rest)) = input.split_at_checked(4) else { return stop(input) };
    if !name.eq_ignore_ascii_case(b"SIP/") {
        return stop(input);
    }
    let (rest, major) = some(DIGIT)(rest)?;
    let (rest, ()) = byte(b'.')(rest)?;
    let (rest, minor) = some(DIGIT)(rest)?;
    Ok((rest, major == b"2" && minor == b"0"))
}
