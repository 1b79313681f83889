//! Where an export goes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Standard output, or a file that is there when it is whole.
pub(super) enum Output {
    Standard(BufWriter<StdoutLock<'static>>),
    File(NewFile),
}

pub(super) struct NewFile {
    path: PathBuf,
    /// Beside it, until it is whole.
    new_path: PathBuf,
    file: BufWriter<File>,
}

impl Output {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self::Standard(BufWriter::new(io::stdout().lock()))) };
        let mut name = OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::IsADirectory)?);
        name.push(".new");
        let new_path = path.with_file_name(name);
        // One that was left behind by a command that was killed.
        match fs::remove_file(&new_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new_path)?;
        Ok(Self::File(NewFile { path: path.to_owned(), new_path, file: BufWriter::new(file) }))
    }

    /// Puts the file in its place, where it survives the loss of power.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush(),
            Self::File(mut new) => {
                new.file.flush()?;
                new.file.get_ref().sync_all()?;
                fs::rename(&new.new_path, &new.path)?;
                let folder = new.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(new) => new.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(new) => new.file.flush(),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After it was put in its place there is none.
        drop(fs::remove_file(&self.new_path));
    }
}
