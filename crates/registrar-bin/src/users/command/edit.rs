//! Changes to the text of a users file that leave everything else in it as it is.

use toml_edit::{DocumentMut, Item, TableLike, Value};
use zeroize::Zeroizing;

use crate::users::Address;
use crate::users::user::{HASH_KEYS, Hash, Secrets, User};

/// What a new file begins with.
const TITLE: &str = "# Users of the registrar, with hashes of their passwords: keep it secret.\n";

/// A text that may be a secret.
type Text = Zeroizing<String>;

/// Adds an entry at the end.
pub(super) fn append(text: &mut Text, user: &User) {
    if text.is_empty() {
        text.push_str(TITLE);
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("\n[user.{}]\n", quoted(user.address.as_str())));
    for (key, value) in keys(&user.secrets) {
        text.push_str(&Zeroizing::new(format!("{key} = {}\n", quoted(&value))));
    }
    let list = |values: Vec<&str>| values.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
    let algorithms: Vec<_> = user.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    if !algorithms.is_empty() {
        text.push_str(&format!("algorithms = [{}]\n", list(algorithms)));
    }
    if !user.may_register.is_empty() {
        let patterns = user.may_register.iter().map(String::as_str).collect();
        text.push_str(&format!("may_register = [{}]\n", list(patterns)));
    }
}

/// The block with other secrets for one of its users; `None` if that is not there.
pub(super) fn with_secrets(block: &str, address: &Address, secrets: &Secrets) -> Option<Text> {
    let mut document: DocumentMut = block.parse().ok()?;
    let (users, key) = find(&mut document, address)?;
    let entry = users.get_mut(&key)?.as_table_like_mut()?;
    let new = keys(secrets);
    for old in ["password", "realm"].into_iter().chain(HASH_KEYS.map(|(key, ..)| key)) {
        if !new.iter().any(|(key, _)| *key == old) {
            entry.remove(old);
        }
    }
    for (key, value) in &new {
        match entry.get_mut(key).and_then(Item::as_value_mut) {
            Some(place) => {
                // With the comment behind it.
                let decor = place.decor().clone();
                *place = Value::from(value.as_str());
                *place.decor_mut() = decor;
            }
            None => _ = entry.insert(key, toml_edit::value(value.as_str())),
        }
    }
    Some(Zeroizing::new(document.to_string()))
}

/// The block without one of its users, and without the comment directly above it; `None` if the user is not there.
pub(super) fn without(block: &str, address: &Address) -> Option<Text> {
    let mut document: DocumentMut = block.parse().ok()?;
    let (users, key) = find(&mut document, address)?;
    users.remove(&key);
    let rest = Zeroizing::new(document.to_string());
    // Blank lines that stood behind it go too.
    Some(if rest.trim().is_empty() { Text::default() } else { rest })
}

/// The table of users, and the key of one as it is spelled there.
fn find<'d>(document: &'d mut DocumentMut, address: &Address) -> Option<(&'d mut dyn TableLike, String)> {
    let users = document.get_mut("user")?.as_table_like_mut()?;
    let is_it = |key: &str| Address::parse(key).is_ok_and(|other| other == *address);
    let key = users.iter().map(|(key, _)| key).find(|key| is_it(key))?.to_owned();
    Some((users, key))
}

/// The keys in which secrets are kept, with their values.
fn keys(secrets: &Secrets) -> Vec<(&'static str, Text)> {
    match secrets {
        Secrets::Password(password) => vec![("password", Zeroizing::new(password.reveal().to_owned()))],
        Secrets::Hashes { hashes, realm } => {
            let mut keys: Vec<_> = realm.iter().map(|realm| ("realm", Zeroizing::new(realm.clone()))).collect();
            for (key, function, of) in HASH_KEYS {
                let is_it = |hash: &&Hash| hash.of == of && hash.ha1.function() == function;
                keys.extend(hashes.iter().find(is_it).map(|hash| (key, Zeroizing::new(hash.ha1.reveal()))));
            }
            keys
        }
    }
}

/// A text in quotes, with escapes where it needs them.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
