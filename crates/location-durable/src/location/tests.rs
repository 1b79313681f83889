mod disk;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use sip_registrar::testing::{self, wait, with_aor};
use sip_registrar::{Limits, location_battery};
use sip_transport::Timestamp;

use disk::Disk;

use super::*;
use crate::file::{Commit, Entry, RunClock};

/// When everything begins, in milliseconds.
const BEGIN: u64 = 1_700_000_000_000;

location_battery!(synced, || Bench::new().open(Mode::Synced).0, |max| Bench::new().holding(max).open(Mode::Synced).0);
location_battery!(delayed, || Bench::new().open(DELAYED).0, |max| Bench::new().holding(max).open(DELAYED).0);

const GRACE: Option<Duration> = Some(Duration::from_secs(60));

const DELAYED: Mode = Mode::Delayed { interval: Duration::from_secs(1) };

/// A disk, the clocks, and what a table is told.
#[derive(Clone)]
struct Bench {
    disk: Disk,
    steady: Arc<AtomicU64>,
    wall: Arc<AtomicU64>,
    /// Since the machine was started, if it says so.
    boot: Option<Arc<AtomicU64>>,
    max_bindings: usize,
    least_journal: u64,
}

impl Bench {
    fn new() -> Self {
        let clock = || Arc::new(AtomicU64::new(BEGIN));
        Self {
            disk: Disk::default(),
            steady: clock(),
            wall: clock(),
            boot: None,
            max_bindings: 1_000_000,
            least_journal: u64::MAX,
        }
    }

    fn holding(self, max_bindings: usize) -> Self {
        Self { max_bindings, ..self }
    }

    fn open(&self, mode: Mode) -> (DurableLocation, Loaded) {
        let (file, opened) = File::on(self.disk.clone()).unwrap();
        let disk = self.disk.clone();
        let reopen: Reopen = Box::new(move || File::on(disk.clone()).map(|(file, _)| file));
        let config = TableConfig { max_bindings: self.max_bindings, ..TableConfig::default() };
        let bench = self.clone();
        let clock = Box::new(move || {
            let now = bench.now();
            let boot = bench.boot.as_ref().map(|since| ([1; 16], since.load(Ordering::Relaxed)));
            RunClock { steady: now.at.0, wall: now.wall, boot }
        });
        // Nobody has to wait for company.
        let pace = Pace { group: mode.pace() / 10, least_journal: self.least_journal };
        DurableLocation::start((file, opened, reopen), (mode, pace), (config, GRACE), clock, &mut |_| {}).unwrap()
    }

    fn now(&self) -> Now {
        Now { at: Timestamp(self.steady.load(Ordering::Relaxed)), wall: self.wall.load(Ordering::Relaxed) }
    }

    /// Time passes on all clocks.
    fn pass(&self, seconds: u64) {
        for clock in [&self.steady, &self.wall].into_iter().chain(&self.boot) {
            clock.fetch_add(seconds * 1000, Ordering::Relaxed);
        }
    }

    /// Somebody sets the wall clock.
    fn jump(&self, millis: i64) {
        self.wall.store(self.now().wall.saturating_add_signed(millis), Ordering::Relaxed);
    }

