//! `cargo xtask optimized`: the release binary, compiled by a profile of its own work.
//!
//! Cargo cannot do that by itself: the program is built with counters, put under the load that `cargo xtask bench` makes,
//! and built again with what was counted, so that the compiler knows which way a branch goes and what to inline.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{self, cargo};
use crate::workspace::root;

/// What the program does while it is counted: everything that phones do, each as often as the others.
const LOAD: &str = "bench --details --rounds 1 --requests 60000 --rate 5000 \
                    --servers registrar,registrar-synced,registrar-complete";

/// Profiles have had their present form since then.
const OLDEST_LLVM: u32 = 19;

pub(crate) fn run() -> Result<()> {
    let merge = llvm_profdata()?;
    let host = command::output(command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    let folder = root().join("target").join("optimized");
    let (counts, profile) = (folder.join("counts"), folder.join("registrar.profdata"));
    if counts.is_dir() {
        fs::remove_dir_all(&counts)?;
    }

    let counting = build(&format!("-Cprofile-generate={}", counts.display()), host, &folder)?;
    let load = LOAD.split_whitespace();
    command::run(
        cargo().args(["run", "--release", "--package", "xtask", "--"]).args(load).arg("--program").arg(&counting),
    )?;
    command::run(command::new(merge).args(["merge", "-o"]).arg(&profile).arg(&counts))?;
    let built = build(&format!("-Cprofile-use={}", profile.display()), host, &folder)?;

    let program = folder.join("registrar");
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    println!("\n{0}\nmeasured by: cargo xtask bench --program {0}", program.display());
    Ok(())
}

/// Builds the program, and not what is run while it is built, with `flag`, all of it as one piece.
fn build(flag: &str, host: &str, folder: &Path) -> Result<PathBuf> {
    let flags = [env::var("RUSTFLAGS").unwrap_or_default(), flag.to_owned()].join(" ");
    command::run(
        cargo()
            .env("RUSTFLAGS", flags.trim())
            .env("CARGO_PROFILE_RELEASE_LTO", "fat")
            .args(["build", "--release", "--bin", "registrar", "--target", host, "--target-dir"])
            .arg(folder),
    )?;
    Ok(folder.join(host).join("release").join("registrar"))
}

/// What makes one profile of many counts: of the toolchain, or else of the system.
fn llvm_profdata() -> Result<PathBuf> {
    let libraries = command::output(command::new("rustc").args(["--print", "target-libdir"]))?;
    let own = Path::new(libraries.trim()).with_file_name("bin").join("llvm-profdata");
    let versions = (OLDEST_LLVM..OLDEST_LLVM + 10).rev().map(|version| format!("llvm-profdata-{version}"));
    let of_system = versions.filter_map(|name| command::find(&name)).next();
    match Some(own).filter(|own| own.is_file()).or(of_system) {
        Some(program) => Ok(program),
        None => bail!(
            "llvm-profdata of LLVM {OLDEST_LLVM} or newer is not here\n\
             help: rustup component add llvm-tools, or from Debian: apt-get install llvm-{OLDEST_LLVM}"
        ),
    }
}
