//! Answers of stores, which may have to wait.

use std::pin::Pin;

use crate::Hold;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a location service or a credential store says: at once, or later.
pub enum Answer<T> {
    /// It is known. Nothing was boxed, nothing will be polled.
    Now(T),
    /// It is known, and must not be told yet: what it tells of may still not come to pass.
    ///
    /// A request is carried on with it at once, and its answer written; only that waits. So waiting costs little, which
    /// is what stores need that keep changes on a disk in groups.
    Held {
        /// What will have been true when `hold` is over.
        value: T,
        /// Until when it must not be told.
        hold: Hold,
        /// What is true instead if it does not come to pass.
        lost: fn() -> T,
    },
    /// Somebody else has to be asked first.
    Later(BoxFuture<'static, T>),
}

impl<T: Send + 'static> Answer<T> {
    /// The answer turned into another.
    pub fn map<U>(self, f: impl FnOnce(T) -> U + Send + 'static) -> Answer<U> {
        match self {
            Self::Now(value) => Answer::Now(f(value)),
            waits => {
                let future = waits.told();
                Answer::Later(Box::pin(async move { f(future.await) }))
            }
        }
    }

    /// The value as soon as it may be told, for whoever has nothing to do meanwhile.
    pub fn told(self) -> BoxFuture<'static, T> {
        match self {
            Self::Now(value) => Box::pin(std::future::ready(value)),
            Self::Held { value, hold, lost } => Box::pin(async move { if hold.over().await { value } else { lost() } }),
            Self::Later(future) => future,
        }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(value) => f.debug_tuple("Now").field(value).finish(),
            Self::Held { value, .. } => f.debug_tuple("Held").field(value).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
