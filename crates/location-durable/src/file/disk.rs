//! A file on a disk, and the directory it lies in.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use redb::StorageBackend;

use super::error::OpenError;

/// A file, which only its owner may read: it tells who is where.
#[derive(Debug)]
pub(super) struct Disk(File);

impl Disk {
    /// A file that is there.
    pub(super) fn open(path: &Path, write: bool) -> io::Result<Self> {
        OpenOptions::new().read(true).write(write).open(path).map(Self)
    }

    /// A new file; one that is there is emptied.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path).map(Self)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data().inspect_err(|_| {
            // Linux takes pages that could not be written for clean, and would go on reading them: they must not be
            // found when the file is opened anew, for they are not on disk. If this fails too, the disk is as good as
            // gone, and the error tells.
            let _ = posix_fadvise(&self.0, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }
}

/// A data directory that nobody else uses, as long as this or a clone of it is held.
#[derive(Clone, Debug)]
pub(crate) struct Directory(Arc<File>);

impl Directory {
    /// Makes the directory if it is not there. Only its owner may look into it.
    fn make(path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        path.parent().map_or(Ok(()), |parent| open(parent)?.sync_all())
    }

    /// That of a file, made if it is not there; everybody else is kept out.
    pub(crate) fn of(file: &Path) -> Result<Self, OpenError> {
        let directory = parent_of(file);
        Self::make(directory).map_err(|source| OpenError::Io { path: directory.to_owned(), source })?;
        Self::lock(directory)
    }

    /// Keeps everybody else out.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let directory = open(path).map_err(failed)?;
        match directory.try_lock() {
            Ok(()) => Ok(Self(Arc::new(directory))),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Waits until the names in it are on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// The directory of a file.
pub(super) fn parent_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn open(directory: &Path) -> io::Result<File> {
    File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
}
