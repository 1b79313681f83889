//! When two URIs mean the same (RFC 3261 §19.1.4, RFC 3966 §4).

use memchr::memchr_iter;

use super::escape::{same, same_ignoring_case, units};
use super::tel::is_visual_separator;
use super::{Headers, Host, Params, SipUri, TelUri, Uri};

/// URIs with more parameters or headers than this are equivalent only if they are the same bytes, so that a comparison
/// costs at most 2 · 32² comparisons of names, however a URI of 1 kB is filled.
const MAX_COMPARED: usize = 32;

/// Whether two URIs mean the same. Reflexive and symmetric, but not transitive: `sip:c@h` is equivalent to
/// `sip:c@h;x=on` and to `sip:c@h;x=off`, which differ.
///
/// For SIP URIs these are the rules of RFC 3261 §19.1.4. Where they leave something open:
///
/// - IP addresses are compared by value, `maddr` as a host, and `method` with regard to case (§7.1).
/// - A parameter that is repeated, which is forbidden, matches if each of its values is found in the other URI too.
/// - Headers match under their long and their compact name, and as often as they are there. Their values match in any
///   case outside of quoted strings (§7.3.1); those that hold addresses, Call-ID, CSeq, Date and `body` match exactly.
///
/// For `tel` these are the rules of RFC 3966 §4. Other URIs are compared by bytes after their scheme.
pub fn equivalent(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    if a.as_bytes() == b.as_bytes() {
        return true;
    }
    match (a, b) {
        (Uri::Sip(a), Uri::Sip(b)) => sip_equivalent(a, b),
        (Uri::Tel(a), Uri::Tel(b)) => tel_equivalent(a, b),
        (Uri::Other(a), Uri::Other(b)) => a.scheme().eq_ignore_ascii_case(b.scheme()) && a.rest() == b.rest(),
        _ => false,
    }
}

fn sip_equivalent(a: &SipUri<'_>, b: &SipUri<'_>) -> bool {
    a.is_secure() == b.is_secure()
        && a.port() == b.port()
        && a.host().matches(&b.host())
        && both(a.user(), b.user(), same)
        && both(a.password(), b.password(), same)
        && few(&[a.raw_params(), b.raw_params()], b';')
        && few(&[a.raw_headers(), b.raw_headers()], b'&')
        && params_match(a.params(), b.params(), SIP_RULES)
        && params_match(b.params(), a.params(), SIP_RULES)
        && headers_match(a.headers(), b.headers())
}

fn tel_equivalent(a: &TelUri<'_>, b: &TelUri<'_>) -> bool {
    same_number(a.number(), b.number())
        && few(&[a.raw_params(), b.raw_params()], b';')
        && params_match(a.params(), b.params(), TEL_RULES)
        && params_match(b.params(), a.params(), TEL_RULES)
}

