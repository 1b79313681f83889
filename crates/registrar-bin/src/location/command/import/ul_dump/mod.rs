//! What Kamailio's RPC command `ul.dump` gives.

mod json;
mod text;

use std::io::BufRead;

use super::entry::{End, Entry};
use super::kamailio::{q, user_agent};
use super::users::split_aor;
use crate::time::WallMillis;

/// What is not in the dump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults<'a> {
    /// The domain of users for whom there is none.
    pub(super) domain: Option<&'a str>,
    /// When it was taken: it says only how much time was left then.
    pub(super) taken_at: WallMillis,
}

/// A contact as the dump has it: names and values.
#[derive(Default)]
struct Dumped(Vec<(String, Vec<u8>)>);

/// Gives `each` the bindings, or why a contact is none, with its number in the order of the dump. `start` is the
/// beginning of the input.
///
/// # Errors
/// It is no dump, or ends too soon.
pub(super) fn read(
    input: impl BufRead,
    start: &[u8],
    defaults: Defaults<'_>,
    mut each: impl FnMut(u64, Result<Entry, String>),
) -> Result<(), String> {
    let mut number = 0;
    let mut contact = |aor: Option<&str>, contact: &Dumped| {
        number += 1;
        each(number, contact.entry(aor, defaults));
    };
    // Both begin with a brace; only in JSON names are quoted.
    let mut visible = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (visible.next(), visible.next()) {
        (Some(b'{' | b'['), Some(b'"' | b'{' | b'[' | b'}' | b']')) => json::read(input, &mut contact),
        _ => text::read(input, &mut contact),
    }
}

impl Dumped {
    fn set(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.to_owned(), value.to_vec()));
    }

    fn bytes(&self, wanted: &str) -> Option<&[u8]> {
        let value = self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_slice());
        value.filter(|value| !matches!(*value, b"" | b"[not set]"))
    }

    /// A value that has to be text.
    fn text(&self, wanted: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(wanted)?).ok()
    }

    fn entry(&self, aor: Option<&str>, defaults: Defaults<'_>) -> Result<Entry, String> {
        let bytes = |name| self.bytes(name).unwrap_or_default().to_vec();
        let aor = split_aor(aor.ok_or("a contact before any AoR")?, defaults.domain)?;
        Ok(Entry {
            uri: self.bytes("Address").ok_or_else(|| format!("a contact of {aor} without Address"))?.to_vec(),
            q: self.text("Q").map(q).transpose()?.flatten(),
            instance: bytes("Instance"),
            reg_id: self.text("Reg-Id").and_then(|id| id.parse().ok()).filter(|id| *id > 0),
            end: self.end(defaults.taken_at)?,
            call_id: bytes("Call-ID"),
            cseq: self.text("CSeq").and_then(|cseq| cseq.parse().ok()).unwrap_or(0),
            path: bytes("Path"),
            user_agent: user_agent(Some(bytes("User-Agent"))),
            received: bytes("Received"),
            socket: bytes("Socket"),
            aor,
        })
    }

    fn end(&self, taken_at: WallMillis) -> Result<End, String> {
        match self.text("Expires").ok_or("a contact without Expires")? {
            "permanent" => Ok(End::Never),
            "deleted" | "expired" => Ok(End::Past),
            seconds => match seconds.parse::<u64>() {
                Ok(seconds) => Ok(End::At(taken_at.saturating_add(seconds.saturating_mul(1000)))),
                Err(_) => Err(format!("Expires {seconds:?} is no number of seconds")),
            },
        }
    }
}

#[cfg(test)]
mod tests;
