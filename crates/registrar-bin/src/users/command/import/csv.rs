//! Tables of other servers: Kamailio's and OpenSIPS' `subscriber`, as their databases export it.

use sip_registrar::auth::{Ha1, HashFunction};
use zeroize::Zeroizing;

use super::Imported;
use crate::users::Address;
use crate::users::user::{Hash, HashOf, Password, Secrets};

/// What is not in the input.
pub(super) struct Defaults<'a> {
    /// The domain of users for whom there is none.
    pub(super) domain: Option<&'a str>,
    /// The realm of a user for whom there is none.
    pub(super) realm_of: &'a dyn Fn(&Address) -> String,
    /// Keep passwords as they are.
    pub(super) plain: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Username,
    Domain,
    Realm,
    Password,
    /// The digits tell MD5 from SHA-256: Kamailio keeps either in one column.
    Ha1(HashOf),
    HashBy(HashFunction, HashOf),
}

/// Names of columns, in lower case.
const COLUMNS: [(&str, Column); 13] = [
    ("username", Column::Username),
    ("domain", Column::Domain),
    ("realm", Column::Realm),
    ("password", Column::Password),
    ("ha1", Column::Ha1(HashOf::Name)),
    ("ha1b", Column::Ha1(HashOf::Address)),
    ("ha1_sha256", Column::HashBy(HashFunction::Sha256, HashOf::Name)),
    ("ha1_sha256b", Column::HashBy(HashFunction::Sha256, HashOf::Address)),
    ("ha1_sha512t256", Column::HashBy(HashFunction::Sha512_256, HashOf::Name)),
    ("ha1_sha512t256b", Column::HashBy(HashFunction::Sha512_256, HashOf::Address)),
    ("ha1_sha512_256", Column::HashBy(HashFunction::Sha512_256, HashOf::Name)),
    ("ha1_sha512_256b", Column::HashBy(HashFunction::Sha512_256, HashOf::Address)),
    ("ha1_md5", Column::HashBy(HashFunction::Md5, HashOf::Name)),
];

/// Gives `each` the users, or why a line is none, with the numbers of their lines. What it gives back are the names of
/// the columns that were not used.
///
/// # Errors
/// The header is none.
pub(super) fn read(
    input: &[u8],
    defaults: &Defaults<'_>,
    mut each: impl FnMut(u64, Result<Imported, String>),
) -> Result<Vec<String>, String> {
    let header = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = b",;\t".iter().copied().find(|delimiter| header.contains(delimiter)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(input);
    let names: Vec<_> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_lowercase()).collect(),
        Err(error) => return Err(error.to_string()),
    };
    let column = |name: &String| COLUMNS.iter().find(|(known, _)| known == name).map(|(_, column)| *column);
    let columns: Vec<_> = names.iter().map(column).collect();
    if !columns.contains(&Some(Column::Username)) {
        let known = COLUMNS.map(|(name, _)| name).join(", ");
        return Err(format!("the first line names no column username; these are known: {known}"));
    }
    for record in reader.byte_records() {
        match record {
            Ok(record) => {
                let number = record.position().map_or(0, csv::Position::line);
                each(number, user(&columns, &record, defaults));
            }
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                each(number, Err(format!("this line has not as many columns as the first ({error})")));
            }
        }
    }
    Ok(names.into_iter().zip(columns).filter(|(_, column)| column.is_none()).map(|(name, _)| name).collect())
}

fn user(columns: &[Option<Column>], record: &csv::ByteRecord, defaults: &Defaults<'_>) -> Result<Imported, String> {
    let (mut name, mut domain, mut realm, mut password) = (None, defaults.domain, None, None);
    let mut hashes = Vec::new();
    for (column, field) in columns.iter().zip(record) {
        let Some(column) = column else { continue };
        let text = std::str::from_utf8(field).map_err(|_| "not UTF-8".to_owned())?;
        // As databases write what is not there.
        if matches!(text, "" | "NULL" | "\\N") {
            continue;
        }
        match *column {
            Column::Username => name = Some(text),
            Column::Domain => domain = Some(text),
            Column::Realm => realm = Some(text),
            Column::Password => password = Some(text),
            Column::Ha1(of) => {
                let function = if text.len() == 64 { HashFunction::Sha256 } else { HashFunction::Md5 };
                hashes.push(hash(function, of, text)?);
            }
            Column::HashBy(function, of) => hashes.push(hash(function, of, text)?),
        }
    }
    let name = name.ok_or("there is no username")?;
    let domain = domain.ok_or("there is no domain; --domain says in which domain such users are")?;
    let address = Address::of(name, domain).map_err(|error| error.to_string())?;
    let realm = realm.map_or_else(|| (defaults.realm_of)(&address), str::to_owned);
    // All hashes can be made of a password, and one that is there is the truth.
    let secrets = match password {
        Some(password) => {
            let password = Password::new(Zeroizing::new(password.to_owned()));
            let password = password.map_err(|why| format!("the password {why}"))?;
            if defaults.plain { Secrets::Password(password) } else { Secrets::hashed(&address, &realm, &password) }
        }
        None if hashes.is_empty() => return Err(format!("{address} has neither a password nor a hash")),
        None => Secrets::Hashes { hashes, realm: Some(realm) },
    };
    Ok(Imported { address, secrets })
}