    /// A new process reads its clock anew.
    fn restart_clock(&self) {
        self.steady.store(self.wall.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

type Registering = Answer<Result<Registered, RegisterError>>;

fn register(store: &DurableLocation, user: &str, cseq: u32, contacts: &[(&str, u32)], now: Now) -> Registering {
    let limits = Limits { jitter: 0, ..Limits::default() };
    testing::register(store, limits, user, (user, cseq), contacts, now)
}

/// The URIs of a user, each with the seconds that are left.
fn found(store: &DurableLocation, user: &str, now: Now) -> Vec<(String, u32)> {
    let record = with_aor(user, |aor| wait(store.lookup(aor, now))).unwrap();
    let live = record.iter().flat_map(|record| record.live(now.at));
    live.map(|binding| (String::from_utf8_lossy(binding.uri).into_owned(), binding.seconds_left(now.at))).collect()
}

fn is_ready<T>(answer: &mut Answer<T>) -> bool {
    match answer {
        Answer::Now(_) => true,
        // Whoever polls once more after it was ready has a fault.
        Answer::Held { hold, .. } => {
            std::pin::pin!(hold.over()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
        }
        Answer::Later(future) => future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready(),
    }
}

/// Until something is so that another thread does.
fn until(mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "it never is");
        std::thread::yield_now();
    }
}

#[test]
fn a_restart_finds_what_was_answered() {
    for mode in [Mode::Synced, DELAYED] {
        let bench = Bench::new();
        let (store, loaded) = bench.open(mode);
        assert_eq!((loaded.bindings, loaded.is_new), (0, true));
        for user in ["alice", "bob", "carol"] {
            wait(register(&store, user, 1, &[("sip:a@h", 60), ("sip:b@h", 300)], bench.now())).unwrap();
        }
        wait(register(&store, "bob", 2, &[("sip:a@h", 0), ("sip:b@h", 0)], bench.now())).unwrap();
        wait(register(&store, "carol", 2, &[("sip:b@h", 0)], bench.now())).unwrap();
        wait(with_aor("carol", |aor| store.remove(aor, Removal::All, bench.now()))).unwrap();
        wait(register(&store, "carol", 3, &[("sip:c@h", 90)], bench.now())).unwrap();
        store.close().unwrap();
        bench.pass(20);
        bench.restart_clock();
        let (store, loaded) = bench.open(mode);
        assert_eq!((loaded.bindings, loaded.expired, loaded.is_new, loaded.was_cut), (3, 0, false, false));
        let contact = |uri: &str, left| (uri.to_owned(), left);
        assert_eq!(found(&store, "alice", bench.now()), [contact("sip:a@h", 40), contact("sip:b@h", 280)]);
        assert_eq!(found(&store, "bob", bench.now()), []);
        assert_eq!(found(&store, "carol", bench.now()), [contact("sip:c@h", 70)]);
        // CSeq goes on where it was.
        let late = wait(register(&store, "carol", 3, &[("sip:d@h", 90), ("sip:c@h", 0)], bench.now()));
        assert_eq!(late.unwrap_err(), RegisterError::OutOfOrder);
        store.close().unwrap();
        bench.pass(60);
        let (store, loaded) = bench.open(mode);
        assert_eq!((loaded.bindings, loaded.expired, store.bindings()), (2, 1, 2));
    }
}

#[test]
fn after_a_restart_what_lived_by_a_connection_is_suspect_for_a_grace() {
    const FLOW: Flow = Flow { worker: 0, slot: 1, generation: 1 };
    let limits = Limits { jitter: 0, ..Limits::default() };
    let suspects = |store: &DurableLocation, bench: &Bench| {
        let record = with_aor("alice", |aor| wait(store.lookup(aor, bench.now()))).unwrap();
        let live = record.iter().flat_map(|record| record.live(bench.now().at));
        live.map(|binding| (binding.is_suspect(), binding.seconds_left(bench.now().at))).collect::<Vec<_>>()
    };
    for mode in [Mode::Synced, DELAYED] {
        let bench = Bench::new();
        let (store, _) = bench.open(mode);
        let over = |store: &DurableLocation, flow, cseq, uri| {
            let request = (Some(flow), "a", cseq);
            wait(testing::register_over(store, limits, "alice", request, &[(uri, 300)], bench.now())).unwrap()
        };
        over(&store, FLOW, 1, "sip:a@h");
        let gone = Flow { slot: 2, ..FLOW };
        over(&store, gone, 2, "sip:gone@h");
        wait(register(&store, "alice", 1, &[("sip:u@h", 300)], bench.now())).unwrap();
        until(|| store.stats().changes == 3);
        // The end of a connection is not written down, and cannot fail.
        bench.disk.fill(true);
        let until = bench.now().at.plus_seconds(5);
        wait(with_aor("alice", |aor| store.flow_lost(aor, gone, until, bench.now()))).unwrap();
        bench.disk.fill(false);
        assert_eq!(suspects(&store, &bench), [(false, 300), (true, 5), (false, 300)]);
        store.close().unwrap();
        assert_eq!(store.stats().changes, 3);
        bench.pass(20);
        bench.restart_clock();
        let (store, _) = bench.open(mode);
        assert_eq!(
            suspects(&store, &bench),
            [(true, 60), (true, 60), (false, 280)],
            "none of them is shown to anybody"
        );
        over(&store, FLOW, 1, "sip:a@h");
        bench.pass(60);
        let mut gone = Vec::new();
        store.sweep(bench.now(), Share::WHOLE, 100, &mut |before, after| {
            gone.push((before.len(), after.map(Record::len)))
        });
        assert_eq!((gone, suspects(&store, &bench)), (vec![(3, Some(2))], vec![(false, 240), (false, 220)]));
    }
}

#[test]
fn a_jump_of_the_clock_neither_loses_nor_prolongs_a_binding() {
    const MONTH: i64 = 30 * 86_400_000;
    let left =
        |store: &DurableLocation, bench: &Bench| found(store, "alice", bench.now()).first().map(|(_, left)| *left);
    for (jump, boot) in [(MONTH, false), (-MONTH, false), (MONTH, true), (-MONTH, true)] {
        let mut bench = Bench::new();
        bench.boot = boot.then(|| Arc::new(AtomicU64::new(1_000_000)));
        let (store, _) = bench.open(Mode::Synced);
        wait(register(&store, "alice", 1, &[("sip:a@h", 300)], bench.now())).unwrap();
        // While it runs, and without anything being written afterwards.
        bench.jump(jump);
        bench.pass(100);
        assert_eq!(left(&store, &bench), Some(200));
        store.close().unwrap();
        bench.pass(20);
        bench.restart_clock();
        let (store, _) = bench.open(Mode::Synced);
        assert_eq!(left(&store, &bench), Some(180), "{jump} {boot}");
        store.close().unwrap();
        // Between two runs: within one boot the machine knows better.
        bench.jump(jump);
        bench.pass(20);
        bench.restart_clock();
        let (store, _) = bench.open(Mode::Synced);
        let expected = match (boot, jump > 0) {
            (true, _) => Some(160),
            // A month has passed, for all that anybody can tell.
            (false, true) => None,
            // Never longer than it was granted.
            (false, false) => Some(300),
        };
        assert_eq!(left(&store, &bench), expected, "{jump} {boot}");
    }
}

#[test]
fn a_killed_process_has_written_its_last_clock() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Synced);
    wait(register(&store, "alice", 1, &[("sip:a@h", 300)], bench.now())).unwrap();
    let before = store.stats().writes;
    bench.jump(86_400_000);
    // The writer looks at the clocks now and then.
    until(|| store.stats().writes > before);
    let killed = bench.disk.copy();
    bench.restart_clock();
    let (store, _) = Bench { disk: killed, ..bench.clone() }.open(Mode::Synced);
    assert_eq!(found(&store, "alice", bench.now()), [("sip:a@h".to_owned(), 300)]);
}

