//! What can be wrong with the file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a data directory cannot be used. Nothing in it has been changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("the data directory {} is in use by another process: stop that process, or name another directory", .directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// The file is not there.
    #[error("there is no {}: name the directory in which a registrar keeps its bindings", .file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// The file is of another program.
    #[error("{} was not written by this program: move it away, or name another directory", .file.display())]
    NotOurs {
        /// The file.
        file: PathBuf,
    },
    /// The file is of another version of this program.
    #[error(
        "{} has format {found}, and this program reads format {known}: use the version of the program that wrote it; to change \
         the version, export with the one and import with the other",
        .file.display()
    )]
    OtherFormat {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Something in the file is not as it was written.
    #[error(
        "{} is damaged: {what}; put a copy from before in its place, or move it away and begin with an empty table",
        .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        what: Damage,
    },
    /// The operating system refuses.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What is not as it was written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The first page, which says what the file is.
    #[error("its first page is not whole")]
    Front,
    /// The storage engine's own structure.
    #[error("its structure is not whole ({detail})")]
    Structure {
        /// What the engine says.
        detail: String,
    },
    /// What is written last is not whole, and what is left is an older state.
    #[error("the last writes are not whole: {kept} were finished, and only the first {found} can be read")]
    Older {
        /// How many writes were on disk once.
        kept: u64,
        /// How many of them there are now.
        found: u64,
    },
    /// The row that says what counts, or that of a run of the program.
    #[error("its list of contents is not whole")]
    Contents,
    /// Something that was written is not there.
    #[error("{place} is missing")]
    Missing {
        /// A group of changes, or a part of a snapshot.
        place: String,
    },
    /// Something that is whole, but that this program cannot read.
    #[error("it holds {what}")]
    Unreadable {
        /// What is wrong with a record.
        what: String,
    },
    /// Something that was written has been altered.
    #[error("{place} has been altered")]
    Altered {
        /// A group of changes, or a part of a snapshot.
        place: String,
    },
}

/// Why something could not be written. The file may have taken it or not.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The disk is full, or broken.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The file is not as it was when it was opened.
    #[error("the file is damaged: {0}")]
    Damaged(#[source] Damage),
    /// The file failed before, and cannot be opened again.
    #[error("{0}")]
    Reopen(#[source] Box<OpenError>),
    /// The file is closed.
    #[error("the file is closed")]
    Closed,
    /// A step of a snapshot that was not begun since the file was opened.
    #[error("no snapshot has been begun")]
    NoSnapshot,
    /// What was to be written is not entries.
    #[error("a group of changes is malformed")]
    Malformed,
}

/// What the storage engine, or the reading of what it holds, comes upon.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Damage(Damage),
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        match error.into() {
            // The engine found something else than its own beginning, or the end too early.
            redb::Error::Io(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damage(Damage::Structure { detail: error.to_string() })
            }
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::PreviousIo => Self::Io(io::Error::other("an earlier write failed")),
            error => Self::Damage(Damage::Structure { detail: error.to_string() }),
        }
    }
}

impl Fault {
    /// The same, of a file.
    pub(super) fn of(self, file: &Path) -> OpenError {
        match self {
            Self::Io(source) => OpenError::Io { path: file.to_owned(), source },
            Self::Damage(what) => OpenError::Damaged { file: file.to_owned(), what },
        }
    }
}

impl From<Fault> for WriteError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Damage(damage) => Self::Damaged(damage),
        }
    }
}

/// Calls the storage engine. It checks what it reads, but a file that it checked may still be altered while it is open,
/// and where it does not expect that it panics.
pub(super) fn guarded<T, E: From<Fault>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(Fault::Damage(Damage::Structure { detail: "the storage engine gave up".to_owned() }).into())
    })
}
