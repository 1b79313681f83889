//! Whether a file is still the one that was read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// File systems tell times only so exactly: what was written so shortly ago may be written once more without a sign.
const YOUNG: Duration = Duration::from_secs(2);

/// What one sees of a file without reading it; what is there in its place if it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Missing,
    File {
        device: u64,
        inode: u64,
        size: u64,
        /// In seconds and nanoseconds since 1970.
        written: (i64, i64),
        /// The same for its metadata; this time cannot be set back by whoever writes.
        changed: (i64, i64),
    },
}

impl Stamp {
    /// Of the file that is there now, behind any links.
    pub(crate) fn of(path: &Path) -> Self {
        std::fs::metadata(path).map_or(Self::Missing, |metadata| Self::from(&metadata))
    }

    /// Whether it may have been written again since without a sign.
    pub(crate) fn is_young(&self, now: SystemTime) -> bool {
        let Self::File { changed: (seconds, _), .. } = self else { return false };
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(*seconds).unwrap_or_default());
        // A time that is still to come says nothing.
        now.duration_since(changed).is_ok_and(|age| age < YOUNG)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self::File {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Files as they were while they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stamped {
    /// One of them changed meanwhile.
    Moving,
    /// None did, but one was written so shortly before that a further change could not be seen.
    Young,
    Settled(Vec<Stamp>),
}

impl Stamped {
    /// Reads `files` with `read`.
    pub(crate) fn while_reading<T>(files: &[&Path], read: impl FnOnce() -> T) -> (T, Self) {
        let stamps = || files.iter().map(|file| Stamp::of(file)).collect::<Vec<_>>();
        let before = stamps();
        let result = read();
        let now = SystemTime::now();
        let stamped = if before != stamps() {
            Self::Moving
        } else if before.iter().any(|stamp| stamp.is_young(now)) {
            Self::Young
        } else {
            Self::Settled(before)
        };
        (result, stamped)
    }
}

/// Decides when files that may change at any time are read again: when they have changed, and stood still for as long
/// as lies between two looks. So what is just being written is left alone.
#[derive(Debug)]
pub(crate) struct Watch {
    /// As they were when they were read; `None` if that is not certain.
    read: Option<Vec<Stamp>>,
    /// As they were at the last look, where that differs.
    seen: Option<Vec<Stamp>>,
}

impl Watch {
    /// Of files that were read so.
    pub(crate) fn new(read: Stamped) -> Self {
        let read = if let Stamped::Settled(stamps) = read { Some(stamps) } else { None };
        Self { read, seen: None }
    }

    /// Whether the files must be read now.
    pub(crate) fn look(&mut self, files: &[&Path]) -> bool {
        self.see(files.iter().map(|file| Stamp::of(file)).collect())
    }

    fn see(&mut self, now: Vec<Stamp>) -> bool {
        if self.read.as_ref() == Some(&now) {
            self.seen = None;
            return false;
        }
        let stood_still = self.seen.as_ref() == Some(&now);
        self.seen = Some(now);
        stood_still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(inode: u64, seconds: i64) -> Stamp {
        Stamp::File { device: 1, inode, size: 10, written: (seconds, 0), changed: (seconds, 0) }
    }

    fn watch_of(stamp: Stamp) -> Watch {
        Watch::new(Stamped::Settled(vec![stamp]))
    }

    #[test]
    fn a_change_is_read_once_it_stands_still() {
        let mut watch = watch_of(file(1, 5));
        assert!(!watch.see(vec![file(1, 5)]));
        assert!(!watch.see(vec![file(1, 6)]));
        assert!(!watch.see(vec![file(1, 7)]));
        assert!(watch.see(vec![file(1, 7)]));
        watch = watch_of(file(1, 7));
        assert!(!watch.see(vec![file(1, 7)]) && !watch.see(vec![file(1, 7)]));
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let mut watch = watch_of(file(1, 5));
        assert!(!watch.see(vec![file(2, 5)]) && !watch.see(vec![file(1, 5)]) && !watch.see(vec![file(2, 5)]));
    }

    #[test]
    fn a_file_that_goes_is_a_change_and_one_that_was_read_too_early_is_read_again() {
        let mut watch = watch_of(file(1, 5));
        assert!(!watch.see(vec![Stamp::Missing]) && watch.see(vec![Stamp::Missing]));
        let mut watch = Watch::new(Stamped::Young);
        assert!(!watch.see(vec![file(1, 5)]) && watch.see(vec![file(1, 5)]));
    }

    #[test]
    fn what_was_written_just_now_is_young() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(file(1, 100).is_young(at(100)) && file(1, 100).is_young(at(101)));
        assert!(!file(1, 100).is_young(at(102)) && !file(1, 100).is_young(at(99)) && !Stamp::Missing.is_young(at(1)));
    }
}
