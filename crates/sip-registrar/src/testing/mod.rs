//! What every [`LocationService`] must do, as tests that an implementation stamps on itself: a new store is done when
//! its battery is green.
//!
//! ```
//! use sip_registrar::MemoryLocation;
//! use sip_registrar::location::TableConfig;
//!
//! sip_registrar::location_battery!(mine, MemoryLocation::default, |max_bindings| {
//!     MemoryLocation::new(TableConfig { max_bindings, ..TableConfig::default() })
//! });
//! ```
//!
//! Time is virtual, so a store must take it from its arguments.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod changes;
mod concurrency;
mod expiry;
mod flows;
mod listing;

use std::hash::RandomState;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

pub use changes::*;
pub use concurrency::*;
pub use expiry::*;
pub use flows::*;
pub use listing::*;
use sip_dispatch::{Answer, Share};
use sip_message::{Framing, Index};
use sip_transport::{Flow, LegId, Now, Peer, Transport};

use crate::{
    Aor, FlowRules, Limits, LocationService, Plan, Record, RegisterError, RegisterRequest, Registered, Removal,
    StoreError,
};

/// Stamps the battery on an implementation: `$name` is a module of tests, `$new` makes an empty store, and `$bounded`
/// one that holds so many bindings and no more. Leave that out for a store without a bound of its own.
#[macro_export]
macro_rules! location_battery {
    ($name:ident, $new:expr $(, $bounded:expr)?) => {
        mod $name {
            use super::*;
            $crate::location_battery!(@stamp $new,
                what_is_registered_is_found
                addresses_are_kept_apart
                what_changes_nothing_writes_nothing
                a_refused_request_leaves_everything_as_it_was
                every_change_has_a_higher_version
                one_binding_or_all_are_removed
                what_has_expired_is_not_shown
                a_sweep_removes_what_has_expired_and_tells_it
                a_sweep_keeps_to_its_budget
                shares_of_a_sweep_are_the_whole
                a_refreshed_binding_is_not_swept
                a_scan_sees_every_record_once
                a_scan_sees_what_stays_while_others_come_and_go
                an_empty_store_has_nothing_to_show
                requests_of_one_phone_keep_their_order
                no_change_of_another_is_lost
                bindings_of_one_request_are_seen_together
                what_lives_by_a_flow_is_suspect_when_it_ends_and_then_goes
                who_comes_back_on_another_flow_stays
                the_end_of_a_flow_concerns_nobody_else
                the_end_of_a_flow_prolongs_nothing
                a_flow_that_ends_while_its_phone_comes_back_takes_nobody_along
            );
            $($crate::location_battery!(@stamp $bounded, a_full_store_says_so_and_recovers);)?
        }
    };
    (@stamp $new:expr, $($test:ident)+) => {$(
        #[test]
        fn $test() {
            $crate::testing::$test($new);
        }
    )+};
}

/// Waits on this thread until a store has answered.
pub fn wait<T: Send + 'static>(answer: Answer<T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    match answer {
        Answer::Now(value) => value,
        waits => {
            let mut future = waits.told();
            let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
            loop {
                match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(value) => return value,
                    Poll::Pending => std::thread::park(),
                }
            }
        }
    }
}

/// A store and the time, in seconds since the beginning of a test.
struct Bench<L> {
    store: L,
    limits: Limits,
}

/// The moment so many seconds after the beginning.
fn at(second: u64) -> Now {
    Now::from_millis(1_700_000_000_000 + second * 1000)
}

impl<L: LocationService> Bench<L> {
    fn new(store: L) -> Self {
        Self { store, limits: Limits { jitter: 0, max_contacts: 255, ..Limits::default() } }
    }

    /// Registers contacts, each a URI and its expiry, for a user.
    fn register(
        &self,
        user: &str,
        request: (&str, u32),
        contacts: &[(&str, u32)],
        now: Now,
    ) -> Result<Registered, RegisterError> {
        wait(register(&self.store, self.limits, user, request, contacts, now))
    }

    fn lookup(&self, user: &str, now: Now) -> Option<Record> {
        with_aor(user, |aor| wait(self.store.lookup(aor, now))).unwrap()
    }

    fn remove(&self, user: &str, which: Removal<'_>, now: Now) -> Result<Registered, StoreError> {
        with_aor(user, |aor| wait(self.store.remove(aor, which, now)))
    }

    /// Sweeps everything, and gives the addresses of records that went whole.
    fn sweep(&self, now: Now, share: Share, budget: usize) -> (usize, Vec<String>) {
        let mut gone = Vec::new();
        let looks = self.store.sweep(now, share, budget, &mut |before, after| {
            if after.is_none() {
                gone.push(before.aor().to_string());
            }
        });
        (looks, gone)
    }
}

/// Has `user` of example.com register contacts, each a URI and its expiry, with this Call-ID and CSeq.
pub fn register(
    store: &impl LocationService,
    limits: Limits,
    user: &str,
    (call_id, cseq): (&str, u32),
    contacts: &[(&str, u32)],
    now: Now,
) -> Answer<Result<Registered, RegisterError>> {
    register_over(store, limits, user, (None, call_id, cseq), contacts, now)
}

/// The same over a connection, or else as a datagram.
pub fn register_over(
    store: &impl LocationService,
    limits: Limits,
    user: &str,
    (flow, call_id, cseq): (Option<Flow>, &str, u32),
    contacts: &[(&str, u32)],
    now: Now,
) -> Answer<Result<Registered, RegisterError>> {
    let peer = Peer {
        leg: LegId(0),
        transport: if flow.is_some() { Transport::Tcp } else { Transport::Udp },
        remote: ([127, 0, 0, 1], 4711).into(),
        local: ([127, 0, 0, 1], 5060).into(),
        flow,
    };
    let contacts: String =
        contacts.iter().map(|(uri, expires)| format!("Contact: <{uri}>;expires={expires}\r\n")).collect();
    let text = format!("REGISTER sip:h SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{contacts}\r\n");
    let mut index = Index::new();
    let message = index.read(text.as_bytes(), Framing::Stream).expect("short");
    let mut scratch = Vec::new();
    let request = RegisterRequest::read(message, peer).expect("well-formed");
    let plan = Plan::read(request, limits, FlowRules::default(), None, &RandomState::new(), &mut scratch)
        .expect("well-formed");
    with_aor(user, |aor| store.register(aor, &plan, now))
}

/// Works with the address of a user of example.com.
pub fn with_aor<T>(user: &str, work: impl FnOnce(&Aor<'_>) -> T) -> T {
    let mut buffer = Vec::new();
    work(&Aor::parse(&format!("sip:{user}@example.com"), &mut buffer).unwrap())
}

/// The URIs of the bindings that have not expired, in their order.
fn uris(record: Option<&Record>, now: Now) -> Vec<String> {
    let live = record.into_iter().flat_map(|record| record.live(now.at));
    live.map(|binding| String::from_utf8_lossy(binding.uri).into_owned()).collect()
}
