//! What a dispatcher counts. One writer each, so a plain load and store is enough.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// The counters of one dispatcher, readable from any thread.
        #[derive(Debug, Default)]
        pub struct Counters { $(pub(crate) $name: Counter,)* }

        /// What [`Counters`] showed at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct CountersSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            /// All values now.
            #[must_use]
            pub fn snapshot(&self) -> CountersSnapshot {
                CountersSnapshot { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }

        impl CountersSnapshot {
            /// Every counter by its name.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        impl std::ops::AddAssign for CountersSnapshot {
            fn add_assign(&mut self, more: Self) {
                $(self.$name = self.$name.wrapping_add(more.$name);)*
            }
        }
    };
}

counters! {
    /// Requests shown to the chain.
    requests;
    /// Requests seen before and answered with the same bytes.
    absorbed;
    /// Requests seen before whose answer is still being worked on.
    absorbed_in_flight;
    /// ACKs, which are never answered.
    acks;
    /// Responses, though nothing was asked.
    stray_responses;
    /// Messages of sources beyond their budget, dropped unread.
    throttled;
    /// Messages without a Via that could be read, so that they cannot be answered.
    no_via;
    /// Messages that are no SIP at all: neither their first line nor a CSeq can be found.
    junk;
    /// Messages longer than 65,535 bytes.
    too_long;
    /// Requests that had to wait for a store.
    pending;
    /// Requests whose store did not answer in time.
    pending_lost;
    /// Answers that were not sent because the request had one already: a fault of a link.
    second_answers;
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}
