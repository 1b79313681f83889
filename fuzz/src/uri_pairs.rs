//! Comparing URIs is fair in both directions, and the canonical address of record is its own.

use sip_message::Uri;
use sip_message::uri::{equivalent, write_aor};

/// Reads the two lines of `data` as URIs.
pub fn check(data: &[u8]) {
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let (a, b) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let (a, b) = (parse(a), parse(b));
    for uri in [a, b].into_iter().flatten() {
        assert!(equivalent(&uri, &uri), "{uri}");
    }
    if let (Some(a), Some(b)) = (a, b) {
        assert_eq!(equivalent(&a, &b), equivalent(&b, &a), "{a} {b}");
    }
}

fn parse(text: &[u8]) -> Option<Uri<'_>> {
    let uri = Uri::parse(text).ok()?;
    assert_eq!(uri.as_bytes(), text);
    assert_eq!(Uri::parse(uri.to_string().as_bytes()), Ok(uri));
    if let Uri::Sip(sip) = uri {
        // The parts, put together, are the whole.
        let user = sip.user().unwrap_or_default();
        let password = sip.password().map(|password| [b":", password].concat()).unwrap_or_default();
        assert!(text[sip.is_secure() as usize + 4..].starts_with(&[user, &password].concat()));
        assert!(sip.user().is_none() || text[sip.is_secure() as usize + 4 + user.len() + password.len()] == b'@');
        assert!(text.ends_with(sip.raw_headers()));
        assert_eq!(
            sip.params().count(),
            sip.raw_params().split(|&b| b == b';').filter(|part| !part.is_empty()).count()
        );
    }
    let mut aor = Vec::new();
    if write_aor(&uri, &mut aor).is_ok() {
        let mut again = Vec::new();
        let canonical = Uri::parse(&aor).expect("the canonical form is a URI");
        write_aor(&canonical, &mut again).expect("of the same scheme");
        assert_eq!(aor, again);
    }
    Some(uri)
}
