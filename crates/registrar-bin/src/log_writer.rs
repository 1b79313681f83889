//! Where the lines of the log go.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait; more are dropped and counted.
const MAX_WAITING: usize = 1000;

/// How long the last lines may take when the program ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Hands lines to a thread that writes them to standard error.
///
/// A worker must not wait for whoever reads the log: a full pipe or a terminal that is held would stop all phones.
#[derive(Clone, Debug)]
pub(crate) struct LogWriter {
    jobs: Sender<Job>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: AtomicUsize,
    lost: AtomicU64,
}

#[derive(Debug)]
enum Job {
    Line(Vec<u8>),
    /// Says when all lines before it are written.
    Flush(Sender<()>),
}

impl LogWriter {
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, received) = mpsc::channel();
        let state = Arc::new(State::default());
        let writer = Self { jobs, state: Arc::clone(&state) };
        thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&received, &state))?;
        Ok(writer)
    }

    /// Waits until what was logged is written, but not for long.
    pub(crate) fn flush(&self) {
        let (done, wait) = mpsc::channel();
        if self.jobs.send(Job::Flush(done)).is_ok() {
            // Either way it ends now.
            let _ = wait.recv_timeout(LAST_LINES);
        }
    }
}

impl Write for LogWriter {
    /// Takes one line: the subscriber writes each in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.state.waiting.fetch_add(1, Relaxed) < MAX_WAITING && self.jobs.send(Job::Line(line.to_vec())).is_ok() {
            return Ok(line.len());
        }
        self.state.waiting.fetch_sub(1, Relaxed);
        self.state.lost.fetch_add(1, Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn write_all(jobs: &Receiver<Job>, state: &State) {
    for job in jobs {
        match job {
            Job::Line(line) => {
                // A closed standard error is no reason to end, and there is nobody to be told.
                let _ = io::stderr().write_all(&line);
                state.waiting.fetch_sub(1, Relaxed);
                let lost = state.lost.swap(0, Relaxed);
                if lost > 0 {
                    tracing::warn!(lost, "lines of this log were lost: it is read more slowly than it is written");
                }
            }
            Job::Flush(done) => drop(done.send(())),
        }
    }
}
