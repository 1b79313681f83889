//! What Prometheus is given: by its own tools, and by a Prometheus of the test.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::http::Api;
use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Room};

const ALERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/alerts.yml");
const DASHBOARD: &str = include_str!("../../../../../contrib/grafana.json");
const PAGE: &str = include_str!("../../../../../docs/metrics.md");

/// A registrar with everything that has metrics but a store of users, and phones.
fn served() -> (Registrar, SocketAddr, Room) {
    let room = Room::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    room.file("own.pem", &made.cert.pem());
    room.file("own.key", &made.signing_key.serialize_pem());
    let text = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0']\n\
                tls.certificates = { chain = 'own.pem', key = 'own.key' }\n\
                location = { mode = 'synced', directory = 'table' }\n[admin]\nlisten = '127.0.0.1:0'\n\
                [[admin.webhook]]\nurl = 'http://127.0.0.1:9/'\nsecret = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwa2V5IG9mIHRlc3Q='\n";
    let file = room.file("registrar.toml", text);
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    let line = registrar.wait_for("  api ");
    let (_, api) = line.rsplit_once("http://").unwrap();
    let api = api.parse().unwrap();
    (registrar, api, room)
}

fn register(phone: &mut Phone, user: &str) {
    let here = phone.local();
    let request = Request::register(&format!("sip:{user}@example.com")).contact(&format!("<sip:{user}@{here}>"));
    assert_eq!(phone.ask(&request).status(), 200);
}

/// The value of a line.
fn value(page: &str, line: &str) -> f64 {
    let found = page.lines().find_map(|has| has.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line} is not in {page}")).parse().unwrap()
}

#[test]
fn what_happens_is_counted_by_reason_transport_class_and_domain() {
    let (registrar, api, _room) = served();
    let api = Api::Tcp(api);
    let (mut udp, mut tcp) = (Phone::udp(registrar.udp()), Phone::tcp(registrar.tcp()));
    register(&mut udp, "alice");
    register(&mut tcp, "bob");
    register(&mut tcp, "bob");
    assert_eq!(udp.ask(&Request::register("sip:carol@example.com")).status(), 200);
    let page = api.ask("GET", "/metrics", &[]).body;
    for (line, expected) in [
        ("registrar_outcomes_total{reason=\"registered\",transport=\"udp\"}", 1.0),
        ("registrar_outcomes_total{reason=\"registered\",transport=\"tcp\"}", 1.0),
        ("registrar_outcomes_total{reason=\"refreshed\",transport=\"tcp\"}", 1.0),
        ("registrar_outcome_duration_seconds_count{class=\"success\"}", 4.0),
        ("registrar_outcome_duration_seconds_count{class=\"refused\"}", 0.0),
        ("registrar_bindings{domain=\"example.com\",transport=\"udp\"}", 1.0),
        ("registrar_bindings{domain=\"example.com\",transport=\"tcp\"}", 1.0),
        ("registrar_aors{domain=\"example.com\"}", 2.0),
        ("registrar_connections", 1.0),
        ("registrar_location_changes_total", 3.0),
        ("registrar_requests_total", 4.0),
        ("registrar_ready", 1.0),
        ("registrar_webhook_delivered_total{webhook=\"0\",url=\"http://127.0.0.1:9\"}", 0.0),
    ] {
        assert!((value(&page, line) - expected).abs() < 0.1, "{line}: {} and not {expected}", value(&page, line));
    }
    // Two records, each as long as what phones send, and the parts of the table.
    assert!(value(&page, "registrar_location_memory_bytes") > 1000.0, "{page}");
    registrar.stop();
}

#[test]
fn every_metric_is_explained_and_every_explained_one_is_there() {
    let (registrar, api, _room) = served();
    let page = Api::Tcp(api).ask("GET", "/metrics", &[]).body;
    let there: BTreeSet<_> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).map(|(name, _)| name).collect();
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let explained: BTreeSet<_> = cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
    let missing: Vec<_> = there.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/metrics.md does not explain {missing:?}");
    // These need a store of users.
    let gone: Vec<_> = explained.difference(&there).filter(|name| !name.starts_with("registrar_users_")).collect();
    assert!(gone.is_empty(), "docs/metrics.md explains {gone:?}, which are not there");
    registrar.stop();
}

