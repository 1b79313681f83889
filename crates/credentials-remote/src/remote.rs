//! A remote store as a worker sees it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sip_dispatch::Answer;
use sip_registrar::auth::{Credentials, Found, Wanted};
use tokio::sync::mpsc;

use crate::desk::{Desk, Outcome};
use crate::event::Hooks;
use crate::flights::Boarded;
use crate::source::{Source, SourceError, User, UserRef};
use crate::stats::RemoteStats;
use crate::{RemoteConfig, thread};

/// Why a store was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store answers, and says that it is asked wrongly.
    #[error("the store of users cannot be used: {0}")]
    Source(#[source] SourceError),
    /// The system gives no thread.
    #[error("no thread to ask for users: {0}")]
    Thread(#[source] io::Error),
}

/// Users in a [`Source`], with a cache before it. To be shared by all workers.
///
/// | in the cache | store answers | store is down, or too many wait |
/// |---|---|---|
/// | there, fresh | at once | at once |
/// | there, old | asked again | used as it is, for as long as [`RemoteConfig::stale`] |
/// | not there, fresh | at once | at once |
/// | nothing, or not there and old | asked | [`Unavailable`](sip_registrar::auth::Unavailable) |
///
/// Whoever measures time can tell who was looked up not long ago, and in an outage who is known: there is no cache
/// without that.
///
/// What the store says is not asked of it again for some time, so who is removed or gets a new password is known by the
/// old one for [`RemoteConfig::fresh`], at most. A user that may only use some algorithms is challenged with those of
/// the domain like everybody: the list is known only after the store was asked, and must not tell who exists.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    desk: Arc<Desk>,
    /// The thread ends when this is dropped.
    queue: mpsc::Sender<User>,
}

impl Remote {
    /// Starts the thread that asks `source`. Waits for the source's own check, no longer than the deadline of a lookup;
    /// a source that is down is no error.
    ///
    /// # Errors
    /// The source says that it is misconfigured, or the system gives no thread.
    pub fn start(source: impl Source, config: RemoteConfig) -> Result<Self, StartError> {
        Self::start_with(source, config, Hooks::default())
    }

    /// The same, with somebody who wants to hear what happens to the store.
    ///
    /// # Errors
    /// As with [`start`](Self::start).
    pub fn start_with(source: impl Source, config: RemoteConfig, hooks: Hooks) -> Result<Self, StartError> {
        // Never full: each lookup in it has somebody waiting for it, and no more may wait.
        let (queue, lookups) = mpsc::channel(config.queue.max(1));
        let desk = Arc::new(Desk::new(config, hooks));
        thread::start(source, desk.clone(), lookups).map_err(StartError::Thread)?.map_err(StartError::Source)?;
        Ok(Self(Arc::new(Inner { desk, queue })))
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> RemoteStats {
        self.0.desk.stats()
    }

    /// From now on asks again for everybody, known or unknown. While the store is down, users it knew before are used
    /// as if nothing had been forgotten: an order to look again must not shut everybody out.
    pub fn forget(&self) {
        self.0.desk.cache.forget(self.0.desk.now());
    }
}

impl Credentials for Remote {
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found> {
        let Some(user) = UserRef::new(wanted) else {
            return Answer::Now(Ok(None));
        };
        if let Some(found) = self.0.desk.at_hand(user) {
            return Answer::Now(found);
        }
        let (inner, user) = (self.0.clone(), user.to_user());
        Answer::Later(Box::pin(async move { inner.ask(&user).await }))
    }
}

impl Inner {
    async fn ask(&self, user: &User) -> Found {
        // Time may have passed since the future was made.
        if let Some(found) = self.desk.at_hand(user.borrow()) {
            return found;
        }
        let answer = match self.desk.board(user) {
            Boarded::Joined(answer) => answer,
            Boarded::First(answer) => {
                if self.queue.try_send(user.clone()).is_err() {
                    self.desk.land(user, Outcome::TooLate);
                }
                answer
            }
            Boarded::Full => return self.desk.without_store(user.borrow(), Duration::ZERO, 1),
        };
        match answer.await {
            Ok(found) => found,
            Err(_) => self.desk.without_store(user.borrow(), Duration::ZERO, 1),
        }
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Remote").field(&self.stats()).finish()
    }
}
