//! What is promised for the time when a database is down, whichever the engine.

use std::time::{Duration, Instant};

use credentials_remote::{RemoteConfig, SqlConfig, SqlSource};
use sip_dispatch::Answer;
use sip_registrar::auth::Found;

use crate::harness::{PATIENCE, Worker, pause};

/// A database that can be taken away and given back.
pub(crate) trait Engine {
    fn url(&self) -> String;
    fn down(&mut self, how: Outage);
    fn up(&mut self, how: Outage);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// It ends as an operator ends it.
    Stopped,
    /// Its processes are gone at once.
    Killed,
    /// It takes connections and says nothing.
    Hanging,
}

const DEADLINE: Duration = Duration::from_secs(1);

/// Everything counts as old, so that the store is asked each time as long as it answers.
fn config() -> RemoteConfig {
    RemoteConfig {
        deadline: DEADLINE,
        fresh: Duration::ZERO,
        negative: Duration::ZERO,
        failures: 3,
        open: Duration::from_millis(300),
        ..RemoteConfig::default()
    }
}

/// Asks, and sees that neither the question nor the answer takes longer than they may.
fn in_time(worker: &Worker, name: &str) -> Found {
    let start = Instant::now();
    let found = worker.find(name);
    let asked = start.elapsed();
    let found = match found {
        Answer::Now(found) => found,
        waits => worker.finish(waits.told().into()),
    };
    // Twice the deadline is the promise; the rest is for a machine that has other things to do.
    assert!(asked < DEADLINE && start.elapsed() < 2 * DEADLINE + Duration::from_secs(2), "{asked:?}");
    found
}

fn is_there(found: &Found) -> bool {
    matches!(found, Ok(Some(_)))
}

/// Down and up again in each way, with users known before and users never seen.
pub(crate) fn known_users_go_on_and_others_are_told_to_come_again(engine: &mut impl Engine) {
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(engine.url())).unwrap(), config());
    for (n, how) in [Outage::Stopped, Outage::Killed, Outage::Hanging].into_iter().enumerate() {
        assert!(is_there(&in_time(&worker, "user0")), "{how:?}");
        engine.down(how);

        let mut questions = 0;
        let deadline = Instant::now() + PATIENCE;
        while worker.stats().down_for.is_none() {
            assert!(is_there(&in_time(&worker, "user0")), "{how:?}");
            let stranger = in_time(&worker, &format!("user{}", 10 + n));
            assert!(stranger.is_err_and(|unavailable| unavailable.retry_after >= 1), "{how:?}");
            questions += 1;
            assert!(Instant::now() < deadline, "{how:?}: {:?}", worker.stats());
        }
        assert!(questions <= 3, "{how:?}: {questions}");
        assert!(worker.event().starts_with("Failed("), "{how:?}");
        assert!(worker.event().starts_with("Down("), "{how:?}");

        // Some trials of whether it is back, too, which fail.
        let failures = worker.stats().failures;
        while worker.stats().failures < failures + 2 {
            assert!(is_there(&in_time(&worker, "user0")), "{how:?}");
            assert!(in_time(&worker, "nobody").is_err(), "{how:?}");
            assert!(Instant::now() < deadline, "{how:?}: {:?}", worker.stats());
            pause();
        }

        engine.up(how);
        let back = worker.wait_until_answered(&format!("user{}", 10 + n));
        assert!(back.is_some(), "{how:?}");
        assert!(worker.event().starts_with("Up("), "{how:?}");
        assert!(worker.wait_until_answered("nobody").is_none(), "{how:?}");
        assert!(is_there(&in_time(&worker, "user0")), "{how:?}");
        assert_eq!(worker.stats().down_for, None, "{how:?}");
    }
}

/// A database that is restarted between two lookups was never down for anybody.
pub(crate) fn connections_that_died_in_the_meantime_are_not_noticed(engine: &mut impl Engine) {
    // Eight connections at once take their time where nothing is optimised.
    let config = RemoteConfig { deadline: PATIENCE, ..config() };
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(engine.url())).unwrap(), config);
    let names: Vec<_> = (0..8).map(|n| format!("user{n}")).collect();
    for how in [Outage::Stopped, Outage::Killed] {
        // As many connections as there may be.
        let waiting: Vec<_> = names.iter().map(|name| worker.wait_for(name)).collect();
        assert!(waiting.into_iter().all(|waiting| is_there(&worker.finish(waiting))));
        engine.down(how);
        engine.up(how);
        assert!(names.iter().all(|name| is_there(&worker.ask(name))), "{how:?}");
        assert_eq!(worker.stats().failures, 0, "{how:?}");
    }
}

/// The program starts though the database does not answer, and finds it when it comes.
pub(crate) fn a_database_may_come_later(engine: &mut impl Engine) {
    engine.down(Outage::Stopped);
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(engine.url())).unwrap(), config());
    assert!(worker.event().starts_with("Failed("));
    assert!(in_time(&worker, "user0").is_err());
    engine.up(Outage::Stopped);
    assert!(worker.wait_until_answered("user0").is_some());
}
