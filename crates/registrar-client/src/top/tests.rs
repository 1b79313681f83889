//! The view drawn from fixed data.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use registrar_api::{BackendStatus, CertificateStatus, LocationStatus, Outcome, State, Status};

use super::{Metrics, Model, Sample, draw};

/// The registrar after so many seconds, with as many requests and refusals as a busy one has.
fn sample(seconds: u64, requests: u64) -> Sample {
    let location = LocationStatus {
        mode: "synced".to_owned(),
        directory: Some("/var/lib/registrar".to_owned()),
        bindings: 48_213,
        max_bindings: 1_000_000,
        memory: 0,
        failure: None,
    };
    let backend = BackendStatus {
        name: "users".to_owned(),
        kind: "postgresql".to_owned(),
        up: true,
        failure: None,
        delay_ms: Some(3),
    };
    let certificate = CertificateStatus {
        file: "/etc/registrar/tls.pem".to_owned(),
        names: vec!["example.com".to_owned()],
        not_after: "2026-12-03T00:00:00Z".to_owned(),
        days_left: 9,
    };
    let status = Status {
        version: "0.1.0".to_owned(),
        pid: 4242,
        started_at: "2026-11-24T01:00:00Z".to_owned(),
        uptime: 9000 + seconds,
        state: State::Serving,
        workers: 4,
        listeners: Vec::new(),
        domains: vec!["example.com".to_owned()],
        location,
        backends: vec![backend],
        webhooks: Vec::new(),
        certificates: vec![certificate],
        counters: BTreeMap::from([("requests".to_owned(), requests)]),
    };
    let share = |percent: u64| requests * percent / 100;
    let outcomes =
        [("registered", 5), ("refreshed", 80), ("removed", 2), ("no-credentials", 10), ("wrong-password", 2)];
    let mut outcomes: BTreeMap<_, _> = outcomes.map(|(reason, percent)| (reason.to_owned(), share(percent))).into();
    outcomes.insert("interval-too-brief".to_owned(), share(1));
    let buckets = |percent: u64, fast: u64| {
        let n = share(percent);
        vec![(0.001, n * fast / 100), (0.005, n * 99 / 100), (0.02, n), (f64::INFINITY, n)]
    };
    let took = [("challenge", buckets(12, 97)), ("success", buckets(87, 40)), ("silent", buckets(0, 0))];
    let took = took.map(|(class, buckets)| (class.to_owned(), buckets)).into();
    let metrics = Metrics { outcomes, took };
    let refusal = |at: &str, reason: &str, status, aor: &str, source: &str, count| Outcome {
        at: format!("2026-11-24T{at}.500Z"),
        since: None,
        count,
        method: Some("REGISTER".to_owned()),
        aor: Some(aor.to_owned()),
        status: Some(status),
        reason: reason.to_owned(),
        says: String::new(),
        source: source.to_owned(),
        transport: "udp".to_owned(),
        call_id: None,
        user_agent: None,
    };
    let refusals = vec![
        refusal("03:30:01", "wrong-password", 401, "sip:bob@example.com", "198.51.100.4:5060", 17),
        refusal("03:29:58", "interval-too-brief", 423, "sip:carol@example.com", "[2001:db8::7]:49152", 1),
        refusal("03:29:51", "wrong-password", 401, "sip:\u{1b}[2Jdave@example.com", "192.0.2.9:5060", 1),
    ];
    Sample { at: Duration::from_secs(seconds), status, metrics: Some(metrics), refusals }
}

/// After a minute, with a storm in its middle.
fn busy() -> Model {
    let mut requests = 0;
    let mut model = Model::new("unix:/var/lib/registrar/admin.sock".to_owned(), sample(0, 0));
    for second in 1..=60_u64 {
        requests += 1000 + 200 * (20_u64.saturating_sub(second.abs_diff(30)));
        model.next(Ok(sample(second, requests)));
    }
    model
}

fn drawn(model: &Model, width: u16, height: u16, colours: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, model, colours)).unwrap();
    terminal
}

fn text(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    let lines = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n");
    lines.collect()
}

#[test]
fn the_picture_in_the_documents_is_what_is_drawn() {
    let documents = include_str!("../../../../docs/commands.md");
    let (_, from) = documents.split_once("<!-- registrar top -->\n```text\n").expect("the picture");
    let (picture, _) = from.split_once("```").expect("its end");
    let drawn = text(&drawn(&busy(), 80, 24, true));
    assert_eq!(drawn, picture, "it is drawn as\n{drawn}");
}

#[test]
fn every_size_can_be_drawn() {
    let mut model = busy();
    for (width, height) in [(1, 1), (10, 3), (79, 12), (80, 24), (250, 60)] {
        drawn(&model, width, height, true);
    }
    let narrow = text(&drawn(&model, 60, 15, true));
    assert!(narrow.contains("│ requests             1000.0│"), "{narrow}");
    model.now.metrics = None;
    let text = text(&drawn(&model, 80, 24, false));
    assert!(text.contains("there is no /metrics to say more"), "{text}");
}

#[test]
fn colours_are_left_out_if_they_are_not_wanted_and_nothing_commands_the_terminal() {
    let has_colours = |terminal: &Terminal<TestBackend>| {
        terminal.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(has_colours(&drawn(&busy(), 80, 24, true)));
    let plain = drawn(&busy(), 80, 24, false);
    assert!(!has_colours(&plain));
    assert!(text(&plain).contains("\\x1b[2Jdave") && !text(&plain).contains('\u{1b}'));
}

#[test]
fn rates_are_what_happened_between_two_samples() {
    let mut model = Model::new("there".to_owned(), sample(0, 1000));
    model.next(Ok(sample(2, 3000)));
    let rates = &model.rates;
    assert_eq!((rates.requests, rates.new, rates.refreshed, rates.challenged), (1000.0, 50.0, 800.0, 100.0));
    assert_eq!(rates.refused, 30.0);
    assert_eq!(rates.refusals, [("wrong-password".to_owned(), 20.0), ("interval-too-brief".to_owned(), 10.0)]);
}

#[test]
fn how_long_answers_took_is_of_the_time_between_two_samples() {
    let mut model = Model::new("there".to_owned(), sample(0, 1000));
    model.next(Ok(sample(2, 3000)));
    let took: Vec<_> = model.rates.took.iter().map(|t| (t.class.as_str(), t.requests, t.median, t.p99)).collect();
    assert_eq!(took, [("success", 1740, 0.005, 0.02), ("challenge", 240, 0.001, 0.005)]);
    let metrics = model.now.metrics.as_mut().unwrap();
    metrics.took.insert("silent".to_owned(), vec![(0.001, 1), (f64::INFINITY, 200)]);
    let slow = model.now.clone();
    model = Model::new("there".to_owned(), sample(0, 1000));
    model.next(Ok(slow));
    let text = text(&drawn(&model, 80, 24, false));
    assert!(text.contains("silent         >20 s, 99 % >20 s"), "{text}");
}

#[test]
fn a_registrar_that_is_gone_or_new_has_no_rates() {
    let mut model = Model::new("there".to_owned(), sample(0, 1000));
    model.next(Err("nobody answers\nhelp".to_owned()));
    let gone = text(&drawn(&model, 80, 24, true));
    assert!(gone.contains("no answer") && gone.contains("nobody answers") && !gone.contains("help"), "{gone}");
    let mut anew = sample(2, 10);
    anew.status.pid = 4243;
    model.next(Ok(anew));
    assert_eq!(model.rates.requests, 0.0);
    assert!(model.failure.is_none());
    assert_eq!(Vec::from(model.curve), [0, 0]);
}
