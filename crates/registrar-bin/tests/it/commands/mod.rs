//! The commands that ask a running registrar, those that try any registrar, and those that tell of the commands.

mod api;
mod documents;
mod fake;
mod load;
mod paper;
mod probe;
mod terminal;
mod watch;

use std::process::{Command, Stdio};

use crate::harness::{Finished, command};

/// Runs the program to its end, with nothing that a terminal is known by and nothing on standard input.
fn run(args: &[&str]) -> Finished {
    run_as(args, |_| {})
}

/// The same with something else about it.
fn run_as(args: &[&str], change: impl FnOnce(&mut Command)) -> Finished {
    let mut command = command();
    command.args(args).stdin(Stdio::null());
    for name in ["NO_COLOR", "REGISTRAR_TOKEN", "REGISTRAR_PASSWORD"] {
        command.env_remove(name);
    }
    change(&mut command);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it, and expects that it is content.
fn good(args: &[&str]) -> String {
    let finished = run(args);
    assert_eq!(finished.code, Some(0), "{args:?}: {finished:?}");
    finished.out
}

/// Runs it with `--json`, and gives each line as a value.
fn values(args: &[&str]) -> Vec<serde_json::Value> {
    let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    good(&args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
