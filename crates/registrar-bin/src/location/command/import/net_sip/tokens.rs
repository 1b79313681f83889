//! The parts of a hash of hashes, as Perl and JSON write them alike: braces and values. What stands between a key and
//! its value, and after it, says nothing more.

use std::io::BufRead;

/// No address, contact or time is longer.
const MAX_TEXT: usize = 1 << 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    /// In quotes of either kind, without them and without escapes.
    Text(Vec<u8>),
    /// A number or a name.
    Word(Vec<u8>),
    End,
}

pub(super) struct Tokens<R> {
    bytes: std::io::Bytes<R>,
    /// Read too far.
    ahead: Option<u8>,
    line: u64,
    /// Where the last token begins.
    token_line: u64,
}

impl<R: BufRead> Tokens<R> {
    pub(super) fn new(input: R) -> Self {
        Self { bytes: input.bytes(), ahead: None, line: 1, token_line: 1 }
    }

    /// The line of the last token.
    pub(super) fn at_line(&self) -> u64 {
        self.token_line
    }

    pub(super) fn wrong(&self, what: &str) -> String {
        format!("line {}: {what}", self.token_line)
    }

    pub(super) fn next(&mut self) -> Result<Token, String> {
        loop {
            let byte = self.byte()?;
            self.token_line = self.line;
            match byte {
                None => return Ok(Token::End),
                Some(b'{') => return Ok(Token::Open),
                Some(b'}') => return Ok(Token::Close),
                Some(quote @ (b'\'' | b'"')) => return self.text(quote),
                Some(b'=' | b'>' | b':' | b',' | b';') => {}
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(first) => return self.word(first),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        if let Some(byte) = self.ahead.take() {
            return Ok(Some(byte));
        }
        let byte = self.bytes.next().transpose().map_err(|error| self.wrong(&error.to_string()))?;
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn must_byte(&mut self) -> Result<u8, String> {
        self.byte()?.ok_or_else(|| self.wrong("it ends too soon: a quote is open"))
    }

    fn word(&mut self, first: u8) -> Result<Token, String> {
        let mut word = vec![first];
        while let Some(byte) = self.byte()? {
            if !byte.is_ascii_alphanumeric() && !b"_.+-".contains(&byte) {
                self.ahead = Some(byte);
                break;
            }
            self.push(&mut word, byte)?;
        }
        Ok(Token::Word(word))
    }

    fn push(&self, text: &mut Vec<u8>, byte: u8) -> Result<(), String> {
        if text.len() >= MAX_TEXT {
            return Err(self.wrong("a text that is too long"));
        }
        text.push(byte);
        Ok(())
    }

    fn text(&mut self, quote: u8) -> Result<Token, String> {
        let mut text = Vec::new();
        loop {
            match self.must_byte()? {
                byte if byte == quote => return Ok(Token::Text(text)),
                b'\\' if quote == b'\'' => match self.must_byte()? {
                    byte @ (b'\\' | b'\'') => self.push(&mut text, byte)?,
                    byte => {
                        self.push(&mut text, b'\\')?;
                        self.push(&mut text, byte)?;
                    }
                },
                b'\\' => {
                    for byte in self.escaped()? {
                        self.push(&mut text, byte)?;
                    }
                }
                byte => self.push(&mut text, byte)?,
            }
        }
    }

    /// What a backslash within `"` begins.
    fn escaped(&mut self) -> Result<Vec<u8>, String> {
        Ok(match self.must_byte()? {
            b'n' => vec![b'\n'],
            b'r' => vec![b'\r'],
            b't' => vec![b'\t'],
            b'u' => {
                let unit = self.hex(4)?;
                let code = if (0xD800..0xDC00).contains(&unit) { self.surrogate(unit)? } else { unit };
                self.character(code)?
            }
            b'x' => {
                let (mut digits, mut byte) = (String::new(), self.must_byte()?);
                if byte != b'{' {
                    return Err(self.wrong("an escape that is not known"));
                }
                while digits.len() < 8 {
                    byte = self.must_byte()?;
                    if byte == b'}' {
                        break;
                    }
                    digits.push(char::from(byte));
                }
                let code = u32::from_str_radix(&digits, 16).map_err(|_| self.wrong("an escape that is not known"))?;
                self.character(code)?
            }
            digit @ b'0'..=b'7' => self.octal(digit)?,
            letter if letter.is_ascii_alphanumeric() => return Err(self.wrong("an escape that is not known")),
            byte => vec![byte],
        })
    }

    /// Up to three octal digits: a byte.
    fn octal(&mut self, first: u8) -> Result<Vec<u8>, String> {
        let mut code = u32::from(first - b'0');
        for _ in 0..2 {
            match self.byte()? {
                Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                other => {
                    self.ahead = other;
                    break;
                }
            }
        }
        u8::try_from(code).map(|byte| vec![byte]).map_err(|_| self.wrong("an escape that is not known"))
    }

    fn surrogate(&mut self, high: u32) -> Result<u32, String> {
        if (self.must_byte()?, self.must_byte()?) != (b'\\', b'u') {
            return Err(self.wrong("half of a character"));
        }
        match self.hex(4)? {
            low @ 0xDC00..=0xDFFF => Ok(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
            _ => Err(self.wrong("half of a character")),
        }
    }

    fn hex(&mut self, digits: u32) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = char::from(self.must_byte()?).to_digit(16);
            code = code * 16 + digit.ok_or_else(|| self.wrong("an escape that is not known"))?;
        }
        Ok(code)
    }

    fn character(&self, code: u32) -> Result<Vec<u8>, String> {
        let character = char::from_u32(code).ok_or_else(|| self.wrong("half of a character"))?;
        Ok(character.to_string().into_bytes())
    }
}
