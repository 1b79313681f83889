//! Refreshes one binding N times and tells of each, for counting instructions: what is more than in the example
//! `requests` of `sip-registrar` is what telling costs.
#![expect(clippy::print_stdout, reason = "a command-line example")]

#[path = "../../sip-registrar/examples/counted/mod.rs"]
mod counted;

use std::error::Error;

use counted::{House, REGISTER, Template, arguments, links};
use registrar_admin::{EventLog, History, HistoryConfig, Meters};
use sip_dispatch::Outcome;

fn main() -> Result<(), Box<dyn Error>> {
    let (_, times) = arguments()?;
    let (meters, history, events) = (Meters::new(), History::new(HistoryConfig::default()), EventLog::new());
    let told = move |outcome: &Outcome<'_>| {
        meters.outcome(outcome);
        history.outcome(outcome);
        events.outcome(outcome);
    };
    let mut house = House::of(links()?, Some(Box::new(told)))?;
    let mut template = Template::new(REGISTER);
    for n in 0..times {
        house.ask(n, template.request(n)?);
    }
    println!("{} bytes asked, {times} times; the last answer:\n{}", REGISTER.len(), house.answer());
    Ok(())
}
