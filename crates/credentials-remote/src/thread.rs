//! The thread that asks the store.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::desk::{Desk, Outcome};
use crate::source::{Source, SourceError, User};

/// Names are resolved on threads beside; a resolver that hangs must not take ever more of them.
const MOST_RESOLVERS: usize = 16;

/// Starts the thread. It ends when the other end of `queue` is gone.
///
/// Gives what the store's own check said, as soon as it said it or the deadline is over.
pub(crate) fn start(
    source: impl Source,
    desk: Arc<Desk>,
    queue: Receiver<User>,
) -> io::Result<Result<(), SourceError>> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(MOST_RESOLVERS).build()?;
    let (checked, check) = mpsc::sync_channel(1);
    thread::Builder::new().name("credentials".to_owned()).spawn(move || {
        runtime.block_on(async {
            let result = in_time(desk.config.deadline, source.check()).await;
            let misconfigured = matches!(result, Err(SourceError::Misconfigured(_)));
            if let Err(error) = &result
                && !misconfigured
            {
                desk.failed(error);
            }
            // The receiver waits for this and for nothing else.
            let _ = checked.send(if misconfigured { result } else { Ok(()) });
            if !misconfigured {
                serve(Arc::new(source), desk, queue).await;
            }
        });
        // A resolver that hangs must not keep the thread.
        runtime.shutdown_background();
    })?;
    check.recv().map_err(|_| io::Error::other("the thread that asks for users ended at its start"))
}

async fn in_time<T>(deadline: Duration, asked: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
    timeout(deadline, asked).await.unwrap_or(Err(SourceError::Deadline(deadline.as_millis())))
}

async fn serve(source: Arc<impl Source>, desk: Arc<Desk>, mut queue: Receiver<User>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            next = queue.recv(), if running.len() < desk.config.concurrency.max(1) => match next {
                Some(user) => drop(running.spawn(look_up(source.clone(), desk.clone(), user))),
                None => break,
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn look_up(source: Arc<impl Source>, desk: Arc<Desk>, user: User) {
    let landing = Landing { desk: &desk, user: Some(&user) };
    let Some(since) = desk.depart(&user) else { return landing.nobody() };
    let asked = desk.now();
    if asked.saturating_duration_since(since) >= desk.config.deadline {
        return landing.land(Outcome::TooLate);
    }
    if let Err(wait) = desk.admit() {
        return landing.land(Outcome::LeftAlone(wait));
    }
    let answer = in_time(desk.config.deadline, source.fetch(&user)).await;
    landing.land(Outcome::Answered(asked, answer.map(|found| found.map(Arc::new))));
}

/// Sees to it that a lookup lands, even if a driver panics: nobody waits for ever.
struct Landing<'a> {
    desk: &'a Desk,
    user: Option<&'a User>,
}

impl Landing<'_> {
    fn land(mut self, outcome: Outcome) {
        if let Some(user) = self.user.take() {
            self.desk.land(user, outcome);
        }
    }

    fn nobody(mut self) {
        self.user = None;
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if let Some(user) = self.user {
            let error = SourceError::Unavailable("the lookup broke off".to_owned());
            self.desk.land(user, Outcome::Answered(self.desk.now(), Err(error)));
        }
    }
}
