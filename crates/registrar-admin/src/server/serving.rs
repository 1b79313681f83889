//! The threads that serve: one while the table is being loaded, and one from then on.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bind::{BindError, Listeners, Sockets, bind};
use super::guard::Door;
use super::{AdminConfig, App, Handles, early, router};
use crate::events::From;
use crate::webhook::Sender;

/// How far behind the workers it stands (nice(1)).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// How long the answers to what has been asked may take at the end.
const LEAVE: Duration = Duration::from_secs(1);

/// Listeners that are bound. Nothing is answered before [`Admin::say_loading`] or [`Admin::serve`].
#[derive(Debug)]
pub struct Admin {
    listeners: Listeners,
    config: AdminConfig,
    sockets: Sockets,
    /// Answers meanwhile that the table is being loaded.
    early: Option<Thread>,
}

/// The thread that serves. It ends, and its sockets go, when this is dropped.
#[derive(Debug)]
pub struct Serving {
    _thread: Thread,
    _sockets: Sockets,
}

/// A thread that ends when this is dropped.
#[derive(Debug)]
struct Thread {
    stop: watch::Sender<bool>,
    handle: Option<JoinHandle<()>>,
}

impl Admin {
    /// Binds the listeners. A socket that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// One of them cannot be bound.
    pub fn bind(config: AdminConfig) -> Result<Self, BindError> {
        let (listeners, sockets) = bind(&config.listen)?;
        Ok(Self { listeners, config, sockets, early: None })
    }

    /// Where it listens, as `unix:PATH` or `http://ADDRESS`.
    #[must_use]
    pub fn listening(&self) -> Vec<String> {
        let unix = self.sockets.0.iter().map(|path| format!("unix:{}", path.display()));
        let tcp = self.listeners.tcp.iter().filter_map(|listener| listener.local_addr().ok());
        unix.chain(tcp.map(|addr| format!("http://{addr}"))).collect()
    }

    /// Answers until [`serve`](Admin::serve) on a thread of its own: it lives, is not ready, and has nothing to show while
    /// the table is being loaded.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn say_loading(&mut self) -> io::Result<()> {
        let (listeners, tokens) = (self.listeners.again()?, self.config.tokens.clone());
        self.early = Some(Thread::spawn(move |stopping| async move {
            let mut all = JoinSet::new();
            serve(listeners, early, Door::tcp(tokens), &stopping, &mut all);
            finish(stopping, all).await;
        })?);
        Ok(())
    }

    /// Serves on a thread of its own.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn serve(self, handles: Handles) -> io::Result<Serving> {
        let Self { listeners, config, sockets, early } = self;
        // Who comes now waits until the others serve.
        drop(early);
        let hooks = config.webhooks.into_iter();
        let senders: Vec<_> = hooks.map(|hook| Sender::new(hook, handles.events.reader(From::Now))).collect();
        let webhooks = senders.iter().map(Sender::tally).collect();
        let door = Door::tcp(config.tokens);
        let thread = Thread::spawn(move |stopping| async move {
            let app = App { handles, webhooks, stopping: stopping.clone() };
            let mut all = JoinSet::new();
            for sender in senders {
                let stopping = stopping.clone();
                all.spawn(async {
                    sender.run(stopping).await;
                    Ok(())
                });
            }
            serve(listeners, |door| router(app.clone(), door), door, &stopping, &mut all);
            finish(stopping, all).await;
        })?;
        Ok(Serving { _thread: thread, _sockets: sockets })
    }
}

type Tasks = JoinSet<io::Result<()>>;

/// Serves these routes, those of TCP behind this door, until it is told to stop.
fn serve(
    listeners: Listeners,
    routes: impl Fn(Arc<Door>) -> Router,
    tcp: Arc<Door>,
    stopping: &watch::Receiver<bool>,
    all: &mut Tasks,
) {
    for listener in listeners.unix {
        match UnixListener::from_std(listener) {
            Ok(listener) => {
                let serve = axum::serve(listener, routes(Door::unix()));
                all.spawn(serve.with_graceful_shutdown(stopped(stopping.clone())).into_future());
            }
            Err(error) => tracing::error!(%error, "the API does not listen on its socket"),
        }
    }
    for listener in listeners.tcp {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let serve = axum::serve(listener, routes(Arc::clone(&tcp)));
                all.spawn(serve.with_graceful_shutdown(stopped(stopping.clone())).into_future());
            }
            Err(error) => tracing::error!(%error, "the API does not listen"),
        }
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // Whoever could say it is gone as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Waits for the end. What is being answered then may end; what does not is cut.
async fn finish(stopping: watch::Receiver<bool>, mut all: Tasks) {
    stopped(stopping).await;
    let _ = tokio::time::timeout(LEAVE, async { while all.join_next().await.is_some() {} }).await;
}

impl Thread {
    /// Runs `work`, which is told when to end.
    fn spawn<W: Future<Output = ()>>(
        work: impl FnOnce(watch::Receiver<bool>) -> W + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopping) = watch::channel(false);
        let handle = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            behind_workers();
            runtime.block_on(work(stopping));
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, handle: Some(handle) })
    }
}

/// Has this thread run when no worker wants to, where there is no processor for each: a listing must not make phones wait.
fn behind_workers() {
    #[cfg(target_os = "linux")]
    // On Linux a thread has a priority of its own. Where that may not be changed, it is as it was.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

impl Drop for Thread {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.send(true);
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}
