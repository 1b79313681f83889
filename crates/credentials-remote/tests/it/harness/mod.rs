//! A remote store with a worker before it, and the servers behind it.

mod phone;
mod room;
mod server;
mod web;

pub(crate) use phone::registers;
pub(crate) use room::Room;
pub(crate) use server::{Server, as_ordinary_user, free_port, run};
pub(crate) use web::{Reply, WebService};

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use credentials_remote::{Hooks, Remote, RemoteConfig, RemoteStats, Source, StartError};
use sip_dispatch::{Answer, BoxFuture};
use sip_registrar::auth::{Account, Credentials, Found, Wanted};
use tokio::runtime::Runtime;

/// How long a test waits for what must come; only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A remote store, asked as a worker asks.
pub(crate) struct Worker {
    pub(crate) remote: Remote,
    /// What was heard of the store.
    pub(crate) events: Receiver<String>,
    runtime: Runtime,
}

/// An answer that had not come when it was polled first.
pub(crate) struct Waiting(BoxFuture<'static, Found>);

impl Worker {
    pub(crate) fn start(source: impl Source, config: RemoteConfig) -> Self {
        Self::start_at(source, config, Arc::new(Instant::now)).unwrap()
    }

    pub(crate) fn start_at(
        source: impl Source,
        config: RemoteConfig,
        clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    ) -> Result<Self, StartError> {
        let (sender, events) = channel();
        // A test that is over listens no more.
        let on_event = Arc::new(move |event: credentials_remote::StoreEvent<'_>| {
            let _ = sender.send(format!("{event:?}"));
        });
        let remote = Remote::start_with(source, config, Hooks { on_event, clock })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Ok(Self { remote, events, runtime })
    }

    pub(crate) fn find(&self, name: &str) -> Answer<Found> {
        self.remote.find(&wanted(name))
    }

    /// What is said at once.
    pub(crate) fn now(&self, name: &str) -> Found {
        match self.find(name) {
            Answer::Now(found) => found,
            _ => panic!("{name}: not at once"),
        }
    }

    /// What is said when the future is polled first, or the future itself.
    pub(crate) fn poll(&self, name: &str) -> Result<Found, Waiting> {
        let Answer::Later(mut future) = self.find(name) else { panic!("{name}: at once") };
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => Ok(found),
            Poll::Pending => Err(Waiting(future)),
        }
    }

    /// The future after its first poll: the store has been asked, and may have been quick.
    pub(crate) fn wait_for(&self, name: &str) -> Waiting {
        self.poll(name).map_or_else(|waiting| waiting, |found| Waiting(Box::pin(std::future::ready(found))))
    }

    pub(crate) fn finish(&self, waiting: Waiting) -> Found {
        self.wait(waiting.0)
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.unwrap() })
    }

    /// What is said, at once or later.
    pub(crate) fn ask(&self, name: &str) -> Found {
        match self.find(name) {
            Answer::Now(found) => found,
            waits => self.finish(Waiting(waits.told())),
        }
    }

    /// The account as it shows itself.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        self.ask(name).unwrap().map(|account| format!("{account:?}"))
    }

    pub(crate) fn stats(&self) -> RemoteStats {
        self.remote.stats()
    }

    pub(crate) fn event(&self) -> String {
        self.events.recv_timeout(PATIENCE).unwrap()
    }

    /// Asks again and again until the store answers.
    pub(crate) fn wait_until_answered(&self, name: &str) -> Option<Arc<Account>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.ask(name) {
                Ok(found) => return found,
                Err(unavailable) => assert!(Instant::now() < deadline, "{name}: {unavailable}; {:?}", self.stats()),
            }
            pause();
        }
    }
}

pub(crate) fn wanted(name: &str) -> Wanted<'_> {
    Wanted { name: name.as_bytes(), domain: b"example.com", realm: b"example.com" }
}

/// A moment between two questions.
pub(crate) fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

impl From<BoxFuture<'static, Found>> for Waiting {
    fn from(future: BoxFuture<'static, Found>) -> Self {
        Self(future)
    }
}
