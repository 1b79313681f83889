//! Reads events and sends them, one delivery after the other.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::watch;
use tokio::time::timeout;

use super::client::{Client, Failure};
use super::delivery::Delivery;
use super::pace::Pace;
use super::{Tally, Webhook};
use crate::events::Reader;

/// How many events are sent at once.
const AT_ONCE: usize = 100;

/// A webhook with its place among the events.
pub(crate) struct Sender {
    hook: Webhook,
    reader: Reader,
    tally: Tally,
}

impl Sender {
    /// It is told what happens from now on.
    pub(crate) fn new(hook: Webhook, reader: Reader) -> Self {
        let tally = Tally::new(hook.place(), reader.at());
        Self { hook, reader, tally }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Sends until it stops. What has happened by then is sent, if it is taken at once.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let place = self.hook.place();
        let client = match Client::new() {
            Ok(client) => client,
            Err(error) => {
                self.tally.attempt(Some(&error.to_string()));
                tracing::error!(url = place, %error, "the webhook is told nothing: there is no TLS for it");
                return;
            }
        };
        loop {
            let batch = match self.reader.take(AT_ONCE) {
                Some(batch) => batch,
                None if *stopping.borrow() => return,
                None => tokio::select! {
                    batch = self.reader.next(AT_ONCE) => batch,
                    _ = stopping.wait_for(|stopping| *stopping) => continue,
                },
            };
            if let Some(missed) = batch.missed.and_then(|missed| missed.missed) {
                self.tally.missed(missed);
                tracing::warn!(url = place, missed, "events are lost for the webhook: it did not take them in time");
            }
            let next = self.reader.at();
            if let Some(delivery) = Delivery::of(&batch, next.saturating_sub(1), |event| self.hook.wants(event)) {
                drop(batch);
                if !self.deliver(&client, &delivery, &mut stopping).await {
                    return;
                }
                self.tally.delivered(delivery.events);
            }
            self.tally.done(next);
        }
    }

    /// Sends it until it is taken; `false` if that is not to be.
    async fn deliver(&self, client: &Client, delivery: &Delivery, stopping: &mut watch::Receiver<bool>) -> bool {
        let (mut pace, random) = (Pace::default(), RandomState::new());
        let url = self.hook.place();
        for attempt in 0_u64.. {
            let Err(Failure { says, retry_after }) = client.post(&self.hook, delivery).await else {
                if self.tally.attempt(None) {
                    tracing::info!(url, "the webhook takes events again");
                }
                return true;
            };
            if self.tally.attempt(Some(&says)) {
                tracing::warn!(url, error = says, "the webhook does not take events: they are kept and sent again");
            }
            let pause = pace.failed(retry_after, random.hash_one(attempt));
            if timeout(pause, stopping.wait_for(|stopping| *stopping)).await.is_ok() {
                return false;
            }
        }
        false
    }
}
