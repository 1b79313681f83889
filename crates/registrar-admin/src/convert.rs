//! From records to the API's words.

use std::cmp::Reverse;

use registrar_api as api;
use sip_registrar::{Binding, Record, Registrar, Tie};
use sip_transport::{Flow, Now};

use crate::time::rfc3339;

/// The bindings that have not expired, the most preferred first.
pub(crate) fn aor(registrar: &Registrar, record: &Record, now: Now) -> api::Aor {
    let mut bindings: Vec<_> = record.live(now.at).collect();
    bindings.sort_by_key(|binding| Reverse(binding.q.thousandths()));
    let bindings = bindings.into_iter().map(|binding| self::binding(registrar, &binding, now)).collect();
    api::Aor { aor: record.aor().to_string(), bindings }
}

fn binding(registrar: &Registrar, binding: &Binding<'_>, now: Now) -> api::Binding {
    let some = |text: &[u8]| (!text.is_empty()).then(|| lossy(text));
    let round_trip = registrar.round_trip(binding);
    let left = binding.expires_at.millis_since(now.at);
    let passed = now.at.millis_since(binding.registered_at());
    api::Binding {
        contact: lossy(binding.contact),
        uri: lossy(binding.uri),
        state: if binding.is_suspect() { api::BindingState::Suspect } else { api::BindingState::Reachable },
        expires_in: binding.seconds_left(now.at),
        expires_at: rfc3339(now.wall.saturating_add(left)),
        granted: binding.granted,
        registered_at: rfc3339(now.wall.saturating_sub(passed)),
        q: binding.q.thousandths(),
        source: binding.source.to_string(),
        transport: binding.transport.scheme().to_owned(),
        leg: binding.leg.0,
        flow: binding.flow.map(flow),
        follows_flow: binding.tie == Tie::Follows,
        nat: binding.nat().hides(),
        instance: some(binding.instance),
        reg_id: binding.reg_id,
        path: some(binding.path),
        call_id: lossy(binding.call_id),
        cseq: binding.cseq,
        user_agent: some(binding.user_agent),
        round_trip_ms: round_trip.map(|took| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
    }
}

fn flow(flow: Flow) -> String {
    format!("{}-{}-{}", flow.worker, flow.slot, flow.generation)
}

/// What [`flow`] wrote.
pub(crate) fn read_flow(text: &str) -> Option<Flow> {
    let mut numbers = text.split('-');
    let flow = Flow {
        worker: numbers.next()?.parse().ok()?,
        slot: numbers.next()?.parse().ok()?,
        generation: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(flow)
}

/// Text that may be no UTF-8.
pub(crate) fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The same, cut to so many bytes.
pub(crate) fn cut(text: &[u8], most: usize) -> String {
    lossy(text.get(..most).unwrap_or(text))
}
