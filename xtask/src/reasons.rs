//! `cargo xtask reasons`: docs/reasons.md, written from the tables in the code.

use std::fs;

use anyhow::{Result, ensure};

use crate::command::cargo;
use crate::workspace::root;

pub(crate) fn run() -> Result<()> {
    let output = cargo().args(["run", "--quiet", "--package", "sip-registrar", "--example", "reasons"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(root().join("docs/reasons.md"), output.stdout)?;
    Ok(())
}
