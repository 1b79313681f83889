//! The grammar of URIs (RFC 3261 §25.1), one function for each rule.
//!
//! `inline(always)` here and in the leaves is measured: what would be returned through memory otherwise costs an eighth
//! of the instructions of reading a URI.

use super::escape::{many_escaped, some_escaped};
use super::host::hostport;
use super::{OtherUri, SipUri, TelUri, Uri, tel};
use crate::chars::{ALPHA, Class, DIGIT, HEADER, PARAM, PASSWORD, URIC, USER};
use crate::step::{Step, byte, many, some, stop};

/// Any URI, as far as it goes.
#[inline(always)]
pub(crate) fn uri(input: &[u8]) -> Step<'_, Uri<'_>> {
    match input {
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', rest @ ..] => sip_uri(input, rest, false),
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', rest @ ..] => sip_uri(input, rest, true),
        [b't' | b'T', b'e' | b'E', b'l' | b'L', b':', rest @ ..] => {
            let (rest, (number, params)) = tel::telephone_subscriber(rest)?;
            let (rest, raw) = upto(input, rest)?;
            Ok((rest, Uri::Tel(TelUri::new(raw, number, params))))
        }
        _ => absolute_uri(input),
    }
}

/// `SIP-URI` and `SIPS-URI` with what stands after the scheme.
#[inline(always)]
fn sip_uri<'a>(whole: &'a [u8], input: &'a [u8], secure: bool) -> Step<'a, Uri<'a>> {
    let (rest, (user, password)) = userinfo(input)?;
    let (rest, (host, port)) = hostport(rest)?;
    let (rest, params) = uri_parameters(rest)?;
    let (rest, headers) = if rest.first() == Some(&b'?') { headers(rest)? } else { (rest, [].as_slice()) };
    let (rest, raw) = upto(whole, rest)?;
    if raw.len() > usize::from(u16::MAX) {
        return stop(whole);
    }
    // Each is part of `raw`.
    let length = |part: &[u8]| part.len() as u16;
    let (user, password) = (user.map_or(0, length), password.map_or(0, |password| length(password) + 1));
    let (params, headers) = (length(params), length(headers));
    Ok((rest, Uri::Sip(SipUri { raw, host, port, secure, user, password, params, headers })))
}

type UserInfo<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// `[ userinfo ]`. Only a `@` behind what may be one makes it one, and it stands nowhere else without being escaped.
#[inline(always)]
fn userinfo(input: &[u8]) -> Step<'_, UserInfo<'_>> {
    let (rest, user) = many_escaped(USER, input)?;
    match rest {
        [b'@', rest @ ..] if !user.is_empty() => Ok((rest, (Some(user), None))),
        [b':', rest @ ..] if !user.is_empty() => match many_escaped(PASSWORD, rest)? {
            ([b'@', rest @ ..], password) => Ok((rest, (Some(user), Some(password)))),
            _ => Ok((input, (None, None))),
        },
        _ => Ok((input, (None, None))),
    }
}

/// `uri-parameters`: what follows the first `;`.
#[inline(always)]
pub(super) fn uri_parameters(input: &[u8]) -> Step<'_, &[u8]> {
    let Some((b';', params)) = input.split_first() else { return Ok((input, &[])) };
    let mut rest = params;
    loop {
        (rest, _) = some_escaped(PARAM, rest)?;
        if let Some((b'=', value)) = rest.split_first() {
            (rest, _) = some_escaped(PARAM, value)?;
        }
        match rest.split_first() {
            Some((b';', next)) => rest = next,
            _ => return upto(params, rest),
        }
    }
}

/// `headers`: what follows the `?`.
fn headers(input: &[u8]) -> Step<'_, &[u8]> {
    let (mut rest, ()) = byte(b'?')(input)?;
    let headers = rest;
    loop {
        (rest, _) = some_escaped(HEADER, rest)?;
        (rest, ()) = byte(b'=')(rest)?;
        (rest, _) = many_escaped(HEADER, rest)?;
        match rest.split_first() {
            Some((b'&', next)) => rest = next,
            _ => return upto(headers, rest),
        }
    }
}

/// `absoluteURI`, with the brackets that later specifications allow around an IPv6 address.
fn absolute_uri(input: &[u8]) -> Step<'_, Uri<'_>> {
    const SCHEME: Class = ALPHA.or(DIGIT);
    const OPAQUE: Class = URIC.or(PARAM);
    let _ = some(ALPHA)(input)?;
    let (mut rest, _) = many(SCHEME)(input)?;
    while let Some((b'+' | b'-' | b'.', next)) = rest.split_first() {
        (rest, _) = many(SCHEME)(next)?;
    }
    let (rest, scheme) = upto(input, rest)?;
    let (rest, ()) = byte(b':')(rest)?;
    let (rest, _) = some_escaped(OPAQUE, rest)?;
    let (rest, raw) = upto(input, rest)?;
    Ok((rest, Uri::Other(OtherUri { raw, scheme })))
}

