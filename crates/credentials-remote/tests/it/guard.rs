//! The way of a lookup, with a store that does what the test wants.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use credentials_remote::{RemoteConfig, Source, SourceError, StartError, User};
use sip_dispatch::{Answer, BoxFuture};
use sip_registrar::auth::{Account, Found, Unavailable};
use tokio::sync::oneshot;

use crate::harness::{PATIENCE, Worker, wanted};

type Said = Result<Option<Account>, SourceError>;

/// Hands each question over to the test.
struct Fake {
    questions: Mutex<Sender<Question>>,
    check: Result<(), SourceError>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

struct Question {
    name: String,
    answer: oneshot::Sender<Said>,
}

impl Source for Fake {
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Said> {
        Box::pin(async move {
            let (answer, said) = oneshot::channel();
            self.most.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
            self.questions.lock().unwrap().send(Question { name: user.name().to_owned(), answer }).unwrap();
            assert!(user.name() != "panic", "as ordered");
            let said = said.await.unwrap();
            self.running.fetch_sub(1, SeqCst);
            said
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async { self.check.clone() })
    }
}

/// A worker, and the store in the test's hands.
struct Scene {
    worker: Worker,
    questions: Receiver<Question>,
    most: Arc<AtomicUsize>,
    milliseconds: Arc<AtomicU64>,
}

impl Scene {
    fn new(config: RemoteConfig) -> Self {
        Self::checked(config, Ok(())).unwrap()
    }

    fn checked(config: RemoteConfig, check: Result<(), SourceError>) -> Result<Self, StartError> {
        let (sender, questions) = channel();
        let most = Arc::new(AtomicUsize::new(0));
        let milliseconds = Arc::new(AtomicU64::new(0));
        let source = Fake { questions: Mutex::new(sender), check, running: Arc::default(), most: most.clone() };
        let (start, passed) = (Instant::now(), milliseconds.clone());
        let clock = Arc::new(move || start + Duration::from_millis(passed.load(SeqCst)));
        Ok(Self { worker: Worker::start_at(source, config, clock)?, questions, most, milliseconds })
    }

    fn question(&self) -> Question {
        self.questions.recv_timeout(PATIENCE).unwrap()
    }

    /// The next question is about this user, and is answered so.
    fn answer(&self, name: &str, said: Said) {
        let question = self.question();
        assert_eq!(question.name, name);
        question.answer.send(said).unwrap();
    }

    /// A whole lookup.
    fn look_up(&self, name: &str, said: Said) -> Found {
        let waiting = self.worker.wait_for(name);
        self.answer(name, said);
        self.worker.finish(waiting)
    }

    fn pass(&self, time: Duration) {
        self.milliseconds.fetch_add(u64::try_from(time.as_millis()).unwrap(), SeqCst);
    }

