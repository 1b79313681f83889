//! Where the project lies and what files it has.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command;

/// The folder of the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    // xtask lies directly below it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Every file of the project that git would keep, by its path from the root, in order.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut git = command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let listing = command::output(&mut git).context("the list of files comes from git")?;
    let mut files: Vec<PathBuf> = listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        // A file that was deleted and not yet committed is still listed.
        .filter(|path| root().join(path).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}
