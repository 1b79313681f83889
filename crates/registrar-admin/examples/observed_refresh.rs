//! Refreshes one binding N times and tells of each and of what it changes, for counting instructions: what is more than
//! in the example `requests` of `sip-registrar` is what telling costs.
#![expect(clippy::print_stdout, reason = "a command-line example")]

#[path = "../../sip-registrar/examples/counted/mod.rs"]
mod counted;

use std::error::Error;
use std::sync::Arc;

use counted::{House, REGISTER, Template, arguments, links};
use registrar_admin::{EventLog, History, HistoryConfig, Meters};
use sip_dispatch::Outcome;

fn main() -> Result<(), Box<dyn Error>> {
    let (_, times) = arguments()?;
    let (meters, history) = (Meters::new(), Arc::new(History::new(HistoryConfig::default())));
    let events = Arc::new(EventLog::new());
    let links = links([Arc::clone(&events) as _, Arc::clone(&history) as _, meters.observer()])?;
    let told = move |outcome: &Outcome<'_>| {
        meters.outcome(outcome);
        history.outcome(outcome);
        events.outcome(outcome);
    };
    let mut house = House::of(links, Some(Box::new(told)))?;
    let mut template = Template::new(REGISTER);
    for n in 0..times {
        house.ask(n, template.request(n)?);
    }
    println!("{} bytes asked, {times} times; the last answer:\n{}", REGISTER.len(), house.answer());
    Ok(())
}
