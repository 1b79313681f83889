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

/// Decides when a file that may change at any time is read again: when it has changed, and stood still for as long as
/// lies between two looks. So one that is just being written is left alone.
#[derive(Debug)]
pub(crate) struct Watch {
    /// As it was when it was read; `None` if that is not certain.
    read: Option<Stamp>,
    /// As it was at the last look, where that differs.
    seen: Option<Stamp>,
}

impl Watch {
    pub(crate) fn new(read: Option<Stamp>) -> Self {
        Self { read, seen: None }
    }

    /// Whether it must be read now.
    pub(crate) fn look(&mut self, now: Stamp) -> bool {
        if self.read == Some(now) {
            self.seen = None;
            return false;
        }
        self.seen.replace(now) == Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(inode: u64, seconds: i64) -> Stamp {
        Stamp::File { device: 1, inode, size: 10, written: (seconds, 0), changed: (seconds, 0) }
    }

    #[test]
    fn a_change_is_read_once_it_stands_still() {
        let mut watch = Watch::new(Some(file(1, 5)));
        assert!(!watch.look(file(1, 5)));
        assert!(!watch.look(file(1, 6)));
        assert!(!watch.look(file(1, 7)));
        assert!(watch.look(file(1, 7)));
        watch = Watch::new(Some(file(1, 7)));
        assert!(!watch.look(file(1, 7)) && !watch.look(file(1, 7)));
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let mut watch = Watch::new(Some(file(1, 5)));
        assert!(!watch.look(file(2, 5)) && !watch.look(file(1, 5)) && !watch.look(file(2, 5)));
    }

    #[test]
    fn a_file_that_goes_is_a_change_and_one_that_was_read_too_early_is_read_again() {
        let mut watch = Watch::new(Some(file(1, 5)));
        assert!(!watch.look(Stamp::Missing) && watch.look(Stamp::Missing));
        let mut watch = Watch::new(None);
        assert!(!watch.look(file(1, 5)) && watch.look(file(1, 5)));
    }

    #[test]
    fn what_was_written_just_now_is_young() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(file(1, 100).is_young(at(100)) && file(1, 100).is_young(at(101)));
        assert!(!file(1, 100).is_young(at(102)) && !file(1, 100).is_young(at(99)) && !Stamp::Missing.is_young(at(1)));
    }
}
