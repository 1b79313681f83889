use super::*;
use crate::header::SingleHeader;

const LINPHONE: &[u8] = b"Digest  realm=\"interop.test\", nonce=\"awP1\", algorithm=MD5,\r\n username=\"alice\",  \
    uri=\"sip:interop.test\", response=\"c3f657ac0d7ffede36d8bd3142425cb8\", cnonce=\"p~e-8w2\", nc=00000002, qop=auth";

#[test]
fn digest_credentials_are_read_in_any_order_with_blanks_and_folds() {
    let credentials = Credentials::parse(LINPHONE).unwrap();
    let digest = credentials.digest().unwrap().unwrap();
    assert!(digest.username.is(b"alice"));
    assert!(digest.realm.is(b"interop.test"));
    assert_eq!(digest.uri.plain(), Some(b"sip:interop.test".as_slice()));
    assert_eq!(digest.cnonce, Some(Quoted(b"p~e-8w2")));
    assert_eq!(digest.nonce_count(), Some(2));
    assert_eq!(digest.algorithm.and_then(|name| Algorithm::from_name(name.0)), Some(Algorithm::Md5));
    assert_eq!(digest.params.iter().count(), 9);
}

#[test]
fn a_parameter_that_stands_twice_is_refused_known_or_not() {
    for again in ["username=\"mallory\"", "REALM=\"other\"", "nc=00000003"] {
        let value = [LINPHONE, b", ", again.as_bytes()].concat();
        assert!(Credentials::parse(&value).unwrap().digest().is_err(), "{again}");
    }
    let value = [LINPHONE, b", x=1, y=2, X=3"].concat();
    assert!(Credentials::parse(&value).unwrap().digest().is_err());
    let value = [LINPHONE, b", x=1, y=2"].concat();
    assert!(Credentials::parse(&value).unwrap().digest().is_ok());
}

#[test]
fn what_a_digest_cannot_do_without_is_demanded() {
    let text = std::str::from_utf8(LINPHONE).unwrap();
    for name in ["realm", "nonce", "username", "uri", "response"] {
        let without = text.replacen(&format!("{name}=\""), &format!("x-{name}=\""), 1);
        assert!(Credentials::parse(without.as_bytes()).unwrap().digest().is_err(), "{name}");
    }
    for malformed in ["Digest", "Digest ", "", "Digest =", "Digest username", "Digest username=\"a", "Digest a=1 b=2"] {
        let read = Credentials::parse(malformed.as_bytes()).and_then(|credentials| credentials.digest());
        assert!(read.is_err(), "{malformed:?}");
    }
}

#[test]
fn other_schemes_are_kept_as_they_are() {
    let credentials = Credentials::parse(b"NoOneKnowsThisScheme opaque-data=here").unwrap();
    assert_eq!((credentials.scheme, credentials.digest()), (b"NoOneKnowsThisScheme".as_slice(), Ok(None)));
    assert_eq!(Credentials::parse(b"Bearer abc.def==").unwrap().rest, b"abc.def==");
}

#[test]
fn a_nonce_count_is_eight_hexadecimal_digits() {
    for (nc, count) in [
        ("00000001", Some(1)),
        ("0000000a", Some(10)),
        ("FFFFFFFF", Some(u32::MAX)),
        ("1", None),
        ("0000000g", None),
        ("000000001", None),
    ] {
        let value = format!("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"0\",nc={nc}");
        let credentials = Credentials::parse(value.as_bytes()).unwrap();
        assert_eq!(credentials.digest().unwrap().unwrap().nonce_count(), count, "{nc}");
    }
}

#[test]
fn escapes_in_quoted_values_are_undone() {
    let value = br#"Digest username="al\"ice\\",realm="r",nonce="n",uri="sip:r",response="0""#;
    let digest = Credentials::parse(value).unwrap().digest().unwrap().unwrap();
    assert!(digest.username.is(br#"al"ice\"#));
    assert_eq!(digest.username.plain(), None);
    let mut text = Vec::new();
    digest.username.unescape_into(&mut text);
    assert_eq!(text, br#"al"ice\"#);
}

#[test]
fn challenges_and_authentication_info_are_read() {
    let value = b"Digest realm=\"atlanta.com\", domain=\"sip:boxesbybob.com\", qop=\"auth,auth-int\", nonce=\"f84f\", \
        opaque=\"\", stale=FALSE, algorithm=SHA-512-256, userhash=true";
    let challenge = Challenge::parse(value).unwrap().digest().unwrap().unwrap();
    assert!(challenge.realm.is(b"atlanta.com") && !challenge.stale && challenge.userhash);
    assert_eq!(challenge.qops().collect::<Vec<_>>(), [b"auth".as_slice(), b"auth-int"]);
    assert_eq!(challenge.algorithm.and_then(|name| Algorithm::from_name(name.0)), Some(Algorithm::Sha512_256));
    assert!(Challenge::parse(b"Digest realm=\"a\"").unwrap().digest().is_err());

    let info = AuthenticationInfo::parse(b"nextnonce=\"47364c23432d2e131a5fb210812c\"").unwrap();
    assert!(info.nextnonce.unwrap().is(b"47364c23432d2e131a5fb210812c"));
    assert!(AuthenticationInfo::parse(b"nextnonce=\"1\", nextnonce=\"2\"").is_err());
}
