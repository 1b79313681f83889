//! The disk under a folder, and the files in it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::stat::{major, minor};
use nix::unistd;

/// What the kernel counts as a sector, whatever the device does.
const SECTOR: u64 = 512;

/// A block device.
pub(super) struct Device {
    stat: PathBuf,
}

impl Device {
    /// The one that holds this folder.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let number = fs::metadata(folder)?.dev();
        let stat = PathBuf::from(format!("/sys/dev/block/{}:{}/stat", major(number), minor(number)));
        fs::metadata(&stat).with_context(|| format!("{} is on no disk of its own", folder.display()))?;
        Ok(Self { stat })
    }

    /// Bytes that were written to it so far, by anybody, once all that waits has been written.
    pub(super) fn written(&self) -> Result<u64> {
        unistd::sync();
        let text = fs::read_to_string(&self.stat)?;
        let sectors = text.split_whitespace().nth(6).context("a device without counters")?;
        Ok(sectors.parse::<u64>()? * SECTOR)
    }
}

/// Bytes of files.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// Their length.
    pub(super) length: u64,
    /// What they take on the disk.
    pub(super) allocated: u64,
}

/// The size of all files that lie in a folder.
pub(super) fn size(folder: &Path) -> Result<Size> {
    let mut size = Size::default();
    for file in fs::read_dir(folder)? {
        let about = file?.metadata()?;
        size.length += about.len();
        size.allocated += about.blocks() * SECTOR;
    }
    Ok(size)
}

/// Asks the kernel to keep nothing of these files in memory, so that they must be read from the disk.
pub(super) fn forget(folder: &Path) -> Result<()> {
    unistd::sync();
    for file in fs::read_dir(folder)? {
        let file = File::open(file?.path())?;
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_a_length_and_take_room() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let size = size(folder).unwrap();
        assert!(size.length > 0 && size.allocated > 0, "{size:?}");
    }
}
