use super::*;
use sip_message::header::Algorithm;
use sip_registrar::auth::{Algorithms, Ha1, HashFunction};

use crate::users::read::read;
use crate::users::user::{HashOf, Password};

const HEX: &str = "939e7578ed9e3c518a452acee763bce9";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn password(text: &str) -> Secrets {
    Secrets::Password(Password::new(Zeroizing::new(text.to_owned())).unwrap())
}

fn md5() -> Secrets {
    let ha1 = Ha1::from_hex(HashFunction::Md5, HEX.as_bytes()).unwrap();
    Secrets::Hashes { hashes: vec![Hash { of: HashOf::Name, ha1 }], realm: Some("r".to_owned()) }
}

/// As the registrar would understand it.
fn understood(text: &str) -> Vec<String> {
    let mut users = Vec::new();
    read(text, |user, _| {
        let secrets: Vec<_> =
            keys(&user.secrets).into_iter().map(|(key, value)| format!(" {key}={}", *value)).collect();
        users.push(format!("{}{}", user.address, secrets.concat()));
    })
    .unwrap();
    users
}

#[test]
fn what_is_appended_is_read_back_as_it_was() {
    let user = User {
        address: address("j%40s%C3%A4@[2001:db8::1]"),
        secrets: password("\"quoted\" and \\ ü '"),
        algorithms: Algorithms::new([Algorithm::Sha256, Algorithm::Md5]),
        may_register: vec!["*@example.com".to_owned(), "sales@example.com".to_owned()],
    };
    for before in ["", "[user.'a@x']\npassword = 'p'", "# only a comment\n\n\n"] {
        let mut text = Zeroizing::new(before.to_owned());
        append(&mut text, &user);
        assert!(text.starts_with(if before.is_empty() { TITLE } else { before }));
        let mut last = None;
        read(&text, |user, _| last = Some(user)).unwrap();
        let last = last.unwrap();
        assert_eq!(last.address, user.address);
        assert_eq!(keys(&last.secrets), keys(&user.secrets));
        assert_eq!((last.algorithms, &last.may_register), (user.algorithms, &user.may_register));
    }
}

#[test]
fn other_secrets_leave_everything_else_as_it_is() {
    let block = "# the boss\n[user . 'boss@x'] # head\n# before\nalgorithms = [ 'MD5' ]\n\
                 md5 = 'c0ffeec0ffeec0ffeec0ffeec0ffee00'  # old one\n# of sha\nsha-256 = 'x'\nmay_register='*' # all\n\n# end\n";
    let changed = with_secrets(block, &address("boss@X"), &md5()).unwrap();
    let expected = format!(
        "# the boss\n[user . 'boss@x'] # head\n# before\nalgorithms = [ 'MD5' ]\n\
         md5 = \"{HEX}\"  # old one\nmay_register='*' # all\nrealm = \"r\"\n\n# end\n"
    );
    assert_eq!(*changed, expected);
    let plain = with_secrets(&changed, &address("boss@x"), &password("p")).unwrap();
    assert!(plain.contains("\npassword = \"p\"\n") && !plain.contains("md5") && !plain.contains("realm"), "{}", *plain);
}

#[test]
fn users_are_changed_and_removed_in_every_way_of_writing_them() {
    for block in [
        "[user]\n'a@x' = { md5 = 'c0ffeec0ffeec0ffeec0ffeec0ffee00' }\n'b@x'.password = 'p' # b\n",
        "user.'%61@X'.password = 'q'\nuser.'b@x'.password = 'p'\n",
        "user = { 'a@x' = { password = 'q' }, 'b@x' = { password = 'p' } }\n",
        "[user.'a@x']\npassword = 'q'\n[user.'b@x']\npassword = 'p'\n",
    ] {
        let changed = with_secrets(block, &address("a@x"), &md5()).unwrap();
        let b = "b@x password=p";
        let a = format!("a@x realm=r md5={HEX}");
        assert_eq!(understood(&changed), [a.as_str(), b], "{}", *changed);
        let removed = without(&changed, &address("%61@X")).unwrap();
        assert_eq!(understood(&removed), [b], "{}", *removed);
    }
    assert!(without("[user.'a@x']\n", &address("b@x")).is_none() && without("", &address("b@x")).is_none());
}

#[test]
fn a_user_goes_with_the_comment_above_it_and_not_with_what_stands_apart() {
    let gone = |block| without(block, &address("a@x")).unwrap();
    assert_eq!(*gone("# a's phone\n[user.'a@x']\npassword = 'p'\n\n\n"), "");
    let rest = gone("# a's phone\n[user.'a@x']\npassword = 'p' # p\n\n# ---- sales ----\n\n");
    assert_eq!(rest.trim(), "# ---- sales ----");
}
