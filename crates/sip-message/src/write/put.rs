//! What can be written as a header value.

use super::WriteError;
use crate::index::scan::next_control;

/// Where a header value is written. It lets no control character pass, and writes folds as one space.
#[derive(Debug)]
pub struct Sink<'b> {
    pub(super) buffer: &'b mut Vec<u8>,
    pub(super) error: &'b mut Option<WriteError>,
}

impl Sink<'_> {
    /// Writes text that may come from anywhere. With a control character in it, the message is not written.
    pub fn text(&mut self, text: &[u8]) {
        self.copy(text, None);
    }

    /// Writes text that an answer has to repeat, whatever is in it: control characters become `?`. If the request is
    /// `plain`, there are none.
    pub(super) fn repeat(&mut self, text: &[u8], plain: bool) {
        if plain {
            self.buffer.extend_from_slice(text);
        } else {
            self.copy(text, Some(b'?'));
        }
    }

    /// Writes a text of our own, which has no control characters.
    #[inline]
    pub(super) fn own(&mut self, text: &'static str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn copy(&mut self, text: &[u8], instead: Option<u8>) {
        let mut from = 0;
        loop {
            let at = next_control(text, from);
            self.buffer.extend_from_slice(text.get(from..at).unwrap_or_default());
            match (text.get(at..), instead) {
                (None | Some([]), _) => return,
                (Some([b'\t', ..]), _) => self.buffer.push(b'\t'),
                (Some([b'\r', b'\n', b' ' | b'\t', ..]), _) => {
                    self.buffer.push(b' ');
                    let white = text.get(at + 2..).unwrap_or_default();
                    from = at + 2 + crate::chars::SPACE.run(white);
                    continue;
                }
                (Some(_), Some(instead)) => self.buffer.push(instead),
                (Some(_), None) => {
                    self.error.get_or_insert(WriteError::ControlCharacter);
                    return;
                }
            }
            from = at + 1;
        }
    }

    /// Writes a number in decimal.
    pub fn number(&mut self, number: u64) {
        // Nearly all have so few digits that they are put together in a register, the first lowest. Those in memory are read
        // back by more bytes at once than they were written by, and for that the processor waits until they are in its cache.
        if number < 100_000_000 {
            let (mut digits, mut rest, mut used) = (0_u64, number as u32, 0);
            loop {
                digits = digits << 8 | u64::from(b'0' as u32 + rest % 10);
                (rest, used) = (rest / 10, used + 1);
                if rest == 0 {
                    break;
                }
            }
            self.buffer.extend_from_slice(digits.to_le_bytes().get(..used).unwrap_or_default());
            return;
        }
        let mut digits = [0; 20];
        let mut rest = number;
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        self.buffer.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
    }

    /// Writes several things one behind the other.
    pub fn put(&mut self, value: &(impl Put + ?Sized)) -> &mut Self {
        value.put(self);
        self
    }
}

/// A text of the program's own, which is written without being looked through.
#[derive(Clone, Copy, Debug)]
pub struct Own(pub &'static str);

impl Put for Own {
    #[inline]
    fn put(&self, sink: &mut Sink<'_>) {
        sink.own(self.0);
    }
}

/// Something that can be written as a header value or a part of one. Tuples are written without anything between.
pub trait Put {
    /// Writes it.
    fn put(&self, sink: &mut Sink<'_>);
}

impl Put for [u8] {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.text(self);
    }
}

impl<const N: usize> Put for [u8; N] {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.text(self);
    }
}

impl Put for str {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.text(self.as_bytes());
    }
}

impl<T: Put + ?Sized> Put for &T {
    fn put(&self, sink: &mut Sink<'_>) {
        (**self).put(sink);
    }
}

impl<T: Put> Put for Option<T> {
    fn put(&self, sink: &mut Sink<'_>) {
        if let Some(value) = self {
            value.put(sink);
        }
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Put for $number {
            fn put(&self, sink: &mut Sink<'_>) {
                sink.number(u64::from(*self));
            }
        }
    )*};
}
numbers!(u8 u16 u32 u64);

macro_rules! tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Put),*> Put for ($($name,)*) {
            #[expect(non_snake_case, reason = "the type's name serves for its value")]
            fn put(&self, sink: &mut Sink<'_>) {
                let ($($name,)*) = self;
                $($name.put(sink);)*
            }
        }
    )*};
}
tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }
