//! `cargo xtask test`: what a submission must pass, step by step, stopping at the first failure.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{self, cargo, succeeds};
use crate::tools::{self, Missing};
use crate::{fuzz, instructions, layers, tidy};

/// How long each fuzz target runs here. The long runs are on a schedule.
const FUZZ_SECONDS: u32 = 5;

const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

#[derive(Args)]
pub(crate) struct Options {
    /// Installs nothing, and leaves out licences and fuzzing: for the inner loop
    #[arg(long)]
    fast: bool,
    /// A missing program is a failure, never a reason to skip; so it is with CI=true
    #[arg(long, conflicts_with = "fast")]
    require_all: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let require_all = options.require_all || (!options.fast && env::var_os("CI").is_some_and(|value| value == "true"));
    let mut steps = Steps::default();

    let mut missing = Missing::default();
    steps.step("tools", "install what is named above", || {
        missing = if options.fast { tools::missing_now() } else { tools::install(require_all)? };
        Ok(())
    })?;
    let missing = missing;
    for line in &missing.lines {
        steps.skip(line);
    }

    steps.step("format", "cargo fmt --all (and --manifest-path fuzz/Cargo.toml)", || {
        command::run(cargo().args(["fmt", "--all", "--check"]))?;
        command::run(cargo().args(["fmt", "--check", "--manifest-path", FUZZ_MANIFEST]))
    })?;
    steps.step("tidy", "each line says how to mend it", tidy::run)?;
    steps.step("lints", "mend what clippy names; an exception is #[expect(…, reason = \"…\")]", || {
        let deny_warnings = ["--", "-D", "warnings"];
        command::run(
            cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--all-features"]).args(deny_warnings),
        )?;
        if missing.fuzzing {
            return Ok(());
        }
        let fuzz = ["clippy", "--quiet", "--locked", "--all-targets", "--manifest-path", FUZZ_MANIFEST];
        command::run(cargo().args(fuzz).args(deny_warnings))
    })?;
    steps.step("layers", "remove the edge, or move the code to the crate where it belongs", layers::run)?;
    if options.fast {
        steps.skip("licences, bans, sources and advisories (--fast)");
    } else {
        steps.step("licences, bans, sources", "see deny.toml", || each_manifest(&["bans", "licenses", "sources"]))?;
        if advisory_database_can_be_fetched() {
            steps.step("advisories", "update the dependency that is named", check_advisories)?;
        } else {
            steps.skip("advisories: not checked, the database cannot be reached");
        }
    }
    steps.step("tests", "cargo test --workspace --all-features", || {
        let mut test = cargo();
        test.args(["test", "--workspace", "--all-features", "--"]);
        for module in &missing.test_modules {
            test.args(["--skip", &format!("{module}::")]);
        }
        command::run(&mut test)
    })?;
    steps.step("documentation", "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps", || {
        let mut doc = cargo();
        doc.args(["doc", "--quiet", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
        command::run(&mut doc)
    })?;
    if options.fast || command::find("valgrind").is_none() {
        steps.skip(if options.fast { "instructions (--fast)" } else { "instructions: they are counted by valgrind" });
    } else {
        steps.step("instructions", "make it cheaper, or record the figure with a reason", || {
            instructions::run(&instructions::Options::default())
        })?;
    }
    if missing.fuzzing {
        steps.skip("fuzzing");
    } else {
        steps.step("fuzz corpus", "each file in fuzz/corpus went once through its target", || {
            command::run(cargo().args(["test", "--quiet", "--locked", "--manifest-path", FUZZ_MANIFEST]))
        })?;
        if options.fast {
            steps.skip("fuzzing beyond the corpus (--fast)");
        } else {
            let short = fuzz::Options::short(FUZZ_SECONDS);
            steps.step("fuzzing", "the input is named above with the command that repeats it", || fuzz::run(&short))?;
        }
    }
    steps.finish();
    Ok(())
}

/// `cargo xtask advisories`: an answer or an error, never silence.
pub(crate) fn advisories() -> Result<()> {
    tools::DENY.install()?;
    command::run(deny().args(["fetch", "db"])).context("the advisory database cannot be reached")?;
    check_advisories()
}

/// Against the database as it was fetched.
fn check_advisories() -> Result<()> {
    each_manifest(&["--disable-fetch", "advisories"])
}

fn advisory_database_can_be_fetched() -> bool {
    succeeds(deny().args(["fetch", "db"]))
}

/// `cargo deny check` for the workspace and for fuzz/, which is outside.
fn each_manifest(checks: &[&str]) -> Result<()> {
    command::run(deny().arg("check").args(checks))?;
    command::run(deny().args(["--manifest-path", FUZZ_MANIFEST, "--config", "deny.toml", "check"]).args(checks))
}

fn deny() -> Command {
    let mut deny = cargo();
    deny.args(["deny", "--log-level", "warn"]);
    deny
}

/// Announces, times and remembers the steps.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
    skipped: Vec<String>,
}

impl Steps {
    fn step(&mut self, name: &'static str, remedy: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n=== {name}");
        let start = Instant::now();
        if let Err(error) = work() {
            bail!("{name} failed after {:.1} s\n{error:#}\nWhat to do: {remedy}", start.elapsed().as_secs_f32());
        }
        let took = start.elapsed();
        println!("=== {name}: ok in {:.1} s", took.as_secs_f32());
        self.done.push((name, took));
        Ok(())
    }

    fn skip(&mut self, what: &str) {
        println!("\n=== skipped: {what}");
        self.skipped.push(what.to_owned());
    }

    fn finish(&self) {
        println!("\n=== all steps passed");
        for (name, took) in &self.done {
            println!("{:>8.1} s  {name}", took.as_secs_f32());
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        println!("{:>8.1} s  in all", total.as_secs_f32());
        for line in &self.skipped {
            println!(" skipped  {line}");
        }
    }
}
