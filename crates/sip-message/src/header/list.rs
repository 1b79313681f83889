//! Values of list headers, comma-joined and repeated alike (RFC 3261 §7.3.1).

use std::marker::PhantomData;

use super::ListItem;
use crate::ParseError;
use crate::step::{byte, sws, whole};

/// The values of one header name, in order. Ends after the first malformed one.
#[derive(Clone, Debug)]
pub struct Values<'a, H, I> {
    lines: I,
    line: &'a [u8],
    rest: Option<&'a [u8]>,
    done: bool,
    of: PhantomData<H>,
}

impl<'a, H, I: Iterator<Item = &'a [u8]>> Values<'a, H, I> {
    pub(crate) fn new(lines: I) -> Self {
        Self { lines, line: &[], rest: None, done: false, of: PhantomData }
    }
}

impl<'a, H: ListItem<'a>, I: Iterator<Item = &'a [u8]>> Iterator for Values<'a, H, I> {
    type Item = Result<H, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let rest = match self.rest.take() {
            Some(rest) => rest,
            None => loop {
                self.line = self.lines.next()?;
                if !(H::MAY_BE_EMPTY && self.line.is_empty()) {
                    break self.line;
                }
            },
        };
        let item = match H::item(sws(rest)) {
            Ok((rest, item)) => match sws(rest) {
                [] => Ok(([].as_slice(), item)),
                rest => byte(b',')(rest).map(|(rest, ())| {
                    self.rest = Some(rest);
                    ([].as_slice(), item)
                }),
            },
            Err(error) => Err(error),
        };
        let result = whole(H::PART, self.line, item);
        self.done = result.is_err();
        Some(result)
    }
}
