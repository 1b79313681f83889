//! What holds for all URIs.

use proptest::prelude::*;

use super::{Host, SipUri, Uri, equivalent, escape, write_aor};

/// The parts of a SIP URI, as text.
#[derive(Clone, Debug)]
struct Parts {
    secure: bool,
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    params: Vec<(String, Option<String>)>,
    headers: Vec<(String, String)>,
}

impl Parts {
    fn write(&self) -> String {
        let mut out = String::from(if self.secure { "sips:" } else { "sip:" });
        if let Some(user) = &self.user {
            out += user;
            if let Some(password) = &self.password {
                out = out + ":" + password;
            }
            out += "@";
        }
        out += &self.host;
        if let Some(port) = self.port {
            out += &format!(":{port}");
        }
        for (name, value) in &self.params {
            out = out + ";" + name;
            if let Some(value) = value {
                out = out + "=" + value;
            }
        }
        for (i, (name, value)) in self.headers.iter().enumerate() {
            out = out + if i == 0 { "?" } else { "&" } + name + "=" + value;
        }
        out
    }
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z]([a-zA-Z0-9_-]{0,6}[a-zA-Z0-9_])?(\\.[a-zA-Z][a-zA-Z0-9]{0,3}){0,2}\\.?",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ]
}

const USER: &str = "([a-zA-Z0-9_.!~*'()&=+$,;?/-]|%[0-9a-fA-F]{2}){1,8}";

fn parts() -> impl Strategy<Value = Parts> {
    let password = "([a-z0-9&=+$,]|%[0-9a-fA-F]{2}){0,4}";
    let param = ("transport|user|ttl|method|maddr|lr|[a-c]|%6[1-3]", prop::option::of("[ab:/]|%[0-9a-fA-F]{2}"));
    let header = ("to|t|subject|Subject|s|[ab]|%6[12]", "([abAB?:]|%22|%5C){0,4}");
    (
        any::<bool>(),
        prop::option::of(USER),
        prop::option::of(password),
        host(),
        prop::option::of(1..=u16::MAX),
        prop::collection::vec(param, 0..5),
        prop::collection::vec(header, 0..4),
    )
        .prop_map(|(secure, user, password, host, port, params, headers)| Parts {
            secure,
            password: user.as_ref().and(password),
            user,
            host,
            port,
            params,
            headers,
        })
}

