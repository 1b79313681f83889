//! Requests that wait for somebody else.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use sip_transport::{Peer, Timestamp};

use crate::copies::Copied;
use crate::told::Told;
use crate::transaction::TransactionKey;
use crate::{Deferred, Hold};

/// Requests that wait, for the worker to poll beside its sockets.
///
/// Boxed: it stands in the result of every request, of which most wait for nothing. As a pointer that result is returned in
/// a register. What is returned through memory is written in part and read as a whole, and to do that the processor waits
/// until all that was written before has reached its cache.
#[must_use = "nothing happens unless it is polled"]
pub struct Pending(Box<Waits>);

enum Waits {
    /// One request, for what somebody says.
    One {
        ticket: Ticket,
        /// `None` once it has been ready.
        deferred: Option<Deferred>,
    },
    /// A group of answers, to be told.
    Group { serial: u64, hold: Hold },
}

impl Pending {
    pub(crate) fn one(ticket: Ticket, deferred: Deferred) -> Self {
        Self(Box::new(Waits::One { ticket, deferred: Some(deferred) }))
    }

    pub(crate) fn group(serial: u64, hold: Hold) -> Self {
        Self(Box::new(Waits::Group { serial, hold }))
    }
}

/// What a [`Pending`] ends with, for [`Ingress::resume`](sip_transport::Ingress::resume).
pub struct Resume(pub(crate) Over);

pub(crate) enum Over {
    One {
        ticket: Ticket,
        deferred: Deferred,
    },
    /// Whether the answers may leave.
    Group {
        serial: u64,
        may_leave: bool,
    },
}

impl Future for Pending {
    type Output = Resume;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Resume> {
        match &mut *self.0 {
            Waits::Group { serial, hold } => {
                hold.poll(cx).map(|may_leave| Resume(Over::Group { serial: *serial, may_leave }))
            }
            Waits::One { ticket, deferred } => match deferred.as_mut().map(|deferred| deferred.poll(cx)) {
                Some(Poll::Ready(())) => deferred
                    .take()
                    .map_or(Poll::Pending, |deferred| Poll::Ready(Resume(Over::One { ticket: *ticket, deferred }))),
                Some(Poll::Pending) | None => Poll::Pending,
            },
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
pub(crate) struct Waiting {
    pub(crate) copy: Box<Copied>,
    pub(crate) peer: Peer,
    pub(crate) arrived: Timestamp,
    pub(crate) key: TransactionKey,
    /// Until when its answer is held, once there is one, and what is to be told then.
    pub(crate) hold: Option<Hold>,
    pub(crate) told: Told,
}

/// The requests of one worker that wait.
#[derive(Default)]
pub(crate) struct WaitingRoom {
    /// Boxed: the tree moves its entries about.
    waiting: BTreeMap<Ticket, Box<Waiting>>,
    serial: u64,
}

impl WaitingRoom {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A new name.
    pub(crate) fn ticket(&mut self, deadline: Timestamp) -> Ticket {
        self.serial += 1;
        Ticket { deadline, serial: self.serial }
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