#[test]
fn nobody_is_answered_before_it_is_on_disk() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Synced);
    bench.disk.hold();
    let mut first = register(&store, "alice", 1, &[("sip:a@h", 60)], bench.now());
    let mut repeated = register(&store, "alice", 1, &[("sip:a@h", 60)], bench.now());
    let mut query = register(&store, "alice", 2, &[], bench.now());
    let mut other = register(&store, "bob", 1, &[("sip:b@h", 60)], bench.now());
    // What it is refused for may never have happened if the process dies now.
    let mut late = register(&store, "alice", 0, &[("sip:a@h", 60)], bench.now());
    for _ in 0..100 {
        let told = [&mut first, &mut repeated, &mut query, &mut other, &mut late].map(is_ready);
        assert_eq!(told, [false; 5]);
        std::thread::yield_now();
    }
    // Callers are told.
    assert_eq!(found(&store, "alice", bench.now()).len(), 1);
    bench.disk.let_go();
    for answer in [first, repeated, query, other] {
        assert_eq!(wait(answer).unwrap().after.unwrap().len(), 1);
    }
    assert_eq!(wait(late).unwrap_err(), RegisterError::OutOfOrder);
    until(|| store.table.journal().unsettled().is_none());
    assert!(matches!(register(&store, "alice", 3, &[], bench.now()), Answer::Now(Ok(_))), "nothing to wait for");
}

#[test]
fn many_share_a_write() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Synced);
    wait(register(&store, "first", 1, &[("sip:a@h", 60)], bench.now())).unwrap();
    let before = store.stats();
    bench.disk.hold();
    let answers: Vec<_> =
        (0..1000).map(|n| register(&store, &n.to_string(), 1, &[("sip:a@h", 60)], bench.now())).collect();
    bench.disk.let_go();
    answers.into_iter().for_each(|answer| drop(wait(answer).unwrap()));
    let after = store.stats();
    assert_eq!(after.changes - before.changes, 1000);
    assert!(after.writes - before.writes <= 2, "{after:?}");
    assert_eq!(after.change_bytes > before.change_bytes, after.written_bytes > before.written_bytes);
}