fn hash(function: HashFunction, of: HashOf, hex: &str) -> Result<Hash, String> {
    let wrong = || format!("a hash is not one of {}: it has other digits, or not as many", function.name());
    Ha1::from_hex(function, hex.as_bytes()).map(|ha1| Hash { of, ha1 }).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "939e7578ed9e3c518a452acee763bce9";

    type Line = (u64, Result<Imported, String>);

    fn read_all(text: &str, plain: bool) -> (Vec<Line>, Vec<String>) {
        let mut all = Vec::new();
        let realm_of = |address: &Address| address.domain().to_owned();
        let defaults = Defaults { domain: Some("example.net"), realm_of: &realm_of, plain };
        let unused = read(text.as_bytes(), &defaults, |number, user| all.push((number, user))).unwrap();
        (all, unused)
    }

    fn hashes(text: &str) -> (String, Vec<(HashFunction, HashOf)>, Option<String>) {
        let user = read_all(text, false).0.pop().unwrap().1.unwrap();
        let Secrets::Hashes { hashes, realm } = user.secrets else { panic!("{text}") };
        (user.address.to_string(), hashes.iter().map(|hash| (hash.ha1.function(), hash.of)).collect(), realm)
    }

    #[test]
    fn kamailios_table_is_read_as_its_databases_export_it() {
        let mysql = format!("id\tusername\tdomain\tpassword\tha1\tha1b\n1\talice\tExample.com\tNULL\t{HASH}\t{HASH}\n");
        let postgres = format!("id,username,domain,password,ha1,ha1b\n1,\"alice\",Example.com,,{HASH},\"{HASH}\"\r\n");
        for text in [mysql, postgres] {
            let both = vec![(HashFunction::Md5, HashOf::Name), (HashFunction::Md5, HashOf::Address)];
            assert_eq!(hashes(&text), ("alice@example.com".to_owned(), both, Some("example.com".to_owned())));
            assert_eq!(read_all(&text, false).1, ["id"]);
        }
        let sha = format!("username;ha1;realm\nalice;{HASH}{HASH};asterisk\n");
        let by_sha = vec![(HashFunction::Sha256, HashOf::Name)];
        assert_eq!(hashes(&sha), ("alice@example.net".to_owned(), by_sha, Some("asterisk".to_owned())));
    }

    #[test]
    fn of_a_password_every_hash_is_made_and_it_is_kept_only_if_that_is_asked_for() {
        let text = format!("username,domain,password,ha1\nalice,example.com,\"se,\"\"cret\",{HASH}\n");
        assert_eq!(hashes(&text).1.len(), 6);
        let user = read_all(&text, true).0.pop().unwrap().1.unwrap();
        assert!(matches!(user.secrets, Secrets::Password(password) if password.reveal() == "se,\"cret"));
    }

    #[test]
    fn every_bad_line_is_told_with_its_number_and_without_its_secrets() {
        let text = "username,domain,password,ha1\n\
                    ,example.com,x,\n\
                    alice,exa mple,x,\n\
                    bob,example.com,,\n\
                    carol,example.com,,c0ffee\n\
                    dave,example.com\n\
                    \"e\nve\",example.com,\"a\nb\",\n\
                    frank,example.com,x,\n";
        let all = read_all(text, false).0;
        let wrong: Vec<_> = all.iter().filter_map(|(number, user)| Some((*number, user.as_ref().err()?))).collect();
        assert_eq!(wrong.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
        for ((_, error), said) in wrong.iter().zip([
            "no username",
            "no address of a user",
            "neither a password nor a hash",
            "not one of MD5",
            "as many columns",
            "control characters",
        ]) {
            assert!(error.contains(said) && !error.contains("c0ffee"), "{error}");
        }
        assert_eq!(all.last().map(|(number, _)| *number), Some(10));
    }

    #[test]
    fn without_a_header_nothing_is_read() {
        let defaults = Defaults { domain: None, realm_of: &|_| String::new(), plain: false };
        for text in ["", "alice,example.com,secret\n"] {
            let error = read(text.as_bytes(), &defaults, |_, _| panic!("nothing can be read")).unwrap_err();
            assert!(error.contains("no column username") && !error.contains("secret"), "{error}");
        }
    }
}
