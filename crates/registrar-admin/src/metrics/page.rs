//! Everything together.

use registrar_api as api;

use super::text::{Kind, Text};
use super::{Measured, Meters, process};

/// Of the counters of the log, those that go up and down.
const GAUGES: [&str; 5] =
    ["location_longest_write_us", "location_file_bytes", "users_known", "users_unknown", "users_waiting"];

/// What Prometheus is given.
pub(crate) fn page(meters: &Meters, status: &api::Status, measured: &Measured) -> String {
    let mut text = Text::default();
    meters.write(&mut text);
    of_status(status, &mut text);
    of_program(measured, &mut text);
    process::write(&mut text);
    text.done()
}

fn of_status(status: &api::Status, text: &mut Text) {
    text.family("registrar_build_info", Kind::Gauge, "The version.");
    text.line("registrar_build_info", &[("version", &status.version)], 1);
    let table = &status.location;
    let writable = table.failure.is_none();
    let ready = status.state == api::State::Serving && writable;
    text.single("registrar_ready", Kind::Gauge, "1 if phones may come, as /readyz says.", u8::from(ready));
    text.single("registrar_uptime_seconds", Kind::Gauge, "For how long it has served.", status.uptime);
    text.single("registrar_location_bindings", Kind::Gauge, "Bindings in the location table.", table.bindings);
    let help = "Bindings that the location table may hold.";
    text.single("registrar_location_bindings_limit", Kind::Gauge, help, table.max_bindings);
    let help = "Memory that the location table takes, without what the allocator adds.";
    text.single("registrar_location_memory_bytes", Kind::Gauge, help, table.memory);
    let help = "1 if what changes can be kept.";
    text.single("registrar_location_writable", Kind::Gauge, help, u8::from(writable));
    text.family("registrar_backend_up", Kind::Gauge, "1 if what others keep for us answers.");
    for backend in &status.backends {
        let labels = [("backend", backend.name.as_str()), ("kind", backend.kind.as_str())];
        text.line("registrar_backend_up", &labels, u8::from(backend.up));
    }
    of_webhooks(&status.webhooks, text);
}

/// Each has its number in the configuration: two may be at one place.
fn of_webhooks(hooks: &[api::WebhookStatus], text: &mut Text) {
    type Value = fn(&api::WebhookStatus) -> u64;
    let families: [(&str, Kind, &str, Value); 5] = [
        ("registrar_webhook_up", Kind::Gauge, "1 if a webhook took what it was sent last.", |hook| hook.up.into()),
        ("registrar_webhook_delivered_total", Kind::Counter, "Events that a webhook has taken.", |hook| hook.delivered),
        ("registrar_webhook_failed_total", Kind::Counter, "Attempts that have failed.", |hook| hook.failed),
        ("registrar_webhook_missed_total", Kind::Counter, "Events that it did not take in time.", |hook| hook.missed),
        ("registrar_webhook_queued", Kind::Gauge, "Events that were not looked at for it yet.", |hook| hook.queued),
    ];
    for (name, kind, help, value) in families {
        text.family(name, kind, help);
        for (number, hook) in hooks.iter().enumerate() {
            text.line(name, &[("webhook", &number.to_string()), ("url", &hook.url)], value(hook));
        }
    }
}

fn of_program(measured: &Measured, text: &mut Text) {
    let help = "Times that each worker has looked after its timers: ten in a second.";
    text.family("registrar_worker_ticks_total", Kind::Counter, help);
    for (worker, ticks) in measured.ticks.iter().enumerate() {
        text.line("registrar_worker_ticks_total", &[("worker", &worker.to_string())], ticks);
    }
    let help = "When a certificate ends, in seconds since 1970.";
    text.family("registrar_certificate_not_after_timestamp_seconds", Kind::Gauge, help);
    for (file, end) in &measured.certificates {
        text.line("registrar_certificate_not_after_timestamp_seconds", &[("file", file)], end.as_secs());
    }
    text.family("registrar_connections_closed_total", Kind::Counter, "Connections that ended, by cause.");
    for (cause, n) in &measured.closed {
        text.line("registrar_connections_closed_total", &[("cause", cause)], n);
    }
    let accepted = measured.counters.iter().find(|(name, _)| *name == "connections_accepted").map_or(0, |(_, n)| *n);
    let closed: u64 = measured.closed.iter().map(|(_, n)| n).sum();
    let open = accepted.saturating_sub(closed);
    text.single("registrar_connections", Kind::Gauge, "Connections that are open.", open);
    for (name, n) in &measured.counters {
        counter(name, *n, text);
    }
}

/// A counter of the log, in Prometheus' units.
fn counter(name: &str, n: u64, text: &mut Text) {
    let (base, value) = match (name.strip_suffix("_us"), name.strip_suffix("_ms")) {
        (Some(base), _) => (format!("registrar_{base}_seconds"), n as f64 / 1e6),
        (_, Some(base)) => (format!("registrar_{base}_seconds"), n as f64 / 1e3),
        _ => (format!("registrar_{name}"), n as f64),
    };
    let help = format!("{name}, as the manual explains it.");
    if GAUGES.contains(&name) {
        text.single(&base, Kind::Gauge, &help, value);
    } else {
        text.single(&format!("{base}_total"), Kind::Counter, &help, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_prometheus_names_and_units() {
        let mut text = Text::default();
        counter("absorbed", 3, &mut text);
        counter("location_longest_write_us", 1500, &mut text);
        counter("tick_lateness_ms", 20, &mut text);
        let lines = text.done();
        let values: Vec<_> = lines.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "registrar_absorbed_total 3",
            "registrar_location_longest_write_seconds 0.0015",
            "registrar_tick_lateness_seconds_total 0.02",
        ];
        assert_eq!(values, expected);
        assert!(lines.contains("# TYPE registrar_location_longest_write_seconds gauge\n"), "{lines}");
    }
}
