//! `registrar location import`.

mod collected;
mod entry;
mod input;
mod kamailio;
mod net_sip;
mod ul_dump;
mod users;
mod write;

use sip_transport::Clock;

use crate::Failure;
use crate::bad_lines::BadLines;
use crate::cli::{LocationFormat, LocationImportArgs};
use crate::location::lines;
use crate::say::{count, say, wrong};
use crate::time;

use super::target::Target;
use collected::Collected;
use input::Input;

/// Puts in every address of the input, or none if anything is wrong with one of them and `--skip-bad` does not say
/// otherwise.
pub(super) fn import(args: &LocationImportArgs) -> Result<(), Failure> {
    let options = Options::of(args)?;
    let target = Target::of(&args.table)?;
    let mut input = Input::open(args.input.as_deref())?;
    let clock = Clock::start();
    let mut collected = Collected::new(&target.settings, args.permanent, clock.now());
    options.read(args.format, &mut input, &mut collected)?;
    let (name, help) = (std::mem::take(&mut input.name), "\nhelp: --skip-bad puts in all others");
    drop(input);
    if args.skip_bad {
        tell_bad(&collected.bad);
    } else if let Some(refusal) = collected.bad.refusal(&name, help) {
        return Err(Failure::Data(refusal));
    }
    let (expired, older, bad) = (collected.expired, collected.older, collected.bad.count());
    // Not before the input is known to be good: there may be no table yet.
    let table = target.open(clock)?;
    let written = write::write(collected, &table, args.replace)?;
    table.close()?;
    let mut said = format!(
        "imported {} with {} into {}",
        count(written.addresses, "address", "addresses"),
        count(written.bindings, "binding", "bindings"),
        target.directory().display()
    );
    if expired > 0 {
        said += &format!("\nleft out {} that had expired", count(expired, "binding", "bindings"));
    }
    if older > 0 {
        let (bindings, were) = (count(older, "binding", "bindings"), if older == 1 { "was" } else { "were" });
        said += &format!("\nleft out {bindings} that {were} older than another of the same phone");
    }
    if written.left_alone > 0 {
        let addresses = count(written.left_alone, "address", "addresses");
        said += &format!(
            "\nleft {addresses} alone, of which there are bindings already: --replace puts others in their place"
        );
    }
    if bad > 0 {
        said += &format!("\nleft out {}", count(bad, "bad line", "bad lines"));
    }
    say(&said);
    Ok(())
}

fn tell_bad(bad: &BadLines) {
    if bad.count() > 0 {
        say(&bad.told());
    }
}

/// What the command line says of the input.
struct Options<'a> {
    domain: Option<&'a str>,
    utc_offset: Option<i64>,
    taken_at: Option<time::WallMillis>,
}

impl<'a> Options<'a> {
    fn of(args: &'a LocationImportArgs) -> Result<Self, Failure> {
        use LocationFormat::{Kamailio, UlDump};
        let given: [(&str, bool, &[LocationFormat], &str); 4] = [
            ("--domain", args.domain.is_some(), &[Kamailio, UlDump], "kamailio and ul-dump"),
            ("--utc-offset", args.utc_offset.is_some(), &[Kamailio], "kamailio"),
            ("--taken-at", args.taken_at.is_some(), &[UlDump], "ul-dump"),
            ("--permanent", args.permanent.is_some(), &[Kamailio, UlDump], "kamailio and ul-dump"),
        ];
        for (option, is_given, formats, names) in given {
            if is_given && !formats.contains(&args.format) {
                return Err(wrong(&format!("{option} goes with --format {names}")));
            }
        }
        if let Some(domain) = &args.domain {
            users::aor("user", Some(domain)).map_err(|_| wrong(&format!("--domain: {domain:?} is no domain")))?;
        }
        let offset = args.utc_offset.as_deref().map(|text| {
            time::offset(text).ok_or_else(|| wrong(&format!("--utc-offset: {text:?} is none, such as +01:00 or Z")))
        });
        let taken_at = args.taken_at.as_deref().map(|text| {
            let error = || wrong(&format!("--taken-at: {text:?} is no time, such as 2026-11-23T21:00:00Z"));
            time::from_rfc3339(text).ok_or_else(error)
        });
        Ok(Self { domain: args.domain.as_deref(), utc_offset: offset.transpose()?, taken_at: taken_at.transpose()? })
    }

    fn read(&self, format: LocationFormat, input: &mut Input, into: &mut Collected) -> Result<(), Failure> {
        let now = into.now;
        let start = input.peek()?.to_vec();
        let read = match format {
            LocationFormat::Json => {
                return input.for_each_line(|number, line| {
                    if !line.trim_ascii().is_empty() {
                        into.line(format_args!("line {number}"), lines::read(line, now));
                    }
                });
            }
            LocationFormat::Kamailio => {
                let defaults = kamailio::Defaults { domain: self.domain, utc_offset: self.utc_offset };
                let entry = |number, entry| into.entry(format_args!("line {number}"), entry);
                kamailio::read(input.reader(), &start, defaults, entry).map(|unused| {
                    if !unused.is_empty() {
                        say(&format!("columns that are not used: {}", unused.join(", ")));
                    }
                })
            }
            LocationFormat::UlDump => {
                let taken_at = self.taken_at.or(input.written_at).unwrap_or(now.wall);
                let defaults = ul_dump::Defaults { domain: self.domain, taken_at };
                let entry = |number, entry| into.entry(format_args!("contact {number}"), entry);
                ul_dump::read(input.reader(), &start, defaults, entry)
            }
            LocationFormat::NetSip => {
                net_sip::read(input.reader(), |number, entry| into.entry(format_args!("line {number}"), entry))
            }
        };
        // It may have been cut, and so nothing of it is believed, whatever is skipped.
        read.map_err(|what| Failure::Data(format!("error: {}: {what}: nothing was changed", input.name)))
    }
}
