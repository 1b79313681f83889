//! How a server is told to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells a running server to stop; for any thread, and as often as one likes.
///
/// Catching a signal is the caller's business: make one of these, keep a clone where the signal is handled, and give
/// the other to [`Server::run`](crate::Server::run).
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: Arc<watch::Sender<Stage>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serve,
    Drain,
    Cut,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// One that has not been used.
    #[must_use]
    pub fn new() -> Self {
        Self { stage: Arc::new(watch::Sender::new(Stage::Serve)) }
    }

    /// Stop, but finish what has arrived.
    pub fn drain(&self) {
        self.advance(Stage::Drain);
    }

    /// Stop at once, and cut short a drain that is under way.
    pub fn cut(&self) {
        self.advance(Stage::Cut);
    }

    /// Whether either was asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stage.borrow() > Stage::Serve
    }

    fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|stage| {
            let later = to > *stage;
            if later {
                *stage = to;
            }
            later
        });
    }

    /// Waits until `stage` is reached.
    pub(crate) async fn reached(&self, stage: Stage) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}