#[test]
fn delayed_answers_at_once_and_is_on_disk_soon() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Delayed { interval: Duration::from_millis(100) });
    bench.disk.hold();
    assert!(matches!(register(&store, "alice", 1, &[("sip:a@h", 60)], bench.now()), Answer::Now(Ok(_))));
    bench.disk.let_go();
    let began = Instant::now();
    until(|| store.stats().changes == 1);
    assert!(began.elapsed() < Duration::from_secs(5), "however busy the machine is");
}

#[test]
fn a_full_disk_takes_back_what_it_cannot_keep_and_recovers() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Synced);
    let unavailable = RegisterError::Store(StoreError::Unavailable);
    wait(register(&store, "alice", 1, &[("sip:a@h", 600)], bench.now())).unwrap();
    wait(register(&store, "bob", 1, &[("sip:b@h", 600)], bench.now())).unwrap();
    until(|| store.table.journal().unsettled().is_none());

    // Several changes of one address, so that their order matters, in the group that fails and in the one behind it.
    bench.disk.hold();
    let one = register(&store, "alice", 2, &[("sip:x@h", 600)], bench.now());
    let two = register(&store, "new", 1, &[("sip:n@h", 600)], bench.now());
    let three = register(&store, "alice", 3, &[("sip:a@h", 0), ("sip:x@h", 0)], bench.now());
    let four = register(&store, "alice", 4, &[("sip:y@h", 600)], bench.now());
    let query = register(&store, "alice", 5, &[], bench.now());
    bench.disk.fill(true);
    bench.disk.let_go();
    for answer in [one, two, three, four, query] {
        // The first of them may have been written before the disk was full.
        drop(wait(answer));
    }
    let answer = wait(register(&store, "carol", 1, &[("sip:c@h", 600)], bench.now()));
    assert_eq!(answer.unwrap_err(), unavailable);
    until(|| store.stats().is_failing);
    let as_before = found(&store, "alice", bench.now());
    assert_eq!(found(&store, "bob", bench.now()).len(), 1, "reading goes on");
    assert_eq!(wait(register(&store, "bob", 2, &[], bench.now())).unwrap().after.unwrap().len(), 1);
    assert_eq!(found(&store, "carol", bench.now()), []);
    assert!(store.stats().taken_back > 0);
    assert!(store.last_failure().is_some_and(|why| why.contains("no storage space")), "{:?}", store.last_failure());

    bench.disk.fill(false);
    until(|| !store.stats().is_failing);
    assert_eq!(found(&store, "alice", bench.now()), as_before);
    wait(register(&store, "carol", 2, &[("sip:c@h", 600)], bench.now())).unwrap();
    let all = ["alice", "bob", "carol", "new"].map(|user| found(&store, user, bench.now()));
    store.close().unwrap();
    let (store, _) = bench.open(Mode::Synced);
    assert_eq!(["alice", "bob", "carol", "new"].map(|user| found(&store, user, bench.now())), all);
}

#[test]
fn a_full_disk_costs_delayed_changes_nothing_if_it_recovers() {
    let bench = Bench::new();
    let (store, _) = bench.open(Mode::Delayed { interval: Duration::from_millis(20) });
    bench.disk.fill(true);
    wait(register(&store, "alice", 1, &[("sip:a@h", 600)], bench.now())).unwrap();
    until(|| store.stats().is_failing);
    let refused = wait(register(&store, "bob", 1, &[("sip:b@h", 600)], bench.now()));
    assert_eq!(refused.unwrap_err(), RegisterError::Store(StoreError::Unavailable), "it could not be on disk in time");
    assert_eq!(found(&store, "alice", bench.now()).len(), 1);
    bench.disk.fill(false);
    until(|| !store.stats().is_failing);
    store.close().unwrap();
    let (store, _) = bench.open(Mode::Synced);
    assert_eq!(found(&store, "alice", bench.now()).len(), 1);
}

