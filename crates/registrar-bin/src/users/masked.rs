//! A users file made fit to be shown.

/// Keys whose values are no secrets.
const OPEN: [&str; 3] = ["realm", "algorithms", "may_register"];

/// The same text with stars for every byte that may be part of a secret, so that every place in it stays where it is.
///
/// It is meant for files in which something is wrong, so nothing is presumed: what is shown is headers that are whole,
/// the names of keys, and the values of those that are known to be harmless.
pub(crate) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let shown = shown(line);
        let (open, secret) = line.split_at_checked(shown).unwrap_or(("", line));
        out.push_str(open);
        for char in secret.chars() {
            if char.is_whitespace() {
                out.push(char);
            } else {
                out.extend(std::iter::repeat_n('*', char.len_utf8()));
            }
        }
    }
    out
}

/// How many bytes of a line are shown.
fn shown(line: &str) -> usize {
    let trimmed = line.trim();
    if trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains('=') {
        return line.len();
    }
    let Some((key, _)) = line.split_once('=') else { return 0 };
    if OPEN.contains(&key.trim()) { line.len() } else { key.len() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown_and_every_place_stays() {
        for (text, shown) in [
            ("[user.\"a@x\"]\n", "[user.\"a@x\"]\n"),
            ("# was 939e\n", "* *** ****\n"),
            ("[user.\"a@x\" secret\n", "*********** ******\n"),
            ("  md5 = \"939e\" # x\n", "  md5 = ****** * *\n"),
            ("pasword = 'ü b'\n", "pasword = *** **\n"),
            ("realm = \"x\"\n", "realm = \"x\"\n"),
            ("may_register = [\"a@x\"]", "may_register = [\"a@x\"]"),
            ("second line of a secret\n", "****** **** ** * ******\n"),
            ("[user.\"a@x\"] password = \"x\"\n", "[user.\"a@x\"] password = ***\n"),
            ("\n\n", "\n\n"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
