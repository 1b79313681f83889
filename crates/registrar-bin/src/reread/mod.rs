//! Files that are read again while the registrar runs: when they have changed, and when somebody asks for it.

mod stamp;

pub(crate) use stamp::{Stamped, Watch};

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// How often files are looked at. Looking, not being told, since that sees every way in which a file is replaced.
const EVERY: Duration = Duration::from_secs(2);

/// Why files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Somebody has asked, and waits for an answer in the log.
    Asked,
    /// It is time to.
    Look,
}

/// Asks for files to be read at once. They are watched as long as this lives.
#[derive(Clone, Debug)]
pub(crate) struct Reread(SyncSender<()>);

impl Reread {
    /// Calls `look` on each occasion, in a thread of its own.
    pub(crate) fn spawn(name: &str, mut look: impl FnMut(Occasion) + Send + 'static) -> io::Result<Self> {
        let (sender, asked) = mpsc::sync_channel(1);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                match asked.recv_timeout(EVERY) {
                    Ok(()) => look(Occasion::Asked),
                    Err(RecvTimeoutError::Timeout) => look(Occasion::Look),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self(sender))
    }

    pub(crate) fn now(&self) {
        // If there is no room, somebody has asked already.
        let _ = self.0.try_send(());
    }
}
