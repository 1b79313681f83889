//! A program started by a test: what it prints is read line by line, and it does not outlive the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PATIENCE, Room};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

type Line = (Stream, String);

pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<Line>,
    printed: Vec<Line>,
    _state: Option<Room>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None`: by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Process {
    /// Starts it with both outputs read.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with_outputs(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts it with its outputs as the caller has set them. One of the two must be piped: its end shows the program's.
    pub(crate) fn start_with_outputs(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (sender, lines) = channel();
        let out = child.stdout.take().map(|out| read_lines(out, Stream::Out, sender.clone()));
        let err = child.stderr.take().map(|err| read_lines(err, Stream::Err, sender.clone()));
        assert!(out.is_some() || err.is_some(), "{name}: no output is read");
        Self { name, child, lines, printed: Vec::new(), _state: Room::of(command) }
    }

    /// Waits for a line, on either output, that contains `what`, after those that were waited for before.
    pub(crate) fn wait_for(&mut self, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.next_line(deadline) {
                Ok(line) if line.contains(what) => return line,
                Ok(_) => {}
                Err(error) => panic!("{}: no {what:?} ({error}) in {:#?}", self.name, self.printed),
            }
        }
    }

    /// Waits for a line; `None` at the end of both outputs.
    pub(crate) fn wait_for_line(&mut self) -> Option<String> {
        match self.next_line(Instant::now() + PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{}: silent after {:#?}", self.name, self.printed),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn finish(mut self) -> Finished {
        assert!(self.read_to_end(PATIENCE), "{} does not end: {:#?}", self.name, self.printed);
        let code = self.child.wait().unwrap().code();
        let text = |wanted| {
            let lines = self.printed.iter().filter(|(stream, _)| *stream == wanted);
            lines.flat_map(|(_, line)| [line.as_str(), "\n"]).collect()
        };
        Finished { code, out: text(Stream::Out), err: text(Stream::Err) }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    fn next_line(&mut self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.printed.push(line.clone());
        Ok(line.1)
    }

    /// Whether both outputs have ended, and the program with them.
    fn read_to_end(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            match self.next_line(deadline) {
                Ok(_) => {}
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its id is its own until it has been waited for.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = kill(self.pid(), Signal::SIGTERM);
        if !self.read_to_end(Duration::from_secs(6)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl Read + Send + 'static, stream: Stream, to: Sender<Line>) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
            if to.send((stream, text)).is_err() {
                return;
            }
            line.clear();
        }
    });
}
