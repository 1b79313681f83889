//! What a column holds is told by its name.

use sip_registrar::auth::HashFunction;

use crate::SourceError;
use crate::draft::{Draft, Of};

/// A column of a query's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Username,
    Password,
    /// A hash; without a function, its length tells it.
    Hash(Of, Option<HashFunction>),
    MayRegister,
    Algorithms,
}

const COLUMNS: &[(&str, Column)] = &[
    ("username", Column::Username),
    ("password", Column::Password),
    ("ha1", Column::Hash(Of::Name, None)),
    ("ha1b", Column::Hash(Of::Address, None)),
    ("ha1_md5", Column::Hash(Of::Name, Some(HashFunction::Md5))),
    ("ha1_sha256", Column::Hash(Of::Name, Some(HashFunction::Sha256))),
    ("ha1_sha256b", Column::Hash(Of::Address, Some(HashFunction::Sha256))),
    ("ha1_sha512_256", Column::Hash(Of::Name, Some(HashFunction::Sha512_256))),
    ("ha1_sha512_256b", Column::Hash(Of::Address, Some(HashFunction::Sha512_256))),
    ("ha1_sha512t256", Column::Hash(Of::Name, Some(HashFunction::Sha512_256))),
    ("may_register", Column::MayRegister),
    ("algorithms", Column::Algorithms),
];

/// Checks the columns of a result, all of them known and at least one a secret.
pub(super) fn check<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), SourceError> {
    let columns = names.into_iter().map(Column::new).collect::<Result<Vec<_>, _>>()?;
    if columns.iter().any(|column| matches!(column, Column::Password | Column::Hash(..))) {
        return Ok(());
    }
    Err(SourceError::Misconfigured("the query selects neither a password nor a hash of one".to_owned()))
}

impl Column {
    pub(super) fn new(name: &str) -> Result<Self, SourceError> {
        let known = COLUMNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, column)| *column).ok_or_else(|| {
            let names: Vec<_> = COLUMNS.iter().map(|(known, _)| *known).collect();
            let text = format!("the query selects {name:?}, which is none of {}; use AS", names.join(", "));
            SourceError::Misconfigured(text)
        })
    }

    /// Takes the value, which is not empty, over into the account.
    pub(super) fn read(self, name: &str, value: Vec<u8>, draft: &mut Draft) -> Result<(), SourceError> {
        let field = format!("the column {name}");
        match self {
            Self::Username => Ok(()),
            Self::Password => {
                draft.password(value);
                Ok(())
            }
            Self::Hash(of, function) => draft.hash(of, function, &value, &field),
            Self::MayRegister => draft.may_register(words(&value, &field)?, &field),
            Self::Algorithms => draft.algorithms(words(&value, &field)?, &field),
        }
    }
}

/// Words between commas or blanks.
fn words<'a>(value: &'a [u8], field: &str) -> Result<impl Iterator<Item = &'a str>, SourceError> {
    let text = str::from_utf8(value).map_err(|_| SourceError::Account(format!("{field} is not UTF-8")))?;
    Ok(text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;
    use sip_message::header::Algorithm;
    use sip_registrar::auth::{Ha1, Wanted};

    #[test]
    fn columns_are_known_by_their_names() {
        assert_eq!(check(["username", "HA1", "Ha1b"]), Ok(()));
        assert_eq!(check(["password"]), Ok(()));
        for names in [["ha1", "rpid"].as_slice(), &["username", "may_register"], &[]] {
            let error = check(names.iter().copied()).unwrap_err();
            assert!(matches!(error, SourceError::Misconfigured(_)), "{error}");
            assert_eq!(error.to_string().contains("\"rpid\""), names.contains(&"rpid"), "{error}");
        }
    }

    fn read(columns: &[(&str, &str)]) -> Result<String, SourceError> {
        let wanted = Wanted { name: b"alice", domain: b"example.com", realm: b"example.com" };
        let mut draft = Draft::new(&User::new(&wanted).unwrap());
        for (name, value) in columns {
            Column::new(name)?.read(name, value.as_bytes().to_vec(), &mut draft)?;
        }
        Ok(format!("{:?}", draft.finish()))
    }

    #[test]
    fn what_columns_hold_makes_the_account() {
        let ha1 = |function| Ha1::of(function, b"alice", b"example.com", b"secret").reveal();
        let (md5, sha) = (ha1(HashFunction::Md5), ha1(HashFunction::Sha256));
        let with_md5 = read(&[("ha1", &md5)]).unwrap();
        assert!(with_md5.contains("Hashes([(Name, Ha1(MD5, secret))])"), "{with_md5}");
        assert_eq!(read(&[("ha1_md5", &format!(" {md5} "))]).unwrap(), with_md5);
        let with_sha = read(&[("ha1_sha256", &sha)]).unwrap();
        assert!(with_sha.contains("Hashes([(Name, Ha1(SHA-256, secret))])"), "{with_sha}");
        assert_eq!(read(&[("ha1", &sha)]).unwrap(), with_sha);
        let other = read(&[("ha1_sha512t256", &sha), ("ha1b", &md5)]).unwrap();
        assert!(other.contains("Hashes([(Name, Ha1(SHA-512-256, secret)), (Address, Ha1(MD5, secret))])"), "{other}");
        let named = read(&[("algorithms", "SHA-256, md5"), ("may_register", "sales@example.com,*@example.org")]);
        let named = named.unwrap();
        let list = format!("{:?}", sip_registrar::auth::Algorithms::new([Algorithm::Sha256, Algorithm::Md5]));
        assert!(named.contains(&list) && named.contains("Exactly"), "{named}");
    }

    #[test]
    fn what_makes_no_account_is_said_without_the_secret() {
        for (column, value) in [
            ("ha1", "open sesame"),
            ("ha1_sha256", "900150983cd24fb0d6963f7d28e17f72"),
            ("algorithms", "MD4"),
            ("may_register", "sales"),
        ] {
            let error = read(&[(column, value)]).unwrap_err();
            assert!(matches!(error, SourceError::Account(_)), "{error}");
            let text = error.to_string();
            assert!(text.contains(column) && !text.contains("sesame") && !text.contains("9001"), "{text}");
        }
    }
}
