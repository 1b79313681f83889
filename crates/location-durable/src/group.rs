//! Changes that are written together, and those who wait for them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use sip_registrar::StoreError;

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

/// Is ready when a group is settled.
#[derive(Debug)]
pub(crate) struct Kept(pub(crate) Arc<Group>);

impl Future for Kept {
    type Output = Result<(), StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut wakers = self.0.wakers.lock();
        match self.0.fate() {
            Fate::Kept => Poll::Ready(Ok(())),
            Fate::Lost => Poll::Ready(Err(StoreError::Unavailable)),
            Fate::Open => {
                wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn everybody_learns_the_fate_of_a_group() {
        for (fate, expected) in [(Fate::Kept, Ok(())), (Fate::Lost, Err(StoreError::Unavailable))] {
            let group = Group::new();
            let (mut one, mut two) = (pin!(Kept(group.clone())), pin!(Kept(group.clone())));
            let context = &mut Context::from_waker(Waker::noop());
            assert_eq!((one.as_mut().poll(context), two.as_mut().poll(context)), (Poll::Pending, Poll::Pending));
            assert_eq!(group.wakers.lock().len(), 2);
            group.settle(fate);
            assert_eq!(one.as_mut().poll(context), Poll::Ready(expected));
            assert_eq!(two.as_mut().poll(context), Poll::Ready(expected));
            assert_eq!(pin!(Kept(group.clone())).poll(context), Poll::Ready(expected), "who comes late, too");
        }
    }
}
