//! What was counted last: `xtask/recorded.toml`, which `cargo xtask instructions --record` writes.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::workspace::root;

pub(super) const FILE: &str = "xtask/recorded.toml";

/// How many functions are kept of each, those that take most first.
const KEPT: usize = 25;

const HEAD: &str = "# Counted instructions and allocations, and the functions that take most of them, each without what it calls.\n\
                    # Written by `cargo xtask instructions --record`, in a commit of its own that says why a figure rose.\n";

/// What one piece of work costs, once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) instructions: u64,
    /// How often memory is taken in a thousand times.
    pub(super) allocations: u64,
    /// Instructions of each function itself.
    pub(super) functions: BTreeMap<String, u64>,
}

/// By the name of the work.
pub(super) type Record = BTreeMap<String, Cost>;

pub(super) fn read() -> Result<Record> {
    let text = fs::read_to_string(root().join(FILE)).unwrap_or_default();
    parse(&text).with_context(|| FILE.to_owned())
}

pub(super) fn write(record: &Record) -> Result<()> {
    fs::write(root().join(FILE), print(record)?).with_context(|| format!("cannot write {FILE}"))
}

fn parse(text: &str) -> Result<Record> {
    let table: Table = text.parse().context("no TOML")?;
    let cost = |value: &Value| {
        let number = |key: &str| unsigned(value.get(key)?);
        let functions = value.get("functions")?.as_table()?;
        let functions = functions.iter().filter_map(|(name, count)| Some((name.clone(), unsigned(count)?))).collect();
        Some(Cost { instructions: number("instructions")?, allocations: number("allocations")?, functions })
    };
    let costs = table.iter().map(|(name, value)| {
        Ok((name.clone(), cost(value).with_context(|| format!("{name}: not instructions, allocations and functions"))?))
    });
    costs.collect()
}

fn unsigned(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|number| u64::try_from(number).ok())
}

fn print(record: &Record) -> Result<String> {
    let mut table = Table::new();
    for (name, cost) in record {
        let mut most: Vec<_> = cost.functions.iter().filter(|(_, count)| **count > 0).collect();
        most.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        most.truncate(KEPT);
        let mut functions = Table::new();
        for (function, count) in most {
            functions.insert(function.clone(), i64::try_from(*count)?.into());
        }
        let mut entry = Table::new();
        entry.insert("instructions".to_owned(), i64::try_from(cost.instructions)?.into());
        entry.insert("allocations".to_owned(), i64::try_from(cost.allocations)?.into());
        entry.insert("functions".to_owned(), functions.into());
        table.insert(name.clone(), entry.into());
    }
    Ok(format!("{HEAD}\n{}", toml::to_string(&table)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_with_its_largest_functions() {
        let functions = (1..=30).map(|count| (format!("<a::B<C> as d::E>::f{count}"), count)).collect();
        let cost = Cost { instructions: 465, allocations: 1001, functions };
        let again = parse(&print(&Record::from([("refresh".to_owned(), cost.clone())])).unwrap()).unwrap();
        let again = again.get("refresh").unwrap();
        assert_eq!((again.instructions, again.allocations), (465, 1001));
        assert_eq!(again.functions.len(), KEPT);
        assert!(again.functions.iter().all(|(name, count)| *count > 5 && cost.functions.get(name) == Some(count)));
    }
}
