use super::*;
use sip_dispatch::Answer;
use sip_registrar::auth::Credentials;

use crate::users::testing::Temporary;

fn read(file: &Path, realm: Option<&'static str>) -> Result<Loaded, LoadError> {
    let realm_of = move |domain: &str| realm.unwrap_or(domain).to_owned();
    let challenge = Challenge { realm_of: Box::new(realm_of), userhash: vec![HashFunction::Sha256] };
    load(file, &challenge, &RandomState::new())
}

const HASHED: &str = "md5 = '939e7578ed9e3c518a452acee763bce9'\n";

#[test]
fn the_users_are_in_the_table_with_the_realm_of_their_domain() {
    let file = Temporary::new(&format!("[user.'al%69ce@Example.com']\n{HASHED}"), 0o600);
    for (realm, expected) in [(None, "example.com"), (Some("asterisk"), "asterisk")] {
        let loaded = read(file.path(), realm).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!((loaded.table.len(), loaded.warnings.len()), (1, 0), "{:?}", loaded.warnings);
        let asked = sip_registrar::auth::Wanted { name: b"alice", domain: b"example.com", realm: expected.as_bytes() };
        let Answer::Now(Ok(Some(account))) = loaded.table.find(&asked) else { panic!("not there") };
        assert_eq!((account.name(), account.realm()), (&b"alice"[..], expected.as_bytes()));
    }
}

#[test]
fn what_should_not_stay_so_is_warned_about_with_number_and_names() {
    let plain: String = (0..4).map(|n| format!("[user.'p{n}@x']\npassword = 'secret'\n")).collect();
    let file = Temporary::new(&format!("[user.'a@x']\n{HASHED}realm = 'asterisk'\n{plain}"), 0o640);
    let loaded = read(file.path(), None).unwrap_or_else(|error| panic!("{error:?}"));
    let [mode, plain, realm] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
    assert!(mode.contains("(mode 640): chmod 600 /"), "{mode}");
    assert!(
        plain.starts_with("4 users with the password itself") && plain.ends_with(": p0@x, p1@x, p2@x, ..."),
        "{plain}"
    );
    assert!(realm.starts_with("1 user who cannot register"), "{realm}");
    assert!(realm.ends_with(": a@x (made for \"asterisk\", asked for \"x\")"), "{realm}");
    assert_eq!(read(file.path(), Some("asterisk")).map(|loaded| loaded.warnings.len()).ok(), Some(2));
}

#[test]
fn a_wrong_file_gives_nobody_and_shows_no_secret() {
    let file = Temporary::new("[user.'a@x']\npassword = 'open sesame'\nmd5 = 'c0ffee'\n", 0o600);
    let error = read(file.path(), None).err().unwrap();
    let shown = error.render(file.path());
    assert!(shown.contains(":3:") && shown.contains("md5 must be 32 hexadecimal digits"), "{shown}");
    assert!(!shown.contains("sesame") && !shown.contains("c0ffee"), "{shown}");
}

#[test]
fn what_is_no_file_or_no_text_is_said_to_be_none() {
    let missing = read(Path::new("/nonexistent/users.toml"), None).err().unwrap();
    assert!(missing.is_missing() && missing.render(Path::new("u")).contains("cannot read the users file u: No such"));
    let none = read(Path::new("/dev/zero"), None).err().unwrap();
    assert!(!none.is_missing() && none.render(Path::new("u")).contains("it is no file"));
}
