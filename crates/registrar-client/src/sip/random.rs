//! What nobody else has.

use std::fmt::Write;

/// So many random hexadecimal digits: for tags, branches and Call-IDs, which have to be unique, not secret.
#[must_use]
pub fn token(digits: usize) -> String {
    let mut bytes = vec![0; digits.div_ceil(2)];
    // Without random numbers the time and this process have to do.
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let seed = (now ^ u128::from(std::process::id())).to_le_bytes();
        bytes.iter_mut().zip(seed.iter().cycle()).for_each(|(to, from)| *to = *from);
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}
