//! A registrar that is provoked, and what it says of that.

use std::time::{Duration, Instant};

use serde_json::Value;
use sip_dispatch::Reason;

use super::super::Administered;
use crate::harness::{PATIENCE, Phone, Request, Response};

/// Everything that is provoked concerns her.
pub(super) const ALICE: &str = "sip:alice@example.com";

pub(super) struct House {
    pub(super) registrar: Administered,
    pub(super) phone: Phone,
    told: Vec<&'static str>,
}

impl House {
    pub(super) fn start(settings: &str) -> Self {
        Self::of(Administered::start(settings))
    }

    pub(super) fn of(registrar: Administered) -> Self {
        let phone = Phone::udp(registrar.registrar.udp());
        Self { registrar, phone, told: Vec::new() }
    }

    /// Sends a request, and expects that it ends so and that this is told.
    pub(super) fn ends(&mut self, reason: Reason, request: &Request) -> Response {
        let text = self.phone.text(request);
        self.ends_text(reason, &text)
    }

    /// The same with a request as it is sent.
    pub(super) fn ends_text(&mut self, reason: Reason, text: &str) -> Response {
        self.phone.send(text.as_bytes());
        let response = self.phone.receive();
        assert_eq!(Some(response.status()), reason.status(), "{reason}: {}", response.text());
        self.tells(reason);
        response
    }

    /// Waits until this reason is told of alice, or of a refusal, with its status and its sentence.
    pub(super) fn tells(&mut self, reason: Reason) {
        let api = self.registrar.api();
        let deadline = Instant::now() + PATIENCE * 2;
        loop {
            let why = api.get("/api/v1/aors/sip%3Aalice%40example.com/why");
            let refusals = api.get("/api/v1/refusals");
            let all = [&why["outcomes"], &refusals];
            let mut all = all.into_iter().flat_map(|outcomes| outcomes.as_array().unwrap());
            if let Some(outcome) = all.find(|outcome| outcome["reason"] == reason.code()) {
                let status = outcome.get("status").and_then(Value::as_u64);
                assert_eq!(status, reason.status().map(u64::from), "{outcome}");
                assert_eq!(outcome["says"], reason.says(), "{outcome}");
                return self.told.push(reason.code());
            }
            assert!(Instant::now() < deadline, "{reason} is not told in {why} {refusals}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Ends it, and gives what was told.
    pub(super) fn told(self) -> Vec<&'static str> {
        self.registrar.registrar.stop();
        self.told
    }
}

/// Alice's phone registers.
pub(super) fn register() -> Request {
    Request::register(ALICE).contact("<sip:alice@192.0.2.7>")
}