/// Both absent, or both there and the same.
fn both<T>(a: Option<T>, b: Option<T>, same: fn(T, T) -> bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn few(lists: &[&[u8]], separator: u8) -> bool {
    lists.iter().all(|list| memchr_iter(separator, list).count() < MAX_COMPARED)
}

/// How the parameters of a scheme are compared.
struct Rules {
    /// Whether a parameter may be missing in the other URI.
    ignorable: fn(name: &[u8]) -> bool,
    /// Whether two values of the parameter match.
    same_value: fn(name: &[u8], a: &[u8], b: &[u8]) -> bool,
}

const SIP_RULES: &Rules = &Rules {
    ignorable: |name| {
        let decisive: [&[u8]; 5] = [b"transport", b"user", b"ttl", b"method", b"maddr"];
        !decisive.iter().any(|decisive| same_ignoring_case(name, decisive))
    },
    same_value: |name, a, b| {
        if same_ignoring_case(name, b"method") {
            same(a, b)
        } else if same_ignoring_case(name, b"maddr")
            && let (Ok(a), Ok(b)) = (Host::parse(a), Host::parse(b))
        {
            a.matches(&b)
        } else {
            same_ignoring_case(a, b)
        }
    },
};

const TEL_RULES: &Rules = &Rules {
    ignorable: |_| false,
    same_value: |name, a, b| {
        let number = same_ignoring_case(name, b"ext")
            || (same_ignoring_case(name, b"phone-context") && a.starts_with(b"+") && b.starts_with(b"+"));
        if number { same_number(a, b) } else { same_ignoring_case(a, b) }
    },
};

/// Whether every parameter of `a` is in `b` with the same value, or is not there and may be ignored.
fn params_match(a: Params<'_>, b: Params<'_>, rules: &Rules) -> bool {
    a.into_iter().all(|(name, value)| {
        let mut there = b.filter(|(other, _)| same_ignoring_case(name, other)).peekable();
        match there.peek() {
            None => (rules.ignorable)(name),
            Some(_) => there.any(|(_, other)| match (value, other) {
                (Some(value), Some(other)) => (rules.same_value)(name, value, other),
                (None, None) => true,
                _ => false,
            }),
        }
    })
}

/// Whether the digits are the same.
fn same_number(a: &[u8], b: &[u8]) -> bool {
    let digits = |number| units(number).map(|unit| unit.byte.to_ascii_lowercase()).filter(|&b| !is_visual_separator(b));
    digits(a).eq(digits(b))
}

/// Whether the same headers are in both, in any order.
fn headers_match(a: Headers<'_>, b: Headers<'_>) -> bool {
    let count = |headers: Headers<'_>, header| headers.filter(|other| same_header(header, *other)).count();
    a.count() == b.count() && a.into_iter().all(|header| count(a, header) == count(b, header))
}

fn same_header((name, value): (&[u8], &[u8]), (other_name, other_value): (&[u8], &[u8])) -> bool {
    let rule = COMPARED.iter().find(|(names, _)| names.iter().any(|known| same_ignoring_case(name, known)));
    match rule {
        Some((names, same_value)) => {
            names.iter().any(|known| same_ignoring_case(other_name, known)) && same_value(value, other_value)
        }
        None => same_ignoring_case(name, other_name) && same_field_value(value, other_value),
    }
}

type SameValue = fn(&[u8], &[u8]) -> bool;

/// Headers with a compact form (RFC 3261 §20) or a rule of their own. An address is compared exactly, although its host
/// may be in any case: its user may not, and taking two contacts for one is worse than keeping both.
const COMPARED: &[(&[&[u8]], SameValue)] = &[
    (&[b"call-id", b"i"], same),
    (&[b"contact", b"m"], same),
    (&[b"content-encoding", b"e"], same_field_value),
    (&[b"content-length", b"l"], same_field_value),
    (&[b"content-type", b"c"], same_field_value),
    (&[b"from", b"f"], same),
    (&[b"subject", b"s"], same_field_value),
    (&[b"supported", b"k"], same_field_value),
    (&[b"to", b"t"], same),
    (&[b"via", b"v"], same_field_value),
    (&[b"refer-to", b"r"], same),
    (&[b"referred-by", b"b"], same),
    (&[b"body"], same),
    (&[b"cseq"], same),
    (&[b"date"], same),
    (&[b"path"], same),
    (&[b"record-route"], same),
    (&[b"reply-to"], same),
    (&[b"route"], same),
];

/// RFC 3261 §7.3.1: field values are compared in any case, quoted strings in them are not.
fn same_field_value(a: &[u8], b: &[u8]) -> bool {
    let (mut a, mut b) = (units(a), units(b));
    let (mut quoted, mut backslash) = (false, false);
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b || (!quoted && a.lower() == b.lower()) => {
                quoted ^= a.byte == b'"' && !backslash;
                backslash = quoted && a.byte == b'\\' && !backslash;
            }
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn compare(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a.as_bytes()).unwrap(), Uri::parse(b.as_bytes()).unwrap());
        assert_eq!(equivalent(&a, &b), equivalent(&b, &a), "{a} {b}: not symmetric");
        assert!(equivalent(&a, &a) && equivalent(&b, &b));
        equivalent(&a, &b)
    }

    #[test]
    fn the_equivalent_examples_of_rfc_3261_are_equivalent() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=off"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+358-555-1234567;postd=pp22", "tel:+358-555-1234567;POSTD=PP22"),
            ("tel:+358-555-1234567;postd=pp22;isub=1411", "tel:+358-555-1234567;isub=1411;postd=pp22"),
        ] {
            assert!(compare(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_different_examples_of_rfc_3261_are_different() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            (
                "sip:+358-555-1234567;postd=pp22@foo.com;user=phone",
                "sip:+358-555-1234567;POSTD=PP22@foo.com;user=phone",
            ),
            (
                "sip:+358-555-1234567;postd=pp22;isub=1411@foo.com;user=phone",
                "sip:+358-555-1234567;isub=1411;postd=pp22@foo.com;user=phone",
            ),
        ] {
            assert!(!compare(a, b), "{a} {b}");
        }
    }

    #[test]
    fn sip_and_sips_and_tel_never_match() {
        assert!(!compare("sip:alice@example.com", "sips:alice@example.com"));
        assert!(!compare("sip:411@example.com;user=phone", "tel:411"));
        assert!(!compare("tel:411", "fax:411"));
    }

    #[test]
    fn userinfo_is_compared_with_regard_to_case_and_presence() {
        assert!(compare("sip:alice:p%61ss@h", "SIP:%61lice:pass@H"));
        for (a, b) in [
            ("sip:alice@h", "sip:Alice@h"),
            ("sip:alice@h", "sip:h"),
            ("sip:alice:pass@h", "sip:alice@h"),
            ("sip:alice:@h", "sip:alice@h"),
            ("sip:alice:pass@h", "sip:alice:PASS@h"),
            ("sip:a%3Bb@h", "sip:a;b@h"),
            ("sip:a%3Ab@h", "sip:a:b@h"),
            ("sip:null-%00-null@h", "sip:null-%00@h"),
        ] {
            assert!(!compare(a, b), "{a} {b}");
        }
        // RFC 4475 §3.1.1.4: these are two bindings.
        assert!(!compare("sip:%00@host5.example.com", "sip:%00%00@host5.example.com"));
        assert!(compare("sip:a%3bb@h", "sip:a%3Bb@h"));
    }

    #[test]
    fn addresses_are_compared_by_value() {
        assert!(compare("sip:[2001:db8::10]:5070", "sip:[2001:DB8:0:0:0:0:0:10]:05070"));
        assert!(compare("sip:user@[2001:db8:::192.0.2.1]", "sip:user@[2001:db8::192.0.2.1]"));
        assert!(compare("sip:ted@[::ffff:192.0.2.2]", "sip:ted@[::FFFF:c000:202]"));
        assert!(!compare("sip:ted@[::ffff:192.0.2.2]", "sip:ted@192.0.2.2"));
        assert!(!compare("sip:[2001:db8::10:5070]", "sip:[2001:db8::10]:5070"));
        assert!(compare("sip:h;maddr=[::1]", "sip:h;maddr=[0::1]"));
        assert!(compare("sip:h;maddr=EXAMPLE.com", "sip:h;maddr=example.com"));
    }

    #[test]
    fn some_parameters_in_only_one_uri_decide_and_others_do_not() {
        for decisive in ["transport=udp", "user=ip", "ttl=1", "method=INVITE", "maddr=192.0.2.1", "%74ransport=udp"] {
            assert!(!compare("sip:a@h", &format!("sip:a@h;{decisive}")), "{decisive}");
        }
        for ignored in ["lr", "ob", "rinstance=1", "line=x", "transportx=udp"] {
            assert!(compare("sip:a@h;transport=tcp", &format!("sip:a@h;{ignored};transport=TCP")), "{ignored}");
        }
        assert!(compare("sip:cal%6Cer@h;%6C%72;n%61me=v%61lue%25%34%31", "sip:caller@h;name=VALUE%2541;lr"));
        assert!(!compare("sip:a@h;lr", "sip:a@h;lr=on"));
        assert!(!compare("sip:a@h;method=INVITE", "sip:a@h;method=invite"));
        assert!(!compare("sip:a@h;line=x", "sip:a@h;line=y"));
    }

    #[test]
    fn repeated_parameters_match_as_sets() {
        assert!(compare("sip:h;x=1;x=2", "sip:h;x=2;x=1"));
        assert!(compare("sip:h;x=1;x=1", "sip:h;x=1"));
        assert!(!compare("sip:h;x=1;x=2", "sip:h;x=1"));
        assert!(!compare("sip:h;x;x=1", "sip:h;x=1"));
    }

    #[test]
    fn headers_match_by_name_value_and_number() {
        for (a, b) in [
            ("sip:h?Subject=A&to=b", "sip:h?T=b&s=a"),
            ("sip:h?x=%22A%22b", "sip:h?X=%22A%22B"),
            ("sip:h?x=%22%5C%22A%22b", "sip:h?X=%22%5C%22A%22B"),
            ("sip:h?a=1&a=2", "sip:h?a=2&a=1"),
        ] {
            assert!(compare(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("sip:h?x=%22A%22", "sip:h?x=%22a%22"),
            ("sip:h?x=%22%5C%22A%22b", "sip:h?X=%22%5C%22a%22b"),
            ("sip:h?a=1&a=2", "sip:h?a=1&a=1"),
            ("sip:h?a=1&a=1", "sip:h?a=1"),
            ("sip:h?a=1", "sip:h?a=1&b=2"),
            ("sip:h?a=", "sip:h?a=1"),
            ("sip:h?to=sip:bob", "sip:h?to=sip:BOB"),
            ("sip:h?call-id=a", "sip:h?i=A"),
            ("sip:h?a=b%26c", "sip:h?a=b&c="),
        ] {
            assert!(!compare(a, b), "{a} {b}");
        }
    }

    #[test]
    fn telephone_numbers_match_without_their_separators() {
        for (a, b) in [
            ("tel:+1-201-555-0123", "TEL:+1(201)555.0123"),
            ("tel:7042;phone-context=Example.com", "tel:70-42;phone-context=example.COM"),
            ("tel:7042;phone-context=+1-2", "tel:7042;phone-context=+12"),
            ("tel:+1;ext=1-2", "tel:+1;ext=12"),
            ("tel:*a", "tel:*A"),
        ] {
            assert!(compare(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("tel:+1201", "tel:1201"),
            ("tel:7042;phone-context=a.com", "tel:7042"),
            ("tel:7042;phone-context=a-b.com", "tel:7042;phone-context=ab.com"),
            ("tel:+1;x", "tel:+1;y"),
            ("tel:+1;isub=1-2", "tel:+1;isub=12"),
        ] {
            assert!(!compare(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_uris_match_by_their_bytes() {
        assert!(compare("MailTo:a@b", "mailto:a@b"));
        assert!(!compare("mailto:a@b", "mailto:A@b"));
        assert!(!compare("name:John_Smith", "names:John_Smith"));
    }

    #[test]
    fn uris_with_too_many_parts_match_only_as_they_are() {
        let few = format!("sip:h{}", ";a".repeat(MAX_COMPARED));
        let many = format!("sip:h{}", ";a".repeat(MAX_COMPARED + 1));
        assert!(compare("sip:h", &few));
        assert!(!compare("sip:h", &many));
        assert!(compare(&many, &many));
        let many = format!("sip:h?a={}", "&a=".repeat(MAX_COMPARED));
        assert!(compare(&many, &many) && !compare(&many, &many.replace('a', "A")));
    }
}
