//! The JSON of an answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use sip_registrar::auth::{Account, HashFunction};

use crate::draft::{Draft, Of};
use crate::{SourceError, User};

#[derive(Deserialize)]
struct Answer {
    username: Option<String>,
    password: Option<String>,
    ha1: Option<Hashes>,
    ha1b: Option<Hashes>,
    may_register: Option<Vec<String>>,
    algorithms: Option<Vec<String>>,
}

/// By the name of the function.
type Hashes = BTreeMap<String, String>;

/// The account; `None` if it is somebody else's.
pub(super) fn read(user: &User, body: &[u8]) -> Result<Option<Account>, SourceError> {
    // What serde says may repeat a value.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        SourceError::Unavailable(format!("the web service's answer is no JSON of a user ({place})"))
    })?;
    if answer.username.is_some_and(|name| name != user.name()) {
        return Ok(None);
    }
    let mut draft = Draft::new(user);
    draft.password(answer.password.unwrap_or_default().into_bytes());
    for (of, field, hashes) in [(Of::Name, "ha1", answer.ha1), (Of::Address, "ha1b", answer.ha1b)] {
        for (name, hash) in hashes.into_iter().flatten() {
            let function = HashFunction::ALL.into_iter().find(|function| function.name().eq_ignore_ascii_case(&name));
            let function = function.ok_or_else(|| {
                let known = HashFunction::ALL.map(HashFunction::name).join(", ");
                SourceError::Account(format!("{field}: {name:?} is none of {known}"))
            })?;
            draft.hash(of, Some(function), hash.as_bytes(), &format!("{field}.{}", function.name()))?;
        }
    }
    if let Some(patterns) = &answer.may_register {
        draft.may_register(patterns.iter().map(String::as_str), "may_register")?;
    }
    if let Some(names) = &answer.algorithms {
        draft.algorithms(names.iter().map(String::as_str), "algorithms")?;
    }
    Ok(Some(draft.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::auth::Wanted;

    fn answer(json: &str) -> Result<Option<String>, SourceError> {
        let wanted = Wanted { name: b"alice", domain: b"example.com", realm: b"example.com" };
        let account = read(&User::new(&wanted).unwrap(), json.as_bytes())?;
        Ok(account.map(|account| format!("{account:?}")))
    }

    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn json_makes_the_account() {
        let hashed = answer(&format!(r#"{{"ha1": {{"md5": "{MD5}"}}, "ha1b": {{"MD5": "{MD5}"}}, "x": [1]}}"#));
        let hashed = hashed.unwrap().unwrap();
        assert!(hashed.contains("Hashes([(Name, Ha1(MD5, secret)), (Address, Ha1(MD5, secret))])"), "{hashed}");
        let named = answer(r#"{"password": "x", "may_register": ["*"], "algorithms": ["SHA-256"]}"#);
        let named = named.unwrap().unwrap();
        assert!(named.contains("Any") && named.contains("Sha256") && named.contains("SHA-512-256"), "{named}");
        assert_eq!(answer(r#"{"username": "Alice", "password": "x"}"#), Ok(None));
        assert!(answer(r#"{"username": "alice", "password": "x"}"#).unwrap().is_some());
        assert!(answer("{}").unwrap().is_some_and(|nobody| nobody.contains("Hashes([])")));
    }

    #[test]
    fn no_json_is_the_services_fault_and_a_bad_value_the_users() {
        for json in ["", "null", "[]", "{", r#"{"password": 12345}"#, r#"{"ha1": "x"}"#] {
            let error = answer(json).unwrap_err();
            assert!(matches!(error, SourceError::Unavailable(_)), "{json}: {error}");
            assert!(!error.to_string().contains("12345"), "{error}");
        }
        for json in [
            r#"{"ha1": {"MD4": "0"}}"#,
            r#"{"ha1": {"MD5": "0"}}"#,
            r#"{"algorithms": ["MD4"]}"#,
            r#"{"may_register": ["x"]}"#,
        ] {
            let error = answer(json).unwrap_err();
            assert!(matches!(error, SourceError::Account(_)), "{json}: {error}");
        }
    }
}
