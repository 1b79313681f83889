//! The table of budgets: what each kind of work costs one node, beside Kamailio and the bare echo, and whether that is
//! within its budget.

mod budgets;
mod figures;
mod rounds;
mod show;
mod subjects;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

pub(super) use self::budgets::Row;
use super::others::Watch;
use super::{Options, report};

pub(super) fn run(options: &Options, folder: &Path) -> Result<()> {
    let rows = if options.rows.is_empty() { Row::value_variants() } else { options.rows.as_slice() };
    let start = Instant::now();
    let mut watch = Watch::start()?;
    let figures = rounds::measure(rows, options, folder, &mut watch)?;
    show::print(rows, &figures, options, &watch, start.elapsed());
    report::write(folder, &show::raw(rows, &figures, options, &watch, start.elapsed()))
}
