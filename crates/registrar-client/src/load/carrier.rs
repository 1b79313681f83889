//! A connection, and the task that reads and writes it.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::sip::Link;

/// Messages that may wait to be written to one connection.
const WAITING: usize = 256;

/// What comes of a connection: its number, and a message or why there are no more. Over UDP it goes on after an error.
pub(super) type Came = (usize, io::Result<Vec<u8>>);

/// The writing end of a connection. It is closed when this is dropped.
pub(super) struct Carrier {
    out: mpsc::Sender<Vec<u8>>,
    pub(super) is_open: bool,
}

impl Carrier {
    pub(super) fn start(number: usize, link: Link, patience: Duration, to: mpsc::Sender<Came>) -> Self {
        let (out, waiting) = mpsc::channel(WAITING);
        tokio::spawn(carry(number, link, patience, waiting, to));
        Self { out, is_open: true }
    }

    /// Whether there is room for it.
    pub(super) fn send(&self, message: Vec<u8>) -> bool {
        self.is_open && self.out.try_send(message).is_ok()
    }
}

async fn carry(
    number: usize,
    mut link: Link,
    patience: Duration,
    mut waiting: mpsc::Receiver<Vec<u8>>,
    to: mpsc::Sender<Came>,
) {
    loop {
        let came = tokio::select! {
            message = waiting.recv() => {
                let Some(message) = message else { return };
                match timeout(patience, link.send(&message)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the registrar does not read")),
                }
            }
            message = link.receive() => message,
        };
        let ends = came.is_err() && link.is_stream();
        if to.send((number, came)).await.is_err() || ends {
            return;
        }
    }
}
