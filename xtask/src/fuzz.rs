//! `cargo xtask fuzz`: runs the targets of fuzz/ on the stable toolchain, as many at a time as there are cores.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{self, cargo};
use crate::tools;
use crate::workspace::root;

/// Without a sanitizer, since those need a nightly compiler; the code under test has no unsafe block of its own.
const SANITIZER: [&str; 2] = ["-s", "none"];

#[derive(Args)]
pub(crate) struct Options {
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Where its random choices begin; without it they are others each time
    #[arg(long)]
    seed: Option<u32>,
    /// Puts the inputs that reached new code into the corpus
    #[arg(long)]
    keep: bool,
    /// Only these targets
    targets: Vec<String>,
}

impl Options {
    /// Every target for a moment, with the same choices each time: what fails in a change's test shall be the change's.
    pub(crate) fn short(seconds: u32) -> Self {
        Self { seconds, seed: Some(1), keep: false, targets: Vec::new() }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::FUZZ.install()?;
    let all = targets()?;
    if let Some(unknown) = options.targets.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target {unknown}; there are: {}", all.join(" "));
    }
    let chosen = if options.targets.is_empty() { all } else { options.targets.clone() };
    command::run(cargo().args(["fuzz", "build"]).args(SANITIZER))?;

    let cores = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(VecDeque::from(chosen));
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(target) = locked(&queue).pop_front() {
                    match fuzz(&target, options) {
                        Ok(summary) => println!("{target}: {summary}"),
                        Err(error) => locked(&failures).push(format!("{target}: {error:#}")),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

/// Runs one target; what it says at its end, or what went wrong with the command that repeats it.
fn fuzz(target: &str, options: &Options) -> Result<String> {
    let work = work_folder(target)?;
    let found = work.join("found");
    let log = work.join("log");
    let corpus = corpus(target);
    let mut command = cargo();
    command.args(["fuzz", "run"]).args(SANITIZER).arg(target).arg(&found).arg(&corpus);
    command.args(["--", &format!("-max_total_time={}", options.seconds), "-timeout=10", "-rss_limit_mb=2048"]);
    if let Some(seed) = options.seed {
        command.arg(format!("-seed={seed}"));
    }
    let to = || File::create(&log).with_context(|| format!("cannot write {}", log.display()));
    let file = to()?;
    let status = command.stdout(file.try_clone()?).stderr(file).status().context("cannot start cargo fuzz")?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        bail!("ended with {status}\n{}\nthe whole output: {}", last_lines(&said, 40), log.display());
    }
    if options.keep {
        let mut merge = cargo();
        merge.args(["fuzz", "run"]).args(SANITIZER).arg(target).arg(&corpus).arg(&found).args(["--", "-merge=1"]);
        command::output(&mut merge)?;
    }
    let summary = said.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or("ran");
    Ok(summary.to_owned())
}

/// The names of all targets, as fuzz/Cargo.toml has them.
fn targets() -> Result<Vec<String>> {
    let list = command::output(cargo().args(["fuzz", "list"]))?;
    let targets: Vec<String> =
        list.lines().map(|line| line.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    if targets.is_empty() {
        bail!("fuzz/Cargo.toml has no target");
    }
    Ok(targets)
}

fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// Where new findings and the output go: below fuzz/target, which git ignores.
fn work_folder(target: &str) -> Result<PathBuf> {
    let work = root().join("fuzz/target/runs").join(target);
    create(&work.join("found"))?;
    create(&corpus(target))?;
    Ok(work)
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// A thread that panicked has reported already; what it held is still whole.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