    /// After as many failures as it takes, the last of them told.
    fn down(config: RemoteConfig) -> Self {
        let failures = config.failures;
        let scene = Self::new(config);
        (0..failures).for_each(|n| assert!(scene.look_up(&format!("down{n}"), unavailable()).is_err()));
        assert_eq!(scene.worker.event(), "Failed(Unavailable(\"no\"))");
        assert_eq!(scene.worker.event(), "Down(Unavailable(\"no\"))");
        scene
    }
}

fn there(name: &str) -> Said {
    Ok(Some(Account::new(name.as_bytes(), *b"example.com").password(b"secret")))
}

fn unavailable() -> Said {
    Err(SourceError::Unavailable("no".to_owned()))
}

fn name(found: Found) -> Option<String> {
    found.unwrap().map(|account| String::from_utf8_lossy(account.name()).into_owned())
}

/// Hours, so that no lookup ends by its deadline unless the test is about that.
fn config() -> RemoteConfig {
    RemoteConfig { deadline: Duration::from_secs(3600), ..RemoteConfig::default() }
}

#[test]
fn a_future_that_is_never_polled_costs_the_store_nothing() {
    let scene = Scene::new(config());
    for _ in 0..10 {
        assert!(matches!(scene.worker.find("alice"), Answer::Later(_)));
    }
    assert_eq!(name(scene.look_up("bob", there("bob"))).as_deref(), Some("bob"));
    assert_eq!((scene.worker.stats().misses, scene.worker.stats().waiting), (1, 0));
}

#[test]
fn what_was_said_is_not_asked_again_for_a_while() {
    let scene = Scene::new(config());
    assert_eq!(name(scene.look_up("alice", there("alice"))).as_deref(), Some("alice"));
    assert_eq!(name(scene.look_up("nobody", Ok(None))), None);
    scene.pass(Duration::from_secs(29));
    assert_eq!(name(scene.worker.now("alice")).as_deref(), Some("alice"));
    assert_eq!(name(scene.worker.now("nobody")), None);
    scene.pass(Duration::from_secs(1));
    assert_eq!(name(scene.look_up("nobody", there("nobody"))).as_deref(), Some("nobody"));
    scene.pass(Duration::from_secs(270));
    assert_eq!(name(scene.look_up("alice", Ok(None))), None);
    assert_eq!(name(scene.worker.now("alice")), None);
    let stats = scene.worker.stats();
    assert_eq!((stats.hits, stats.negative_hits, stats.answered), (1, 2, 4));
    assert_eq!((stats.known, stats.unknown), (1, 1));
}

#[test]
fn one_lookup_serves_all_who_ask_for_the_same_user() {
    let scene = Scene::new(config());
    let waiting: Vec<_> = (0..5).map(|_| scene.worker.wait_for("alice")).collect();
    let other = scene.worker.wait_for("bob");
    for _ in 0..2 {
        let Question { name, answer } = scene.question();
        answer.send(if name == "alice" { there("alice") } else { Ok(None) }).unwrap();
    }
    for waiting in waiting {
        assert_eq!(name(scene.worker.finish(waiting)).as_deref(), Some("alice"));
    }
    assert_eq!(name(scene.worker.finish(other)), None);
    let stats = scene.worker.stats();
    assert_eq!((stats.misses, stats.joined, stats.answered, stats.waiting), (2, 4, 2, 0));
}

#[test]
fn a_future_made_before_the_answer_came_finds_it_in_the_cache() {
    let scene = Scene::new(config());
    let Answer::Later(early) = scene.worker.find("alice") else { panic!("at once") };
    scene.look_up("alice", there("alice")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(name(runtime.block_on(early)).as_deref(), Some("alice"));
    assert_eq!(scene.worker.stats().misses, 1);
}

#[test]
fn no_more_wait_than_the_queue_holds() {
    let scene = Scene::new(RemoteConfig { queue: 3, ..config() });
    scene.look_up("old", there("old")).unwrap();
    scene.pass(Duration::from_secs(300));
    let waiting: Vec<_> = ["a", "a", "b"].map(|name| scene.worker.wait_for(name)).into_iter().collect();
    for name in ["a", "c"] {
        let Ok(Err(Unavailable { retry_after })) = scene.worker.poll(name) else { panic!("{name} has a place") };
        assert!((1..=6).contains(&retry_after), "{retry_after}");
    }
    let Ok(old) = scene.worker.poll("old") else { panic!("there is a place") };
    assert_eq!(name(old).as_deref(), Some("old"));
    (0..2).for_each(|_| scene.question().answer.send(there("a")).unwrap());
    waiting.into_iter().for_each(|waiting| assert!(scene.worker.finish(waiting).unwrap().is_some()));
    assert_eq!(name(scene.look_up("c", there("c"))).as_deref(), Some("c"));
    let stats = scene.worker.stats();
    assert_eq!((stats.rejected, stats.unavailable, stats.stale, stats.waiting), (3, 2, 1, 0));
}

#[test]
fn no_more_lookups_run_at_once_than_configured() {
    let scene = Scene::new(RemoteConfig { concurrency: 2, ..config() });
    let waiting: Vec<_> = (0..10).map(|n| scene.worker.wait_for(&format!("user{n}"))).collect();
    // Two run side by side; each that ends makes room for another.
    let mut running = vec![scene.question(), scene.question()];
    for _ in 0..8 {
        running.remove(0).answer.send(Ok(None)).unwrap();
        running.push(scene.question());
    }
    running.into_iter().for_each(|question| question.answer.send(Ok(None)).unwrap());
    waiting.into_iter().for_each(|waiting| assert!(scene.worker.finish(waiting).unwrap().is_none()));
    assert_eq!(scene.most.load(SeqCst), 2);
}

#[test]
fn a_lookup_that_nobody_waits_for_any_more_does_not_take_place() {
    let scene = Scene::new(RemoteConfig { concurrency: 1, ..config() });
    let first = scene.worker.wait_for("first");
    drop(scene.worker.wait_for("second"));
    let third = scene.worker.wait_for("third");
    scene.answer("first", Ok(None));
    scene.answer("third", Ok(None));
    assert!(scene.worker.finish(first).unwrap().is_none() && scene.worker.finish(third).unwrap().is_none());
}

#[test]
fn a_lookup_whose_turn_comes_too_late_does_not_take_place() {
    let scene = Scene::new(RemoteConfig { concurrency: 1, ..config() });
    let first = scene.worker.wait_for("first");
    let second = scene.worker.wait_for("second");
    let question = scene.question();
    scene.pass(config().deadline);
    let third = scene.worker.wait_for("third");
    question.answer.send(there("first")).unwrap();
    assert!(scene.worker.finish(first).unwrap().is_some());
    assert!(scene.worker.finish(second).is_err());
    scene.answer("third", Ok(None));
    assert!(scene.worker.finish(third).unwrap().is_none());
    let stats = scene.worker.stats();
    assert_eq!((stats.rejected, stats.failures), (1, 0));
}

#[test]
fn a_store_that_does_not_answer_is_not_waited_for() {
    let scene = Scene::new(RemoteConfig { deadline: Duration::from_millis(50), ..RemoteConfig::default() });
    let waiting = scene.worker.wait_for("alice");
    let question = scene.question();
    assert!(scene.worker.finish(waiting).is_err());
    assert_eq!(scene.worker.event(), "Failed(Deadline(50))");
    // The source's future is gone, and with it what it held.
    assert!(question.answer.is_closed());
    assert_eq!((scene.worker.stats().failures, scene.worker.stats().waiting), (1, 0));
}

#[test]
fn a_store_that_is_down_is_left_alone_then_tried_by_one_lookup() {
    let scene = Scene::down(config());
    for _ in 0..3 {
        let Err(Unavailable { retry_after }) = scene.worker.now("alice") else { panic!("found") };
        assert!((10..=15).contains(&retry_after), "{retry_after}");
    }
    scene.pass(Duration::from_secs(7));
    let Err(Unavailable { retry_after }) = scene.worker.now("alice") else { panic!("found") };
    assert!((3..=8).contains(&retry_after), "{retry_after}");
    assert_eq!(scene.worker.stats().down_for, Some(Duration::from_secs(7)));

    scene.pass(Duration::from_secs(3));
    let probe = scene.worker.wait_for("alice");
    let question = scene.question();
    assert!(scene.worker.now("bob").is_err());
    question.answer.send(unavailable()).unwrap();
    assert!(scene.worker.finish(probe).is_err());
    assert!(scene.worker.now("alice").is_err());

    scene.pass(Duration::from_secs(10));
    let probe = scene.worker.wait_for("alice");
    assert!(scene.worker.ask("bob").is_err());
    let question = scene.question();
    assert_eq!(question.name, "alice");
    question.answer.send(there("alice")).unwrap();
    assert_eq!(name(scene.worker.finish(probe)).as_deref(), Some("alice"));
    assert_eq!(scene.worker.event(), "Up(20s)");
    assert_eq!(name(scene.look_up("bob", there("bob"))).as_deref(), Some("bob"));
    assert_eq!((scene.worker.stats().down_for, scene.worker.stats().failures), (None, 6));
}

#[test]
fn lookups_that_wait_when_the_store_goes_down_do_not_take_place() {
    let scene = Scene::new(RemoteConfig { concurrency: 1, failures: 1, ..config() });
    let waiting = ["first", "second", "third"].map(|name| scene.worker.wait_for(name));
    scene.answer("first", unavailable());
    for waiting in waiting {
        assert!(scene.worker.finish(waiting).is_err_and(|unavailable| unavailable.retry_after >= 10));
    }
    assert!(scene.questions.try_recv().is_err());
}

#[test]
fn phones_are_not_told_to_come_back_all_at_once() {
    let scene = Scene::down(config());
    let seconds = |n: u32| scene.worker.now(&format!("user{n}")).unwrap_err().retry_after;
    let different: std::collections::BTreeSet<_> = (0..100).map(seconds).collect();
    assert!(different.len() > 3, "{different:?}");
}

#[test]
fn a_known_user_goes_on_while_the_store_is_down_and_not_for_ever() {
    let scene = Scene::new(config());
    scene.look_up("alice", there("alice")).unwrap();
    scene.pass(Duration::from_secs(300));
    // Five failures in a row, the breaker still closed at the beginning of each.
    for _ in 0..5 {
        assert_eq!(name(scene.look_up("alice", unavailable())).as_deref(), Some("alice"));
    }
    for _ in 0..5 {
        assert_eq!(name(scene.worker.now("alice")).as_deref(), Some("alice"));
    }
    assert_eq!((scene.worker.stats().stale, scene.worker.stats().unavailable), (10, 0));
    scene.pass(Duration::from_secs(86_400 - 301));
    assert_eq!(name(scene.look_up("alice", unavailable())).as_deref(), Some("alice"));
    scene.pass(Duration::from_secs(1));
    assert!(scene.worker.now("alice").is_err());
}

#[test]
fn a_user_that_was_unknown_is_not_unknown_for_longer_because_the_store_is_down() {
    let scene = Scene::new(config());
    assert_eq!(name(scene.look_up("alice", Ok(None))), None);
    scene.pass(Duration::from_secs(30));
    assert!(scene.look_up("alice", unavailable()).is_err());
}

#[test]
fn unusable_data_are_the_users_trouble_and_not_the_stores() {
    let scene = Scene::new(config());
    for n in 0..10 {
        let user = format!("user{n}");
        let said = Err(SourceError::Account("the column ha1 is odd".to_owned()));
        assert_eq!(name(scene.look_up(&user, said)), None);
        assert_eq!(name(scene.worker.now(&user)), None);
        let heard = scene.worker.event();
        assert!(heard.starts_with("Unusable(") && heard.contains(&user) && heard.contains("ha1 is odd"), "{heard}");
    }
    let stats = scene.worker.stats();
    assert_eq!((stats.unusable, stats.failures, stats.down_for), (10, 0, None));
}

#[test]
fn a_user_whose_data_became_unusable_is_known_no_more() {
    let scene = Scene::new(config());
    scene.look_up("alice", there("alice")).unwrap();
    scene.pass(Duration::from_secs(300));
    assert_eq!(name(scene.look_up("alice", Err(SourceError::Account("odd".to_owned())))), None);
    scene.pass(Duration::from_secs(30));
    assert!(scene.look_up("alice", unavailable()).is_err());
}

#[test]
fn a_flood_of_invented_names_does_not_push_users_out() {
    let scene = Scene::new(RemoteConfig { cache_entries: 10, negative_entries: 5, ..config() });
    for n in 0..10 {
        scene.look_up(&format!("user{n}"), there("user")).unwrap();
    }
    for n in 0..200 {
        assert_eq!(name(scene.look_up(&format!("invented{n}"), Ok(None))), None);
    }
    assert!((0..10).all(|n| scene.worker.now(&format!("user{n}")).is_ok_and(|found| found.is_some())));
    assert_eq!((scene.worker.stats().known, scene.worker.stats().unknown), (10, 5));
}

#[test]
fn names_that_nobody_can_have_are_not_asked_for() {
    let scene = Scene::new(config());
    for name in ["", "a\0b", "a\r\nb", &"a".repeat(256)] {
        assert!(scene.worker.now(name).unwrap().is_none(), "{name:?}");
    }
    let bytes = sip_registrar::auth::Wanted { name: b"\xff", ..wanted("") };
    let found = sip_registrar::auth::Credentials::find(&scene.worker.remote, &bytes);
    assert!(matches!(found, Answer::Now(Ok(None))));
    assert_eq!(scene.worker.stats().misses, 0);
}

#[test]
fn everybody_is_asked_for_again_after_forgetting_and_nobody_shut_out_by_it() {
    let scene = Scene::new(config());
    scene.look_up("alice", there("alice")).unwrap();
    scene.look_up("nobody", Ok(None)).unwrap();
    scene.worker.remote.forget();
    scene.pass(Duration::from_secs(1));
    assert_eq!(name(scene.look_up("nobody", there("nobody"))).as_deref(), Some("nobody"));
    assert_eq!(name(scene.look_up("alice", unavailable())).as_deref(), Some("alice"));
    assert_eq!(name(scene.look_up("alice", Ok(None))), None);
}

#[test]
fn a_lookup_that_breaks_off_is_a_failure_and_the_next_one_works() {
    let scene = Scene::new(config());
    let waiting = scene.worker.wait_for("panic");
    assert_eq!(scene.question().name, "panic");
    assert!(scene.worker.finish(waiting).is_err());
    assert!(scene.worker.event().contains("broke off"));
    assert_eq!(name(scene.look_up("alice", there("alice"))).as_deref(), Some("alice"));
    assert_eq!((scene.worker.stats().failures, scene.worker.stats().waiting), (1, 0));
}

#[test]
fn a_store_that_is_down_at_the_start_is_no_error_and_one_that_is_misconfigured_is() {
    let scene = Scene::checked(config(), Err(SourceError::Unavailable("later".to_owned()))).unwrap();
    assert_eq!(scene.worker.event(), "Failed(Unavailable(\"later\"))");
    assert_eq!(name(scene.look_up("alice", there("alice"))).as_deref(), Some("alice"));
    let error = Scene::checked(config(), Err(SourceError::Misconfigured("never".to_owned()))).err().unwrap();
    assert!(matches!(&error, StartError::Source(SourceError::Misconfigured(_))), "{error}");
    assert!(error.to_string().contains("never"), "{error}");
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let scene = Scene::new(config());
    let Scene { worker, questions, .. } = scene;
    let another = worker.remote.clone();
    drop(worker);
    assert!(matches!(questions.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)));
    drop(another);
    // The source is gone, and with it the other end.
    assert!(matches!(questions.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected)));
}
