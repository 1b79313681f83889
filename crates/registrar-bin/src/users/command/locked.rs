//! A users file that nobody else changes meanwhile.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crate::Failure;
use crate::say::say;

/// How long another command may take before this one gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Only its owner reads and writes it.
const MODE: u32 = 0o600;

/// The file, locked against other commands until this is dropped. The lock is on its folder, since the file itself is
/// replaced by each change.
pub(crate) struct Locked {
    /// Behind any links.
    path: PathBuf,
    folder: File,
}

impl Locked {
    /// # Errors
    /// Its folder is not there, or another command does not come to its end.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| failure("change", path, &error);
        let path = real_path(path).map_err(failed)?;
        let folder = File::open(path.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
        let folder = match folder.try_lock() {
            Ok(()) => folder,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                say(&format!("waiting for another command that changes {}", path.display()));
                wait_for_lock(folder).map_err(failed)?
            }
        };
        Ok(Self { path, folder })
    }

    /// Puts a file with this text in its place. Whoever reads it, and whatever happens, finds the old or the new one,
    /// and a whole one.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        let before = fs::metadata(&self.path).ok();
        self.replace(text, before.as_ref()).map_err(|error| failure("write", &self.path, &error))?;
        let mode = before.map_or(MODE, |before| before.mode() & 0o777);
        if mode & !MODE != 0 {
            say(&format!("{} had mode {mode:03o}: it has {MODE:03o} now", self.path.display()));
        }
        Ok(())
    }

    fn replace(&self, text: &str, before: Option<&fs::Metadata>) -> io::Result<()> {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".new");
        let new_path = self.path.with_file_name(name);
        // One that was left behind: of those who hold the lock, only this one lives.
        match fs::remove_file(&new_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut new = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new_path)?;
        let written = (|| {
            new.set_permissions(Permissions::from_mode(MODE))?;
            if let Some(before) = before
                && before.uid() != new.metadata()?.uid()
            {
                // Or the registrar, which may run as the owner, could not read it any more.
                fchown(&new, Some(before.uid()), Some(before.gid()))?;
            }
            new.write_all(text.as_bytes())?;
            new.sync_all()?;
            fs::rename(&new_path, &self.path)
        })();
        if written.is_err() {
            drop(fs::remove_file(&new_path));
        }
        written?;
        self.folder.sync_all()
    }
}

/// The name of the file itself; of the one that is to be made, if there is none.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok(fs::canonicalize(folder)?.join(name))
        }
        found => found,
    }
}

fn wait_for_lock(folder: File) -> io::Result<File> {
    let (sender, locked) = mpsc::channel();
    // A lock cannot be waited for with a deadline. If it comes too late, the program has ended.
    std::thread::spawn(move || sender.send(folder.lock().map(|()| folder)));
    locked.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, "another command has been changing it for more than a minute"))
    })
}

/// A users file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    failure("read", path, error)
}

fn failure(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Machine(format!("error: cannot {what} the users file {}: {error}", path.display()))
}
