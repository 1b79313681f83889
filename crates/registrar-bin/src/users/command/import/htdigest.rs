//! What Apache's `htdigest` writes: `alice:example.com:939e7578ed9e3c518a452acee763bce9`, the last being
//! MD5(alice:example.com:password).

use sip_registrar::auth::{Ha1, HashFunction};

use super::Imported;
use crate::users::Address;
use crate::users::user::{Hash, HashOf, Secrets};

/// Gives `each` the users, or why a line is none, with the numbers of their lines. The domain is the realm if nothing
/// else is said.
pub(super) fn read(input: &[u8], domain: Option<&str>, mut each: impl FnMut(u64, Result<Imported, String>)) {
    for (line, number) in input.split(|byte| *byte == b'\n').zip(1..) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            each(number, user(line, domain));
        }
    }
}

fn user(line: &[u8], domain: Option<&str>) -> Result<Imported, String> {
    let form = || "a line is user:realm:hash, the hash with 32 hexadecimal digits".to_owned();
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let parts: Vec<_> = line.split(':').collect();
    let [name, realm, hash] = *parts else { return Err(form()) };
    let ha1 = Ha1::from_hex(HashFunction::Md5, hash.as_bytes()).ok_or_else(form)?;
    let (of, address) = if name.contains('@') {
        (HashOf::Address, Address::parse(name))
    } else {
        (HashOf::Name, Address::of(name, domain.unwrap_or(realm)))
    };
    let address = address.map_err(|error| match domain {
        None if of == HashOf::Name => format!("{error}; --domain says in which domain these users are"),
        _ => error.to_string(),
    })?;
    Ok(Imported { address, secrets: Secrets::Hashes { hashes: vec![Hash { of, ha1 }], realm: Some(realm.to_owned()) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "939e7578ed9e3c518a452acee763bce9";

    fn read_all(text: &str, domain: Option<&str>) -> Vec<(u64, Result<Imported, String>)> {
        let mut all = Vec::new();
        read(text.as_bytes(), domain, |number, user| all.push((number, user)));
        all
    }

    #[test]
    fn each_line_is_a_user_of_its_realm_or_of_the_domain_that_is_given() {
        let text = format!("alice:Example.com:{HASH}\r\n\nb@b:x.org:{HASH}\ncarol@example.org:r:{HASH}\n");
        for (domain, expected) in [
            (None, ["alice@example.com", "b%40b@x.org", "carol@example.org"]),
            (Some("example.net"), ["alice@example.net", "b%40b@example.net", "carol@example.org"]),
        ] {
            let all = read_all(&text.replace("b@b", "b"), domain);
            assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3, 4]);
            for ((_, user), address) in all.iter().zip(expected) {
                assert_eq!(user.as_ref().unwrap().address.as_str(), address.replace("b%40b", "b"));
            }
        }
        let (_, carol) = read_all(&text, None).pop().unwrap();
        let Secrets::Hashes { hashes, realm } = carol.unwrap().secrets else { panic!() };
        assert_eq!((hashes[0].of, realm.as_deref()), (HashOf::Address, Some("r")));
    }

    #[test]
    fn what_is_no_such_line_is_said_to_be_none() {
        for (line, said) in [
            ("alice", "user:realm:hash"),
            ("alice:r:abc", "32 hexadecimal digits"),
            (&format!("alice:r:{HASH}:x"), "user:realm:hash"),
            (&format!("alice:our phones:{HASH}"), "--domain says"),
            (&format!(":r:{HASH}"), "no address of a user"),
        ] {
            let error = read_all(line, None).pop().unwrap().1.err().unwrap();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
