//! `cargo xtask instructions`: counted instructions and allocations of the hot paths, against what was recorded. What is
//! counted stands in `xtask/instructions.toml`, what it was in `xtask/recorded.toml`.

mod profile;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use toml::{Table, Value};

use self::profile::Profile;
use self::record::Cost;
use crate::command::{self, cargo};
use crate::workspace::root;

const LIST: &str = "xtask/instructions.toml";

/// How often the two runs repeat. The first is long enough for buffers to have grown.
const REPEATS: (u64, u64) = (200, 1200);

/// What a count may differ from its record, in per cent: other processors and hash seeds count a little differently.
const TOLERATED: f64 = 3.0;

/// How many allocations more in a thousand times are no change: tables of hashes with random keys grow a little sooner or
/// later. What a request takes exactly is tested in `tests/alloc.rs` of the crates.
const ALLOCATIONS: u64 = 50;

/// How many functions are named when a count has grown.
const NAMED: usize = 12;

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Count only these
    names: Vec<String>,
    /// Write what is counted to xtask/recorded.toml, to be committed with the reason
    #[arg(long)]
    record: bool,
}

/// One entry of the list: an example, and what it is told to do.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    name: String,
    does: String,
    package: String,
    example: String,
    what: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if command::find("valgrind").is_none() {
        bail!("valgrind is missing (Debian package valgrind)");
    }
    let list = fs::read_to_string(root().join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let mut works = parse(&list)?;
    if let Some(unknown) = options.names.iter().find(|name| works.iter().all(|work| work.name != **name)) {
        bail!("{unknown} does not stand in {LIST}");
    }
    works.retain(|work| options.names.is_empty() || options.names.contains(&work.name));
    let mut record = record::read()?;
    build(&works)?;

    let mut wrong = Vec::new();
    println!(
        "\n{:>12} {:>9} {:>8}  {:>11} {:>9}  what",
        "instructions", "recorded", "change", "allocations", "recorded"
    );
    for work in works {
        let cost = measure(&work)?;
        let old = record.get(&work.name).cloned().unwrap_or_default();
        println!(
            "{:>12} {:>9} {:>+7.1}%  {:>11.3} {:>9.3}  {}: {}",
            cost.instructions,
            old.instructions,
            change(&old, &cost),
            cost.allocations as f64 / 1000.0,
            old.allocations as f64 / 1000.0,
            work.name,
            work.does,
        );
        if options.record {
            record.insert(work.name, cost);
        } else {
            wrong.extend(complaints(&work.name, &old, &cost));
        }
    }
    if options.record {
        return record::write(&record);
    }
    if !wrong.is_empty() {
        bail!("{}\nIf it is worth it: cargo xtask instructions --record, in a commit that says why", wrong.join("\n"));
    }
    Ok(())
}

fn build(works: &[Work]) -> Result<()> {
    let packages: BTreeSet<&str> = works.iter().map(|work| work.package.as_str()).collect();
    for package in packages {
        let examples: BTreeSet<&str> =
            works.iter().filter(|work| work.package == package).map(|work| work.example.as_str()).collect();
        let mut build = cargo();
        build.args(["build", "--quiet", "--release", "--package", package]);
        examples.iter().for_each(|example| _ = build.args(["--example", example]));
        command::run(&mut build)?;
    }
    Ok(())
}

/// What one repetition costs: the difference of two runs, divided by that of their lengths.
fn measure(work: &Work) -> Result<Cost> {
    let own = env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("not in a target folder")?;
    let program = target.join("release/examples").join(&work.example);
    let (few, many) = (collected(&program, work, REPEATS.0)?, collected(&program, work, REPEATS.1)?);
    let more = REPEATS.1 - REPEATS.0;
    let each = |many: u64, few: u64| many.saturating_sub(few) / more;
    let functions = many.functions.iter();
    Ok(Cost {
        instructions: each(many.instructions(), few.instructions()),
        allocations: many.allocations.saturating_sub(few.allocations) * 1000 / more,
        functions: functions
            .map(|(name, count)| (name.clone(), each(*count, few.functions.get(name).copied().unwrap_or(0))))
            .filter(|(_, count)| *count > 0)
            .collect(),
    })
}

/// One run.
fn collected(program: &Path, work: &Work, repeats: u64) -> Result<Profile> {
    let file = program.with_file_name(format!("{}-{}-{repeats}.callgrind", work.name, std::process::id()));
    let mut valgrind = command::new("valgrind");
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", file.display())).arg(program);
    ask(&mut valgrind, work, repeats)?;
    let text = fs::read_to_string(&file).with_context(|| format!("callgrind wrote no {}", file.display()))?;
    fs::remove_file(&file)?;
    let profile = Profile::read(&text);
    if profile.instructions() == 0 {
        bail!("nothing was counted of {}", work.name);
    }
    Ok(profile)
}

