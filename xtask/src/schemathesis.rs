//! Schemathesis, which holds the HTTP API against its own description: a program of Python, in an environment of its own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command::{self, succeeds};
use crate::workspace::root;

/// What the tests were written for.
const VERSION: &str = "4.32.5";

/// The tests that run it.
pub(crate) const TESTS: &str = "admin::schemathesis";

/// Where the tests look for it.
fn home() -> PathBuf {
    root().join("target/tools/schemathesis")
}

pub(crate) fn is_there() -> bool {
    let printed = command::output(command::new(home().join("bin/schemathesis")).arg("--version"));
    printed.is_ok_and(|printed| printed.trim().ends_with(VERSION))
}

/// The Debian package without which there are no such environments, if it is missing.
pub(crate) fn package() -> Option<&'static str> {
    let can = succeeds(command::new("python3").args(["-c", "import ensurepip, venv"]));
    (!can).then_some("python3-venv")
}

/// Installs it, and only it and what it needs, from PyPI.
pub(crate) fn install() -> Result<()> {
    let home = home();
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let hint = "schemathesis could not be installed; it needs python3-venv and PyPI";
    command::run(command::new("python3").args(["-m", "venv"]).arg(&home)).context(hint)?;
    let wanted = format!("schemathesis=={VERSION}");
    command::run(command::new(home.join("bin/pip")).args(["install", "--quiet", &wanted])).context(hint)
}