/// What of `input` was read when `rest`, its end, is left.
#[inline(always)]
fn upto<'a>(input: &'a [u8], rest: &'a [u8]) -> Step<'a, &'a [u8]> {
    match input.split_at_checked(input.len().saturating_sub(rest.len())) {
        Some((read, rest)) => Ok((rest, read)),
        None => stop(input),
    }
}

#[cfg(test)]
mod tests {
    use crate::error::{ParseError, Part};
    use crate::uri::{Host, Uri};

    #[test]
    fn every_part_of_a_sip_uri_is_found() {
        let written = b"SIPS:alice;x=%40:pa%20ss&@Example.com:5061;transport=TLS;lr?to=sip:b%40c&body=";
        let Ok(Uri::Sip(uri)) = Uri::parse(written) else { panic!() };
        assert!(uri.is_secure());
        assert_eq!(uri.user(), Some(&b"alice;x=%40"[..]));
        assert_eq!(uri.password(), Some(&b"pa%20ss&"[..]));
        assert_eq!(uri.host(), Host::Name(b"Example.com"));
        assert_eq!(uri.port(), Some(5061));
        assert_eq!(uri.raw_params(), b"transport=TLS;lr");
        assert_eq!(uri.raw_headers(), b"to=sip:b%40c&body=");
        assert_eq!(uri.as_bytes(), written);
        assert_eq!(Uri::Sip(uri).scheme(), b"SIPS");
    }

    #[test]
    fn the_uris_of_the_rfcs_and_of_real_clients_are_read() {
        for written in [
            // RFC 3261 §19.1.3
            "sip:alice@atlanta.com",
            "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone",
            "sips:1212@gateway.com",
            "sip:alice@192.0.2.4",
            "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
            "sip:alice;day=tuesday@atlanta.com",
            // RFC 4475
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com",
            "sip:sips%3Auser%40example.com@example.net",
            "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31",
            "sip:null-%00-null@example.com",
            "sip:%00%00@host5.example.com",
            "sip:user;par=u%40example.net@example.com",
            "sip:services.example.com;lr;unknownwith=value;unknown-no-value",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "sip:+19725552222@gw1.example.net;unknownparam",
            "nobodyKnowsThisScheme:totallyopaquecontent",
            "soap.beep://192.0.2.103:3002",
            "http://www.example.com",
            "isbn:2983792873",
            "name:John_Smith",
            // RFC 5118
            "sip:[2001:db8::10]",
            "sip:[2001:db8::10:5070]",
            "sip:[2001:db8::10]:5070",
            "sip:user@[2001:db8:::192.0.2.1]",
            "sip:ted@[::ffff:192.0.2.2]",
            // Clients
            "sip:sdtt317i@u6thgfeq4rdh.invalid;transport=ws",
            "sip:alice-0x564d39474340@127.0.0.1:35225;transport=tls",
            "sip:alice@127.0.0.1:34327;transport=TCP;ob",
            "sip:127.0.0.1:25060;transport=udp;lr",
            "sip:interop.test;transport=tls",
            "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF",
            "http://[::1]:80/a?b",
        ] {
            match Uri::parse(written.as_bytes()) {
                Ok(uri) => assert_eq!(uri.to_string(), written),
                Err(error) => panic!("{written}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_uri_is_refused_at_its_place() {
        for (written, at) in [
            ("", 0),
            ("sip", 3),
            ("sip:", 4),
            (":x", 0),
            ("1a:x", 0),
            ("*", 0),
            ("mailto:", 7),
            ("mailto:a b", 8),
            ("sip:@host", 4),
            ("sip:alice@", 10),
            ("sip::pw@host", 4),
            ("sip:a@b@c", 7),
            ("sip:a b@c", 5),
            ("sip:a%4@c", 6),
            ("sip:a%4g@c", 6),
            ("sip:a%", 6),
            ("sip:a%@c", 6),
            ("sip:a:b:c@d", 6),
            ("sip:a:b;c@d", 6),
            ("sip:a\0@c", 5),
            ("sip:a\r\n@c", 5),
            ("sip:\u{e4}@c", 4),
            ("sip:[a@c", 4),
            ("sip:host:", 9),
            ("sip:host:0", 9),
            ("sip:127.0.0.1:25060:25060;transport=TCP", 19),
            ("sip:host;", 9),
            ("sip:host;;lr", 9),
            ("sip:host;=x", 9),
            ("sip:host;lr=", 12),
            ("sip:host;a=b=c", 12),
            ("sip:host;a=\"b\"", 11),
            ("sip:user@example.com; lr", 21),
            ("sip:host;a=%zz", 12),
            ("sip:host?", 9),
            ("sip:host?a", 10),
            ("sip:host?=a", 9),
            ("sip:host?a=b&", 13),
            ("sip:host?a=b;c", 12),
            ("sip:host/path", 8),
            ("sip:2001:db8::10", 4),
            ("<sip:user@example.com>", 0),
            (" sip:user@example.com", 0),
            ("sip:user@example.com ", 20),
        ] {
            assert_eq!(Uri::parse(written.as_bytes()), Err(ParseError { part: Part::Uri, at }), "{written:?}");
        }
    }
}