/// Runs promtool, of the Debian package prometheus; whatever it says is wrong.
fn promtool(args: &[&str], input: &str) {
    let room = Room::new();
    let input = std::fs::File::open(room.file("input", input)).unwrap();
    let output =
        Command::new("promtool").args(args).stdin(input).output().expect("promtool, of the package prometheus");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success() && said[1].is_empty(), "promtool {}: {said:?}", args.join(" "));
}

/// Every query of the dashboard and of the rules.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let of_dashboard = targets.map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "1m"));
    let rules = std::fs::read_to_string(ALERTS).unwrap();
    let of_rules = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned);
    of_dashboard.chain(of_rules).collect()
}

#[test]
fn the_reasons_that_queries_name_exist() {
    let known: BTreeSet<_> =
        sip_dispatch::reason::ALL.iter().chain(sip_registrar::reason::ALL).map(|reason| reason.code()).collect();
    let queries = queries();
    let selectors = queries.iter().flat_map(|query| query.split("reason").skip(1));
    let lists = selectors.filter_map(|rest| rest.trim_start_matches(['=', '!', '~']).strip_prefix('"'));
    let named: Vec<_> = lists.flat_map(|rest| rest.split('"').next().unwrap_or_default().split('|')).collect();
    assert!(named.len() > 10, "{named:?}");
    let strange: Vec<_> = named.iter().filter(|name| !known.contains(*name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// Whether there is something to show whatever has happened: an alert that is silent, a store that is not there and
/// causes that have not occurred show nothing.
fn shows_always(query: &str) -> bool {
    let compares = [" == ", " < ", " > "].iter().any(|sign| query.contains(sign));
    !compares && !query.contains("registrar_backend_up") && !query.contains("registrar_users_")
}

/// Asks a Prometheus.
fn ask(prometheus: SocketAddr, query: &str) -> Value {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answered = Api::Tcp(prometheus).ask("GET", &format!("/api/v1/query?query={encoded}"), &[]);
    assert_eq!(answered.status, 200, "{query}: {}", answered.body);
    let json = answered.json();
    assert_eq!(json["status"], "success", "{query}: {json}");
    json["data"]["result"].clone()
}

#[test]
fn prometheus_takes_the_page_the_rules_and_the_queries_of_the_dashboard() {
    let (registrar, api, room) = served();
    let (mut udp, mut tcp) = (Phone::udp(registrar.udp()), Phone::tcp(registrar.tcp()));
    register(&mut udp, "alice");
    register(&mut tcp, "bob");
    promtool(&["check", "metrics"], &Api::Tcp(api).ask("GET", "/metrics", &[]).body);
    promtool(&["check", "rules", ALERTS], "");

    let here = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = room.file(
        "prometheus.yml",
        &format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{ALERTS}']\n\
             scrape_configs:\n  - job_name: registrar\n    static_configs: [{{ targets: ['{api}'] }}]\n"
        ),
    );
    let process = Process::start(Command::new("prometheus").args([
        &format!("--config.file={config}"),
        &format!("--storage.tsdb.path={}", room.path("prometheus")),
        &format!("--web.listen-address={here}"),
        "--log.level=warn",
    ]));
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(here).is_err() || Api::Tcp(here).ask("GET", "/-/ready", &[]).status != 200 {
        assert!(Instant::now() < deadline, "prometheus is not ready");
        std::thread::yield_now();
    }
    // A rate needs two scrapes, a second apart; a rule has been looked at when there is nothing wrong with it.
    let deadline = Instant::now() + 4 * PATIENCE.max(Duration::from_secs(5));
    let mut waits: Vec<_> = queries().into_iter().filter(|query| shows_always(query)).collect();
    assert!(waits.len() > 15, "{waits:?}");
    while !waits.is_empty() {
        register(&mut udp, "alice");
        waits.retain(|query| ask(here, query).as_array().unwrap().is_empty());
        assert!(Instant::now() < deadline, "these show nothing: {waits:#?}");
    }
    for query in queries() {
        ask(here, &query);
    }
    let rules = Api::Tcp(here).get("/api/v1/rules");
    for rule in rules["data"]["groups"][0]["rules"].as_array().unwrap() {
        assert!(rule["health"] != "err", "{rule}");
        let (name, state) = (rule["name"].as_str().unwrap(), rule["state"].as_str().unwrap());
        // The certificate of a test is good for long, and nothing is wrong but that nobody takes events.
        assert!(state == "inactive" || name == "RegistrarWebhookDown", "{name} is {state}");
    }
    process.signal(Signal::SIGTERM);
    process.finish();
    registrar.stop();
}
