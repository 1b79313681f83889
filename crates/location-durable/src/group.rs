//! Changes that are written together, and those who wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use sip_dispatch::Gate;

/// What has become of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// It is not written yet.
    Open,
    /// It is on disk.
    Kept,
    /// It could not be written, and its changes were taken back.
    Lost,
}

/// A group of changes. Who made one of them waits for all.
#[derive(Debug)]
pub(crate) struct Group {
    fate: AtomicU8,
    wakers: Mutex<Vec<Waker>>,
}

impl Group {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { fate: AtomicU8::new(Fate::Open as u8), wakers: Mutex::default() })
    }

    fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Acquire) {
            fate if fate == Fate::Kept as u8 => Fate::Kept,
            fate if fate == Fate::Lost as u8 => Fate::Lost,
            _ => Fate::Open,
        }
    }

    /// Tells everybody. A group is settled once.
    pub(crate) fn settle(&self, fate: Fate) {
        let wakers = {
            let mut wakers = self.wakers.lock();
            self.fate.store(fate as u8, Ordering::Release);
            std::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Gate for Group {
    fn poll(&self, context: &mut Context<'_>) -> Poll<bool> {
        let mut wakers = self.wakers.lock();
        match self.fate() {
            Fate::Kept => Poll::Ready(true),
            Fate::Lost => Poll::Ready(false),
            Fate::Open => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl std::task::Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn everybody_learns_the_fate_of_a_group() {
        for (fate, expected) in [(Fate::Kept, true), (Fate::Lost, false)] {
            let group = Group::new();
            let waker = Waker::from(Arc::new(Nobody));
            let context = &mut Context::from_waker(&waker);
            assert_eq!((group.poll(context), group.poll(context)), (Poll::Pending, Poll::Pending));
            assert_eq!(group.wakers.lock().len(), 1, "one for each who waits");
            group.settle(fate);
            assert_eq!(group.poll(context), Poll::Ready(expected));
            assert_eq!(group.poll(context), Poll::Ready(expected), "who comes late, too");
        }
    }
}
