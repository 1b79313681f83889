//! `registrar location verify` and `compact`.

use std::path::Path;

use location_durable::Verified;

use super::target::Target;
use crate::Failure;
use crate::cli::TableArgs;
use crate::location::progress::Bar;
use crate::location::store;
use crate::say::print;

pub(super) fn verify(args: &TableArgs) -> Result<(), Failure> {
    let target = Target::of(args)?;
    let bar = Bar::bytes("reading", Some(0));
    let found =
        location_durable::verify(target.directory(), &mut |progress| bar.set(progress)).map_err(store::failed)?;
    drop(bar);
    print(&describe(target.directory(), &found))
}

fn describe(directory: &Path, found: &Verified) -> String {
    let Verified { addresses, bindings, expired, blobs, snapshot_bytes, journal_bytes, file_bytes, was_cut, .. } =
        found;
    let closed = if *was_cut {
        "no: its registrar was killed, or the power was lost; what was being written then is not in it"
    } else {
        "yes"
    };
    format!(
        "{}: nothing in it is damaged\n  addresses  {addresses}\n  bindings   {bindings}, and {expired} that have expired\n  \
         file       {file_bytes} bytes: a snapshot of {snapshot_bytes} and changes of {journal_bytes}, in {blobs} pieces\n  \
         closed     {closed}\n",
        directory.display()
    )
}

pub(super) fn compact(args: &TableArgs) -> Result<(), Failure> {
    let target = Target::of(args)?;
    let bar = Bar::bytes("writing", Some(0));
    let done =
        location_durable::compact(target.directory(), &mut |progress| bar.set(progress)).map_err(store::failed)?;
    drop(bar);
    print(&format!("{}: {} bytes before, {} now\n", target.directory().display(), done.before, done.after))
}
