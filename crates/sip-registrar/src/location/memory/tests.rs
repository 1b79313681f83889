use std::future::poll_fn;
use std::task::Poll;

use super::*;

crate::location_battery!(memory, MemoryLocation::default, bounded);
crate::location_battery!(memory_of_one_part, || MemoryLocation::new(TableConfig {
    shards: 1,
    ..TableConfig::default()
}));
crate::location_battery!(memory_behind_a_wait, || Later(MemoryLocation::default()), |max| Later(bounded(max)));

fn bounded(max_bindings: usize) -> MemoryLocation {
    MemoryLocation::new(TableConfig { max_bindings, ..TableConfig::default() })
}

/// Says nothing at once, as a store does that has to ask somebody.
struct Later(MemoryLocation);

fn later<T: Send + Unpin + 'static>(answer: Answer<T>) -> Answer<T> {
    let Answer::Now(value) = answer else { panic!("memory does not wait") };
    let mut value = Some(value);
    let mut asked = false;
    Answer::Later(Box::pin(poll_fn(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(value.take().unwrap());
        }
        let waker = cx.waker().clone();
        std::thread::spawn(move || waker.wake());
        Poll::Pending
    })))
}

impl LocationService for Later {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        later(self.0.register(aor, plan, now))
    }
    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        later(self.0.lookup(aor, now))
    }
    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        later(self.0.remove(aor, which, now))
    }
    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>> {
        later(self.0.flow_lost(aor, flow, until, now))
    }
    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        later(self.0.scan(after, limit))
    }
    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        self.0.sweep(now, share, budget, expired)
    }
}
