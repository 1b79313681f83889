//! Copies of requests that wait.

use std::borrow::Cow;
use std::hint::black_box;
use std::mem::take;
use std::slice::from_ref;

use prefetch_index::prefetch_index;
use sip_message::{HeaderId, Message, OwnedMessage};

use crate::Identity;
use crate::fetch::fetch_bytes;
use crate::identity::Carried;

/// A request that waits, and what was found out about it.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    message: OwnedMessage,
    /// Name and realm of who has proved to have sent it, and where the realm begins.
    names: Vec<u8>,
    realm: Option<usize>,
    vouched: bool,
    on_success: Vec<(HeaderId, Box<[u8]>)>,
}

impl Copied {
    fn fill(&mut self, message: Message<'_>, carried: Carried<'_>) {
        let Carried { identity, vouched, on_success } = carried;
        self.message.copy(message);
        self.names.clear();
        self.realm = identity.map(|Identity { name, realm }| {
            self.names.extend_from_slice(&name);
            let at = self.names.len();
            self.names.extend_from_slice(&realm);
            at
        });
        (self.vouched, self.on_success) = (vouched, on_success);
    }

    /// The request, and what it carries, which is given once.
    pub(crate) fn parts(&mut self) -> (Message<'_>, Carried<'_>) {
        let names = self.realm.and_then(|at| self.names.split_at_checked(at));
        let identity = names.map(|(name, realm)| Identity { name: Cow::Borrowed(name), realm: Cow::Borrowed(realm) });
        let carried = Carried { identity, vouched: self.vouched, on_success: take(&mut self.on_success) };
        (self.message.message(), carried)
    }

    /// Asks for what says where its parts are.
    pub(crate) fn fetch(&self) {
        prefetch_index(from_ref(&self.message), 0);
        prefetch_index(from_ref(&self.names), 0);
        prefetch_index(from_ref(&self.on_success), 0);
    }

    /// Asks for the request itself, once that has been.
    pub(crate) fn fetch_request(&self) {
        let message = self.message.message();
        // It is looked up, so that its index is there too.
        let _ = black_box(message.value(HeaderId::CallId).map(<[u8]>::len));
        fetch_bytes(message.bytes(), 0, message.bytes().len());
        fetch_bytes(&self.names, 0, self.names.len());
    }

    fn capacity(&self) -> usize {
        self.message.capacity() + self.names.capacity()
    }
}

/// Where copies come from. Where hundreds come and go together, the allocator is dear, so room is kept.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    #[expect(clippy::vec_box, reason = "they are handed out and taken back; each is more than a kilobyte")]
    spare: Vec<Box<Copied>>,
}

/// So many rooms for copies are kept, none for more bytes than this: at a hundred groups of answers in a second, as many as
/// requests wait where 200,000 come in that time. With the messages of phones that is 7 MB.
const SPARES: usize = 4096;
const SPARE_BYTES: usize = 2048;

impl Copies {
    /// A copy of a request with what it carries.
    pub(crate) fn copy(&mut self, message: Message<'_>, carried: Carried<'_>) -> Box<Copied> {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.fill(message, carried);
        copy
    }

    /// Takes a copy back that nobody needs any more.
    pub(crate) fn give_back(&mut self, copy: Box<Copied>) {
        if self.spare.len() < SPARES && copy.capacity() <= SPARE_BYTES {
            self.spare.push(copy);
        }
    }
}
