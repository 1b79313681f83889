//! Wakes the loop when a registration is due, to a fraction of a millisecond: tokio's own timer counts in whole ones.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;

/// A thread that sleeps and wakes. It ends with the plan, or at the first time nobody waits any more.
pub(super) struct Pacer(mpsc::Receiver<()>);

impl Pacer {
    /// From `began` to `end`, so many times a second.
    pub(super) fn start(began: Instant, end: Instant, rate: f64) -> Self {
        let (wake, woken) = mpsc::channel(1);
        // Without the thread tokio's timer has to do.
        drop(thread::Builder::new().name("pacer".to_owned()).spawn(move || {
            let mut number = 0.0;
            loop {
                let due = began + Duration::from_secs_f64(number / rate);
                if due >= end {
                    return;
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
                // One that has not been noticed yet will do for both.
                if let Err(TrySendError::Closed(())) = wake.try_send(()) {
                    return;
                }
                number += 1.0;
            }
        }));
        Self(woken)
    }

    /// The next time; `None` when there are no more.
    pub(super) async fn wait(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
