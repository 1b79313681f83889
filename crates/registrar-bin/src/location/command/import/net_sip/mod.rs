//! The store of Net::SIP::Registrar, as `_store` gives it: for each address its contacts, and for each contact the
//! second in which it ends. Written by Data::Dumper, or as JSON.

mod tokens;

use std::io::BufRead;

use super::entry::{End, Entry};
use tokens::{Token, Tokens};

/// Gives `each` the bindings, or why one is none, with the numbers of their lines.
///
/// # Errors
/// It is no such store, or ends too soon.
pub(super) fn read(input: impl BufRead, mut each: impl FnMut(u64, Result<Entry, String>)) -> Result<(), String> {
    let mut tokens = Tokens::new(input);
    let mut any = false;
    loop {
        match tokens.next()? {
            // `$VAR1 =` before it.
            Token::Word(word) if word.starts_with(b"$") => {}
            Token::Open => {
                any = true;
                addresses(&mut tokens, &mut each)?;
            }
            Token::End if any => return Ok(()),
            _ => return Err(tokens.wrong("no store: it begins with a brace")),
        }
    }
}

fn addresses(
    tokens: &mut Tokens<impl BufRead>,
    each: &mut impl FnMut(u64, Result<Entry, String>),
) -> Result<(), String> {
    loop {
        let aor = match tokens.next()? {
            Token::Close => return Ok(()),
            Token::Text(aor) | Token::Word(aor) => aor,
            Token::Open | Token::End => return Err(tokens.wrong("no address")),
        };
        if tokens.next()? != Token::Open {
            return Err(tokens.wrong("an address without contacts in braces"));
        }
        loop {
            let uri = match tokens.next()? {
                Token::Close => break,
                Token::Text(uri) | Token::Word(uri) => uri,
                Token::Open | Token::End => return Err(tokens.wrong("no contact")),
            };
            let end = match tokens.next()? {
                Token::Text(end) | Token::Word(end) => end,
                Token::Open | Token::Close | Token::End => return Err(tokens.wrong("a contact without its end")),
            };
            each(tokens.at_line(), entry(&aor, uri, &end));
        }
    }
}

fn entry(aor: &[u8], uri: Vec<u8>, end: &[u8]) -> Result<Entry, String> {
    let aor = String::from_utf8_lossy(aor).into_owned();
    let end = std::str::from_utf8(end).unwrap_or_default();
    let seconds = end.split('.').next().unwrap_or_default().parse::<u64>();
    let seconds = seconds.map_err(|_| format!("a contact of {aor} ends at {end:?}, which is no number of seconds"))?;
    Ok(Entry {
        aor,
        uri,
        q: None,
        instance: Vec::new(),
        reg_id: None,
        end: End::At(seconds.saturating_mul(1000)),
        // No request has an empty Call-ID, so that the next one counts whatever its CSeq is.
        call_id: Vec::new(),
        cseq: 0,
        path: Vec::new(),
        user_agent: Vec::new(),
        received: Vec::new(),
        socket: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
