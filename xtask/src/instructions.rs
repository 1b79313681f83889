//! `cargo xtask instructions`: counted instructions of the hot paths, against their budgets. What is counted, and what
//! it was before, stands in `xtask/instructions.toml`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::command::{self, cargo};
use crate::workspace::root;

const LIST: &str = "xtask/instructions.toml";

/// How often the two runs repeat. The first is long enough for buffers to have grown.
const REPEATS: (u64, u64) = (200, 1200);

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    does: String,
    package: String,
    name: String,
    recorded: u64,
    budget: Option<u64>,
}

pub(crate) fn run() -> Result<()> {
    if command::find("valgrind").is_none() {
        bail!("valgrind is missing (Debian package valgrind)");
    }
    let list = std::fs::read_to_string(root().join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let examples = parse(&list)?;
    let mut build = cargo();
    build.args(["build", "--quiet", "--release"]);
    for example in &examples {
        build.args(["--package", &example.package, "--example", &example.name]);
    }
    command::run(&mut build)?;

    let mut over = Vec::new();
    println!("\n{:>12} {:>9} {:>8} {:>8}  what", "instructions", "recorded", "change", "budget");
    for example in &examples {
        let program = program(&example.name)?;
        let (few, many) = REPEATS;
        let counted = (collected(&program, many)?.saturating_sub(collected(&program, few)?)) / (many - few);
        let change = (counted as f64 / example.recorded.max(1) as f64 - 1.0) * 100.0;
        let budget = example.budget.map_or("–".to_owned(), |budget| budget.to_string());
        println!("{counted:>12} {:>9} {change:>+7.1}% {budget:>8}  {}", example.recorded, example.does);
        if example.budget.is_some_and(|budget| counted > budget) {
            over.push(example.does.as_str());
        }
    }
    if !over.is_empty() {
        bail!("over its budget in {LIST}: {}", over.join("; "));
    }
    Ok(())
}

/// Where cargo has built an example in release: beside this program's own folder.
fn program(name: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("not in a target folder")?;
    Ok(target.join("release/examples").join(name))
}

/// Instructions of one run.
fn collected(program: &Path, repeats: u64) -> Result<u64> {
    let mut valgrind = command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]);
    let printed = command::output(valgrind.arg(program).args(["--repeat", &repeats.to_string()]))?;
    count(&printed).with_context(|| format!("no count in what valgrind printed:\n{printed}"))
}

/// Reads `==17== Collected : 1234`.
fn count(printed: &str) -> Option<u64> {
    printed.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

fn parse(list: &str) -> Result<Vec<Example>> {
    let table: Table = list.parse().with_context(|| format!("{LIST} is no TOML"))?;
    let examples = table.get("example").and_then(Value::as_array).with_context(|| format!("{LIST}: no [[example]]"))?;
    examples.iter().map(example).collect()
}

fn example(entry: &Value) -> Result<Example> {
    let text = |key: &str| {
        let value = entry.get(key).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("{LIST}: an [[example]] without {key}"))
    };
    let number = |key: &str| entry.get(key).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
    Ok(Example {
        does: text("does")?,
        package: text("package")?,
        name: text("name")?,
        recorded: number("recorded").with_context(|| format!("{LIST}: an [[example]] without recorded"))?,
        budget: number("budget"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_the_examples_and_keeps_the_budget_of_a_register() {
        let list = std::fs::read_to_string(root().join(LIST)).unwrap();
        let examples = parse(&list).unwrap();
        let register = examples.iter().find(|example| example.name == "read_register").unwrap();
        assert_eq!(register.budget, Some(9000));
        for Example { package, name, .. } in &examples {
            assert!(root().join(format!("crates/{package}/examples/{name}.rs")).is_file(), "{package} {name}");
        }
    }

    #[test]
    fn a_count_is_found_in_what_callgrind_prints() {
        let printed = "hello\n==17== Events    : Ir\n==17== Collected : 291046\n==17==\n";
        assert_eq!(count(printed), Some(291_046));
        assert_eq!(count("==17== Events    : Ir\n"), None);
    }
}
