//! `registrar location export`.

use std::io::{self, Write};

use sip_registrar::LocationService;
use sip_transport::Clock;
use tokio::runtime::Runtime;

use super::output::Output;
use super::target::{OpenTable, Target};
use super::{runtime, wait};
use crate::Failure;
use crate::cli::ExportArgs;
use crate::location::lines;
use crate::location::progress::Bar;
use crate::say::{count, say};

/// How many records are looked at in one go.
const PAGE: usize = 1024;

pub(super) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let target = Target::of(&args.table)?;
    target.must_exist()?;
    let runtime = runtime()?;
    let name = args.output.as_ref().map_or("standard output".to_owned(), |path| path.display().to_string());
    let failed = |error: io::Error| Failure::Machine(format!("error: cannot write {name}: {error}"));
    let mut output = Output::open(args.output.as_deref()).map_err(failed)?;
    let table = target.open(Clock::start())?;
    let written = write_all(&table, &mut output, &runtime).and_then(|written| output.finish().map(|()| written));
    table.close()?;
    match written {
        Ok((addresses, bindings)) => {
            let (addresses, bindings) =
                (count(addresses, "address", "addresses"), count(bindings, "binding", "bindings"));
            say(&format!("exported {addresses} with {bindings} from {}", target.directory().display()));
            Ok(())
        }
        // Whoever reads has seen enough.
        Err(error) if args.output.is_none() && error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Gives how many addresses and bindings there were.
fn write_all(table: &OpenTable, output: &mut Output, runtime: &Runtime) -> io::Result<(usize, usize)> {
    let bar = Bar::things("exporting bindings", table.location.bindings());
    let (mut addresses, mut bindings) = (0, 0);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = wait(table.location.scan(after.as_deref(), PAGE), runtime).map_err(io::Error::other)?;
        let now = table.clock.now();
        for record in &page.records {
            if let Some(line) = lines::write(record, now)? {
                output.write_all(line.as_bytes())?;
                addresses += 1;
                bindings += record.live(now.at).count();
            }
            bar.add(record.len());
        }
        after = page.next;
        if after.is_none() {
            return Ok((addresses, bindings));
        }
    }
}
