//! `registrar watch`.

use registrar_client::api::{EventFilter, Told, full_address};
use registrar_client::view;
use tokio::signal::unix::{SignalKind, signal};

use super::find::{client, failure};
use super::{json, look, print_on};
use crate::Failure;
use crate::cli::WatchArgs;
use crate::say::say;

/// Prints events until it is interrupted, or there have been as many as are wanted.
pub(super) async fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let client = client(&args.api)?;
    let filter = EventFilter {
        kinds: args.kind.clone(),
        domain: args.domain.clone(),
        aor: args.address.as_deref().map(full_address),
    };
    let mut events = client.events(&filter).await.map_err(|error| failure(&error))?;
    let interrupted = signal(SignalKind::interrupt());
    let mut interrupted = interrupted.map_err(|error| Failure::Machine(format!("error: signals: {error}")))?;
    say(&format!("watching {}; Ctrl-C ends it", client.target()));
    let look = look();
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let told = tokio::select! {
            told = events.next() => told.map_err(|error| failure(&error))?,
            _ = interrupted.recv() => return Ok(()),
        };
        let (text, is_event) = match told {
            None => return Err(Failure::Machine("error: the registrar has ended".to_owned())),
            Some(Told::Event(event)) if args.api.json => (json(&event)?, true),
            Some(Told::Event(event)) => (view::event(&event, look), true),
            Some(Told::Missed(missed)) if args.api.json => (json(&missed)?, false),
            Some(Told::Missed(missed)) => (view::missed(missed, look), false),
        };
        left -= u64::from(is_event);
        if !print_on(&text)? {
            return Ok(());
        }
    }
    Ok(())
}
