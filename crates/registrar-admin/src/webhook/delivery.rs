//! What is sent, and how it is signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use registrar_api::Event;
use serde::Serialize;
use sha2::Sha256;

use crate::events::Batch;

/// What is sent at once. It stays the same, with its id, until it has been taken.
pub(super) struct Delivery {
    /// The number of its last event, by which a receiver knows one that it was sent before.
    pub(super) id: String,
    /// JSON, as [`registrar_api::Delivery`] describes it.
    pub(super) body: Vec<u8>,
    /// How many events are in it.
    pub(super) events: u64,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    events: Vec<&'a Event>,
}

impl Delivery {
    /// The events of a batch that are wanted; `last`: the number of the last event that was read. `None`: there is
    /// nothing to say.
    pub(super) fn of(batch: &Batch, last: u64, wants: impl Fn(&Event) -> bool) -> Option<Self> {
        let missed = batch.missed.and_then(|missed| missed.missed);
        let events: Vec<_> = batch.events.iter().map(|event| &**event).filter(|event| wants(event)).collect();
        if missed.is_none() && events.is_empty() {
            return None;
        }
        let count = u64::try_from(events.len()).unwrap_or_default();
        // What is made of numbers and texts can always be written.
        let body = serde_json::to_vec(&Body { missed, events }).ok()?;
        Some(Self { id: format!("events-{last}"), body, events: count })
    }

    /// `webhook-signature`: over the id, the time in seconds since 1970, and the body.
    pub(super) fn signature(&self, key: &[u8], timestamp: u64) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
        mac.update(format!("{}.{timestamp}.", self.id).as_bytes());
        mac.update(&self.body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_signed_as_the_specification_does() {
        // The example of the specification's own libraries.
        let delivery = Delivery {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            body: br#"{"test": 2432232314}"#.to_vec(),
            events: 1,
        };
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(delivery.signature(&key, 1_614_265_330), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
