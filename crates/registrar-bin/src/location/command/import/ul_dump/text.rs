//! As `kamcmd` prints it: a name and a value in each line, and braces around what belongs together.

use std::io::{BufRead, Read};

use super::Dumped;

/// Longer ones are no such text.
const MAX_LINE: u64 = 1 << 16;

/// Gives `each` the contacts with the address before them.
///
/// # Errors
/// It is no such text, or ends too soon.
pub(super) fn read(mut input: impl BufRead, each: &mut dyn FnMut(Option<&str>, &Dumped)) -> Result<(), String> {
    let mut aor: Option<String> = None;
    let mut contact: Option<Dumped> = None;
    let mut depth = 0_u32;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limited = &mut (&mut input).take(MAX_LINE);
        if limited.read_until(b'\n', &mut line).map_err(|error| error.to_string())? == 0 {
            break;
        }
        let wrong = |what: &str| format!("line {number}: {what}: this is not what kamcmd ul.dump prints");
        match line.trim_ascii() {
            b"" => {}
            b"{" => depth += 1,
            b"}" => {
                depth = depth.checked_sub(1).ok_or_else(|| wrong("a brace too many"))?;
                if let Some(contact) = contact.take() {
                    each(aor.as_deref(), &contact);
                }
            }
            text => {
                let colon = text.iter().position(|byte| *byte == b':').ok_or_else(|| wrong("no name with a value"))?;
                let (name, value) = text.split_at_checked(colon).unwrap_or_default();
                let name = std::str::from_utf8(name).map_err(|_| wrong("not UTF-8"))?;
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                match (&mut contact, name, value) {
                    // No value is a brace, and no name of a contact's own has a table under it.
                    (None, "Contact", b"{") => (depth, contact) = (depth + 1, Some(Dumped::default())),
                    (None, _, b"{") => depth += 1,
                    (None, "AoR", aor_value) => aor = Some(String::from_utf8_lossy(aor_value).into_owned()),
                    (None, ..) => {}
                    (Some(contact), name, value) => contact.set(name, value),
                }
            }
        }
    }
    if depth == 0 { Ok(()) } else { Err("it ends too soon: braces are open".to_owned()) }
}