fn ask(command: &mut Command, work: &Work, repeats: u64) -> Result<String> {
    command::output(command.args(&work.what).args(["--repeat", &repeats.to_string()]))
}

/// In per cent.
fn change(old: &Cost, new: &Cost) -> f64 {
    (new.instructions as f64 / old.instructions.max(1) as f64 - 1.0) * 100.0
}

/// What is wrong with a cost, if something is; that the record may be lowered is only said.
fn complaints(name: &str, old: &Cost, new: &Cost) -> Vec<String> {
    let mut wrong = Vec::new();
    if old.instructions == 0 {
        wrong.push(format!("{name} is not recorded"));
    } else if change(old, new) > TOLERATED {
        wrong.push(format!("{name}: more than {TOLERATED} % over its record. What grew:\n{}", grown(old, new)));
    } else if change(old, new) < -TOLERATED {
        println!("{name}: the record can be lowered (cargo xtask instructions --record {name})");
    }
    if old.instructions > 0 && new.allocations > old.allocations + ALLOCATIONS {
        wrong.push(format!("{name}: {} allocations in a thousand, not {}", new.allocations, old.allocations));
    }
    wrong
}

/// The functions that grew most, with what each takes itself. Of one that is not in the record, only the most is known
/// that it can have taken: as much as the least that is.
fn grown(old: &Cost, new: &Cost) -> String {
    let least = old.functions.values().min().copied().unwrap_or(0);
    let growth = |(name, now): (&String, &u64)| {
        let before = old.functions.get(name).copied();
        let more = now.saturating_sub(before.unwrap_or(least));
        let shown = before.map_or(format!("≤ {least}"), |before| before.to_string());
        (more > 0).then(|| (more, format!("{shown:>9} → {now:>7}  {name}")))
    };
    let mut lines: Vec<_> = new.functions.iter().filter_map(growth).collect();
    lines.sort_by(|one, other| other.cmp(one));
    lines.into_iter().take(NAMED).map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

fn parse(list: &str) -> Result<Vec<Work>> {
    let table: Table = list.parse().with_context(|| format!("{LIST} is no TOML"))?;
    let works = table.get("work").and_then(Value::as_array).with_context(|| format!("{LIST}: no [[work]]"))?;
    let works: Vec<Work> = works.iter().map(work).collect::<Result<_>>()?;
    let names: BTreeMap<_, _> = works.iter().map(|work| (&work.name, ())).collect();
    if names.len() < works.len() {
        bail!("{LIST}: two have the same name");
    }
    Ok(works)
}

fn work(entry: &Value) -> Result<Work> {
    let optional = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let text = |key: &str| optional(key).with_context(|| format!("{LIST}: a [[work]] without {key}"));
    Ok(Work {
        name: text("name")?,
        does: text("does")?,
        package: text("package")?,
        example: text("example")?,
        what: optional("what"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_listed_exists_and_is_recorded_and_nothing_else_is() {
        let list = fs::read_to_string(root().join(LIST)).unwrap();
        let works = parse(&list).unwrap();
        for Work { package, example, .. } in &works {
            assert!(root().join(format!("crates/{package}/examples/{example}.rs")).is_file(), "{package} {example}");
        }
        let listed: BTreeSet<_> = works.into_iter().map(|work| work.name).collect();
        assert_eq!(listed, record::read().unwrap().into_keys().collect());
    }

    #[test]
    fn three_per_cent_more_fails_and_names_what_grew_and_so_do_allocations() {
        let cost = |a: u64, b: u64, allocations| Cost {
            instructions: a + b,
            allocations,
            functions: [("a".to_owned(), a), ("b".to_owned(), b)].into(),
        };
        let old = cost(500, 500, 1000);
        assert_eq!(complaints("x", &old, &cost(500, 529, 1000)), [""; 0]);
        assert_eq!(complaints("x", &old, &cost(100, 500, 0)), [""; 0]);
        let grown = complaints("x", &old, &cost(490, 541, 1000)).concat();
        assert!(grown.contains("500 →     541  b") && !grown.contains("490"), "{grown}");
        assert_eq!(complaints("x", &old, &cost(500, 500, 1050)), [""; 0]);
        assert_eq!(complaints("x", &old, &cost(500, 500, 1051)), ["x: 1051 allocations in a thousand, not 1000"]);
        assert_eq!(complaints("x", &Cost::default(), &old), ["x is not recorded"]);
    }
}
