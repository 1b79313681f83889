//! A program that runs beside this one, ended with all that it has started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::usage;

/// How long a program may take to be ready, and to leave after SIGTERM.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// It ends with this value.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts it; what it prints goes to a file.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let output = File::create(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_owned(), started })
    }

    pub(super) fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// When it was started.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// What it has printed so far.
    pub(super) fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks again and again whether it is ready, with a rest between.
    pub(super) fn wait_until(&mut self, rest: Duration, mut is_ready: impl FnMut(&str) -> bool) -> Result<()> {
        while !is_ready(&self.printed()) {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}:\n{}", self.printed());
            }
            if self.started.elapsed() > PATIENCE {
                bail!("not ready in {PATIENCE:?}; its output: {}", self.log.display());
            }
            thread::sleep(rest);
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.id()), signal)?)
    }

    /// Ends it by a signal and waits until it has ended; how long that took.
    pub(super) fn stop(&mut self, signal: Signal) -> Duration {
        let asked = Instant::now();
        let family = usage::family(self.id()).unwrap_or_default();
        // Those it has started are its own to end.
        let _ = self.signal(signal);
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > PATIENCE {
                for member in &family {
                    let _ = kill(Pid::from_raw(*member), Signal::SIGKILL);
                }
            }
            thread::sleep(Duration::from_millis(5));
        }
        asked.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop(Signal::SIGTERM);
        }
    }
}
