//! Reading a file ahead of whoever needs it.
//!
//! The engine reads pages in the order of its trees, and waits for each that is not in memory: from a disk that takes longer
//! than to bring in the whole file in the order in which it lies there. So that is asked for beside it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

/// How much is asked for at once: of more the kernel would leave out what exceeds its own step.
const STEP: i64 = 128 << 10;

/// The kernel is asked for a file, step by step, until all of it was asked for or this is dropped.
pub(crate) struct ReadAhead(Arc<AtomicBool>);

impl ReadAhead {
    /// Begins. If the file is not there, or there is no thread, it is read all the same, only later.
    pub(crate) fn of(path: &Path) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        if let Ok(file) = File::open(path) {
            let is_over = Arc::clone(&ended);
            // Its end is not waited for: it may hang in a disk that does. Nor is a thread needed: it only saves time.
            let _ = Builder::new().name("read ahead".to_owned()).spawn(move || read(&file, &is_over));
        }
        Self(ended)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read(file: &File, is_over: &AtomicBool) {
    let length = file.metadata().map_or(0, |data| i64::try_from(data.len()).unwrap_or(i64::MAX));
    let mut at = 0;
    while at < length && !is_over.load(Ordering::Relaxed) {
        // Advice: who gives it badly loses nothing but the time it would have saved.
        if posix_fadvise(file, at, STEP, PosixFadviseAdvice::POSIX_FADV_WILLNEED).is_err() {
            return;
        }
        at += STEP;
    }
}