fn sip(text: &str) -> SipUri<'_> {
    match Uri::parse(text.as_bytes()) {
        Ok(Uri::Sip(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

/// Another spelling of what is compared without regard to case and escapes.
fn respell(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.char_indices() {
        // An escape must not be taken apart.
        let in_escape = text[..i].ends_with('%') || i.checked_sub(2).is_some_and(|i| text[i..].starts_with('%'));
        match c {
            'a'..='z' if in_escape => out.push(c.to_ascii_uppercase()),
            'a'..='z' if i % 2 == 0 => out.push(c.to_ascii_uppercase()),
            'A'..='Z' if !in_escape => out += &format!("%{:02x}", u32::from(c)),
            _ => out.push(c),
        }
    }
    out
}

proptest! {
    #[test]
    fn what_is_written_is_read(parts in parts()) {
        let text = parts.write();
        let uri = sip(&text);
        prop_assert_eq!(uri.is_secure(), parts.secure);
        prop_assert_eq!(uri.user(), parts.user.as_deref().map(str::as_bytes));
        prop_assert_eq!(uri.password(), parts.password.as_deref().map(str::as_bytes));
        prop_assert_eq!(Ok(uri.host()), Host::parse(parts.host.as_bytes()));
        prop_assert_eq!(uri.port(), parts.port);
        let params: Vec<_> = parts.params.iter().map(|(n, v)| (n.as_bytes(), v.as_deref().map(str::as_bytes))).collect();
        prop_assert_eq!(uri.params().collect::<Vec<_>>(), params);
        let headers: Vec<_> = parts.headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        prop_assert_eq!(uri.headers().collect::<Vec<_>>(), headers);
        prop_assert_eq!(uri.as_bytes(), text.as_bytes());
    }

    #[test]
    fn equivalence_is_reflexive_and_symmetric(a in parts(), mut b in parts(), like in any::<bool>()) {
        if like {
            b = Parts { params: b.params, headers: b.headers, ..a.clone() };
        }
        let (a, b) = (a.write(), b.write());
        let (a, b) = (Uri::Sip(sip(&a)), Uri::Sip(sip(&b)));
        prop_assert!(equivalent(&a, &a));
        prop_assert_eq!(equivalent(&a, &b), equivalent(&b, &a));
    }

    #[test]
    fn order_and_spelling_make_no_difference(parts in parts()) {
        let mut other = parts.clone();
        other.host = other.host.to_ascii_uppercase();
        other.params.reverse();
        for (name, value) in &mut other.params {
            *name = respell(name);
            if !name.to_lowercase().contains('m') {
                *value = value.as_deref().map(respell);
            }
        }
        other.headers.reverse();
        for (name, _) in &mut other.headers {
            *name = respell(name);
        }
        let (a, b) = (parts.write(), other.write());
        prop_assert!(equivalent(&Uri::Sip(sip(&a)), &Uri::Sip(sip(&b))), "{} {}", a, b);
    }

    #[test]
    fn a_different_user_host_or_port_makes_a_difference(a in parts(), b in parts()) {
        let same_user = match (&a.user, &b.user) {
            (Some(a), Some(b)) => escape::same(a.as_bytes(), b.as_bytes()),
            (a, b) => a == b,
        };
        let (a, b) = (a.write(), b.write());
        let (a, b) = (sip(&a), sip(&b));
        prop_assume!(!same_user || !a.host().matches(&b.host()) || a.port() != b.port());
        prop_assert!(!equivalent(&Uri::Sip(a), &Uri::Sip(b)));
    }

    #[test]
    fn an_address_of_record_is_its_own_canonical_form(parts in parts()) {
        let text = parts.write();
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        write_aor(&Uri::Sip(sip(&text)), &mut once).unwrap();
        write_aor(&Uri::parse(&once).unwrap(), &mut twice).unwrap();
        prop_assert_eq!(&once, &twice);
        let canonical = Uri::parse(&once).unwrap();
        let canonical = canonical.sip().unwrap();
        prop_assert!(canonical.user().map(<[u8]>::len) <= sip(&text).user().map(<[u8]>::len));
        prop_assert!(canonical.host().matches(&sip(&text).host()));
    }

    #[test]
    fn addresses_of_record_are_the_same_exactly_if_the_users_are(a in USER, b in USER) {
        let aor = |user: &str| {
            let mut out = Vec::new();
            write_aor(&Uri::parse(format!("sip:{user}@h").as_bytes()).unwrap(), &mut out).unwrap();
            out
        };
        let plain = |user: &str| escape::unescape(user.as_bytes()).collect::<Vec<_>>();
        prop_assert_eq!(aor(&a) == aor(&b), plain(&a) == plain(&b));
        let mut escaped = b"sip:".to_vec();
        escape::escape_user(&plain(&a), &mut escaped);
        escaped.extend(b"@h");
        prop_assert_eq!(aor(&a), escaped);
    }

    #[test]
    fn whatever_is_accepted_has_no_white_space_or_control_characters(
        scheme in "sips?:|tel:|x:|",
        rest in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let input = [scheme.as_bytes(), &rest].concat();
        match Uri::parse(&input) {
            Ok(uri) => {
                prop_assert!(input.iter().all(u8::is_ascii_graphic) && escape::is_well_formed(&input));
                prop_assert!(equivalent(&uri, &uri));
            }
            Err(error) => prop_assert!(error.at <= input.len()),
        }
    }
}
