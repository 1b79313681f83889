//! A message with its own bytes.

use super::{Index, Message};

/// A message that outlives the buffer it was read from. Made once and filled again: it keeps its room.
#[derive(Clone, Debug, Default)]
pub struct OwnedMessage {
    bytes: Vec<u8>,
    index: Index,
}

impl OwnedMessage {
    /// Room for a message; until then an empty one, of which nothing can be read.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Becomes a copy of `message`, which is not read anew.
    pub fn copy(&mut self, message: Message<'_>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(message.bytes());
        self.index.copy(message.index());
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        Message::new(&self.bytes, &self.index)
    }

    /// For how many bytes it has room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

impl Index {
    /// Takes over what another holds, and nothing of what that held before.
    fn copy(&mut self, other: &Self) {
        let Self { start, count, entries, seen, first, body, fault, folded } = other;
        if let (Some(ours), Some(theirs)) = (self.entries.get_mut(..*count), entries.get(..*count)) {
            ours.copy_from_slice(theirs);
        }
        (self.start, self.count, self.seen, self.first) = (*start, *count, *seen, *first);
        (self.body, self.fault, self.folded) = (*body, *fault, *folded);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Framing, HeaderId};
    use super::*;

    #[test]
    fn a_copy_says_what_the_message_said_and_keeps_nothing_of_the_one_before() {
        let mut copy = OwnedMessage::new();
        assert!(copy.message().request().is_none());
        for bytes in [
            b"INFO sip:a SIP/2.0\r\nVia: a\r\nVia: b\r\nX: y\r\nContent-Length: 2\r\n\r\nhi".as_slice(),
            b"BYE sip:b SIP/2.0\r\nVia: c\r\n\r\n",
            b"nothing of SIP",
        ] {
            let mut index = Index::new();
            let message = index.read(bytes, Framing::Datagram).unwrap();
            copy.copy(message);
            let copied = copy.message();
            assert_eq!(copied.bytes(), bytes);
            assert_eq!(copied.request(), message.request());
            assert_eq!((copied.fault(), copied.body()), (message.fault(), message.body()));
            assert!(copied.fields().eq(message.fields()));
            assert_eq!(copied.value(HeaderId::Via), message.value(HeaderId::Via));
        }
    }
}
