//! Requests that wait for somebody else.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use sip_transport::{Peer, Timestamp};

use crate::Deferred;
use crate::identity::Carried;
use crate::transaction::TransactionKey;

/// A waiting request, for the worker to poll beside its sockets.
#[must_use = "nothing happens unless it is polled"]
pub struct Pending {
    ticket: Ticket,
    /// `None` once it has been ready.
    deferred: Option<Deferred>,
}

impl Pending {
    pub(crate) fn new(ticket: Ticket, deferred: Deferred) -> Self {
        Self { ticket, deferred: Some(deferred) }
    }
}

/// What a [`Pending`] ends with, for [`Ingress::resume`](sip_transport::Ingress::resume).
pub struct Resume {
    pub(crate) ticket: Ticket,
    pub(crate) deferred: Deferred,
}

impl Future for Pending {
    type Output = Resume;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Resume> {
        let ticket = self.ticket;
        match self.deferred.as_mut().map(|deferred| deferred.poll(cx)) {
            Some(Poll::Ready(())) => {
                self.deferred.take().map_or(Poll::Pending, |deferred| Poll::Ready(Resume { ticket, deferred }))
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

/// A waiting request's name, in the order of deadlines. None is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    deadline: Timestamp,
    serial: u64,
}

/// What is kept of a waiting request.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// From [`WaitingRoom::copy`].
    pub(crate) bytes: Vec<u8>,
    pub(crate) peer: Peer,
    pub(crate) key: TransactionKey,
    pub(crate) carried: Carried<'static>,
}

/// The requests of one worker that wait.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    /// Boxed: the tree moves its entries about.
    waiting: BTreeMap<Ticket, Box<Waiting>>,
    serial: u64,
    /// Room for copies of messages. Where hundreds come and go together, the allocator is dear.
    spare: Vec<Vec<u8>>,
}

/// So many rooms for copies are kept, none larger than this: a megabyte.
const SPARES: usize = 512;
const SPARE_BYTES: usize = 2048;

impl WaitingRoom {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A new name.
    pub(crate) fn ticket(&mut self, deadline: Timestamp) -> Ticket {
        self.serial += 1;
        Ticket { deadline, serial: self.serial }
    }

    /// A copy of a message.
    pub(crate) fn copy(&mut self, message: &[u8]) -> Vec<u8> {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.extend_from_slice(message);
        copy
    }

    /// Takes a copy back that nobody needs any more.
    pub(crate) fn give_back(&mut self, mut copy: Vec<u8>) {
        if self.spare.len() < SPARES && copy.capacity() <= SPARE_BYTES {
            copy.clear();
            self.spare.push(copy);
        }
    }

    /// Keeps a request, also one that has been here before under the same name.
    pub(crate) fn enter(&mut self, ticket: Ticket, waiting: Waiting) {
        self.waiting.insert(ticket, Box::new(waiting));
    }

    /// Takes a request out, if it is still there.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiting> {
        self.waiting.remove(&ticket).map(|waiting| *waiting)
    }

    /// Whether the deadline of any has passed.
    pub(crate) fn has_overdue(&self, now: Timestamp) -> bool {
        self.waiting.first_key_value().is_some_and(|(ticket, _)| ticket.deadline <= now)
    }

    /// Takes out one request whose deadline has passed.
    pub(crate) fn overdue(&mut self, now: Timestamp) -> Option<Waiting> {
        self.waiting.first_entry().filter(|first| first.key().deadline <= now).map(|first| *first.remove())
    }
}
