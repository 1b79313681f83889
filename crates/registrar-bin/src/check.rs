//! `registrar check`.

use std::io::Write;
use std::sync::Arc;

use sip_registrar::MemoryLocation;

use crate::certificates::Certificates;
use crate::cli::CheckArgs;
use crate::guards::Guards;
use crate::users::Users;
use crate::{Failure, assemble, banner, config, location};

/// Reads the file, and those that it names, as `serve` would, and says what it means; everything that is wrong with it,
/// if something is.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let settings = config::from_file(&args.config)?;
    // Of the table itself nothing is wrong that can be written in a file.
    assemble::registrar(&settings, Arc::new(MemoryLocation::default()), []).map_err(Failure::Settings)?;
    let location = location::says(&settings.location)?;
    let certificates = Certificates::open(&settings)?;
    let legs = assemble::server_config(&settings, &certificates).legs;
    let users = assemble::users(&settings)?;
    for warning in users.iter().flat_map(Users::warnings).chain(&certificates.warnings()) {
        drop(writeln!(std::io::stderr(), "warning: {warning}"));
    }
    if let Some(users) = &users {
        Guards::new(&settings, users.credentials(), None)?;
    }
    let meaning = banner::meaning(&settings, users.as_ref(), &certificates, &location, &legs);
    let text = format!("{}: good\n{meaning}", args.config.display());
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::Machine(format!("error: {error}")))
}
