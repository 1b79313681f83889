//! A directory for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::unique;

/// A directory that goes with the test.
pub(crate) struct Room(PathBuf);

impl Room {
    /// Names the directory in which a registrar keeps what it keeps.
    pub(crate) const STATE: &str = "STATE_DIRECTORY";

    pub(crate) fn new() -> Self {
        let path = Self::named();
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Only the name of one, which nobody else has.
    pub(crate) fn named() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", std::process::id(), unique()))
    }

    /// The one that a program makes as it has been told.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let (_, path) = command.get_envs().find(|(name, _)| *name == Self::STATE)?;
        path.map(|path| Self(path.into()))
    }

    /// Writes a file and says where it is.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
