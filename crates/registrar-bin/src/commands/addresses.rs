//! `registrar list`.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressBar;
use registrar_api::{Aor, Filter};
use registrar_client::{Client, view};

use super::find::{client, failure};
use super::{json, look, print_on};
use crate::Failure;
use crate::cli::{AddressesArgs, FilterArgs};
use crate::say::{print, say};

/// How many addresses a table has if nothing else is said.
const TABLE: u64 = 1000;

/// The longest page that the API gives.
const PAGE: u64 = 1000;

pub(super) async fn list(args: &AddressesArgs) -> Result<(), Failure> {
    let client = client(&args.api)?;
    let filter = filter(&args.filter);
    if args.api.json {
        return lines(&client, &filter, args.limit).await;
    }
    let (aors, is_all) = pages(&client, filter, args.limit.unwrap_or(TABLE)).await?;
    if aors.is_empty() {
        say("nobody is registered who fits");
        return Ok(());
    }
    print(&view::addresses(&aors, look()))?;
    if !is_all {
        say(&format!("there are more than {} addresses: --limit shows more of them, --json all", aors.len()));
    }
    Ok(())
}

/// As many as there are, or as are wanted, each as soon as it comes.
async fn lines(client: &Client, filter: &Filter, limit: Option<u64>) -> Result<(), Failure> {
    let mut stream = client.stream(filter).await.map_err(|error| failure(&error))?;
    // Nobody needs two things that move on one screen.
    let bar = if std::io::stdout().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_message("addresses");
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut left = limit.unwrap_or(u64::MAX);
    let mut text = String::new();
    while left > 0 {
        let Some(aor) = stream.next().await.map_err(|error| failure(&error))? else { break };
        text += &json(&aor)?;
        left -= 1;
        bar.inc(1);
        // Many at a time, since each write costs a call.
        if text.len() > 32_768 {
            if !print_on(&text)? {
                return Ok(());
            }
            text.clear();
        }
    }
    bar.finish_and_clear();
    print(&text)
}

/// So many addresses at most, and whether these are all.
async fn pages(client: &Client, mut filter: Filter, limit: u64) -> Result<(Vec<Aor>, bool), Failure> {
    let mut aors = Vec::new();
    loop {
        let left = limit.saturating_sub(u64::try_from(aors.len()).unwrap_or(u64::MAX));
        if left == 0 {
            return Ok((aors, false));
        }
        filter.limit = u32::try_from(left.min(PAGE)).ok();
        let page = client.aors(&filter).await.map_err(|error| failure(&error))?;
        aors.extend(page.aors);
        filter.after = page.next;
        if filter.after.is_none() {
            return Ok((aors, true));
        }
    }
}

fn filter(args: &FilterArgs) -> Filter {
    let FilterArgs { domain, user, contact, source, transport, user_agent } = args;
    Filter {
        domain: domain.clone(),
        user: user.clone(),
        contact: contact.clone(),
        source: source.clone(),
        transport: transport.clone(),
        user_agent: user_agent.clone(),
        limit: None,
        after: None,
    }
}