#[test]
fn a_closed_table_refuses_changes_and_says_if_the_last_are_lost() {
    let bench = Bench::new();
    let (store, _) = bench.open(DELAYED);
    bench.disk.fill(true);
    wait(register(&store, "alice", 1, &[("sip:a@h", 600)], bench.now())).unwrap();
    assert!(store.close().unwrap_err().to_string().contains("not on disk"));
    let refused = wait(register(&store, "bob", 1, &[("sip:b@h", 600)], bench.now()));
    assert_eq!(refused.unwrap_err(), RegisterError::Store(StoreError::Unavailable));
    assert!(store.close().is_ok(), "it was said once");
}

#[test]
fn nobody_waits_for_a_writer_that_has_panicked() {
    let bench = Bench::new();
    let clock_fails = Arc::new(AtomicBool::new(false));
    let (file, opened) = File::on(bench.disk.clone()).unwrap();
    let clock = {
        let clock_fails = Arc::clone(&clock_fails);
        Box::new(move || {
            assert!(!clock_fails.load(Ordering::Relaxed), "a fault, planted");
            RunClock { steady: BEGIN, wall: BEGIN, boot: None }
        })
    };
    let pace = Pace { group: Duration::ZERO, least_journal: u64::MAX };
    let reopen: Reopen = Box::new(|| unreachable!());
    let config = TableConfig::default();
    let started =
        DurableLocation::start((file, opened, reopen), (Mode::Synced, pace), (config, GRACE), clock, &mut |_| {});
    let (store, _) = started.unwrap();
    wait(register(&store, "alice", 1, &[("sip:a@h", 600)], bench.now())).unwrap();
    clock_fails.store(true, Ordering::Relaxed);
    for cseq in 2..4 {
        let lost = wait(register(&store, "alice", cseq, &[("sip:a@h", 600)], bench.now()));
        assert_eq!(lost.unwrap_err(), RegisterError::Store(StoreError::Unavailable));
    }
    until(|| store.stats().is_failing && store.last_failure().is_some_and(|why| why.contains("panicked")));
    // Whoever closes it has the panic.
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.close())).is_err());
}

#[test]
fn snapshots_are_made_beside_everything_else_and_the_journal_goes() {
    let mut bench = Bench::new();
    bench.least_journal = 64 << 10;
    let (store, _) = bench.open(Mode::Synced);
    let store = &store;
    let bench = &bench;
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            scope.spawn(move || {
                for n in 0..1000u32 {
                    // Each user's CSeq rises; some are removed again.
                    let (user, cseq) = (format!("{thread}-{}", n % 100), n / 100 + 1);
                    let expires = if n % 7 == 0 { 0 } else { 600 };
                    wait(register(store, &user, cseq, &[("sip:a@h", expires)], bench.now())).unwrap();
                }
            });
        }
    });
    assert!(store.stats().snapshots > 1, "{:?}", store.stats());
    let users: Vec<_> = (0..4).flat_map(|thread| (0..100).map(move |n| format!("{thread}-{n}"))).collect();
    let all: Vec<_> = users.iter().map(|user| found(store, user, bench.now())).collect();
    store.close().unwrap();
    let (store, loaded) = bench.open(Mode::Synced);
    assert_eq!(loaded.bindings, all.iter().flatten().count());
    for (user, contacts) in users.iter().zip(all) {
        assert_eq!(found(&store, user, bench.now()), contacts, "{user}");
    }
    assert!(bench.disk.syncs() > 0);
}

#[test]
fn records_of_a_newer_program_are_not_taken_for_damage_of_the_disk() {
    let bench = Bench::new();
    let (mut file, _) = File::on(bench.disk.clone()).unwrap();
    let mut entries = Vec::new();
    Entry::Put(b"\x03\0\0\0\0\0\0\0\x01\0\x07sip:a@h and more").write(&mut entries);
    let clock = RunClock { steady: BEGIN, wall: BEGIN, boot: None };
    file.commit(&Commit { entries: &entries, clock, snapshot: None }).unwrap();
    file.close().unwrap();
    let (file, _) = File::on(bench.disk.clone()).unwrap();
    let table = Table::new(TableConfig::default(), ());
    let error =
        load(&file, &table, bench.now(), GRACE, &clock, &mut |_| {}).unwrap_err().of("x/location.redb".as_ref());
    let said = error.to_string();
    assert!(said.contains("x/location.redb") && said.contains("written by a newer one"), "{said}");
}
