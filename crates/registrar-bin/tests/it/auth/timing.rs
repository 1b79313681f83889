//! No answer tells by the time it takes whether a user exists.
//!
//! Round trips to the running program, as this profile builds it: one for a user who exists and one for a name of the
//! same length that does not, in random order, again and again. What is compared are the means of the faster halves,
//! since everything that disturbs makes a round trip slower. How far they differ by chance is learnt from the very same
//! measurements: with the two of each pair exchanged at random, whatever difference is left is chance. What is beyond
//! [`TOLERATED`] by more than [`EVIDENCE`] times that is real: by chance it is seen once in a million tests.
//!
//! A test that finds nothing proves something only if it would have found what is there. So it measures on until the
//! same measurements with [`PLANTED`] added to one side, and to the other, are both found to differ. A machine that is
//! too noisy for that makes the test weaker, and it says so, but it does not make it fail.

use std::time::{Duration, Instant};

use super::mutations::Random;
use crate::harness::{Answer, Challenge, Guarded, Phone, Request, Setup};

/// In standard deviations. Both tails of a normal distribution beyond it: 6 in 10 million.
const EVIDENCE: f64 = 5.0;
/// The part of a round trip that must be found if it is there: without optimisation about what one hash takes.
const PLANTED: f64 = 0.02;
/// The part that does not count. Without optimisation a lookup that succeeds takes 0.003 longer than one that fails;
/// with it, that cannot be measured.
const TOLERATED: f64 = 0.005;
const PAIRS_AT_ONCE: usize = 500;
const AT_MOST: Duration = Duration::from_secs(5);
const USERS: usize = 10;

/// Round trips of two requests that were sent one after the other, in nanoseconds.
#[derive(Clone, Copy)]
struct Pair {
    known: f64,
    unknown: f64,
}

struct Difference {
    /// How much longer it takes for a user who exists.
    mean: f64,
    /// How far that is from zero by chance.
    deviation: f64,
}

impl Difference {
    fn of(pairs: &[Pair], random: &mut Random) -> Self {
        let sides = pairs.iter().enumerate().flat_map(|(at, pair)| [(pair.known, at, true), (pair.unknown, at, false)]);
        let mut sorted: Vec<_> = sides.collect();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mean = faster_half(&sorted, &vec![false; pairs.len()]);
        const EXCHANGES: usize = 200;
        let by_chance = (0..EXCHANGES).map(|_| {
            let exchanged: Vec<_> = pairs.iter().map(|_| random.below(2) == 0).collect();
            faster_half(&sorted, &exchanged).powi(2)
        });
        Self { mean, deviation: (by_chance.sum::<f64>() / EXCHANGES as f64).sqrt() }
    }

    /// Whether it is more than is tolerated of this time.
    fn is_real(&self, time: f64) -> bool {
        self.mean.abs() > TOLERATED * time + EVIDENCE * self.deviation
    }
}

/// The difference of the means of the faster halves, without the fastest twentieth.
fn faster_half(sorted: &[(f64, usize, bool)], exchanged: &[bool]) -> f64 {
    let each = sorted.len() / 2;
    let (from, to) = (each / 20, each / 2);
    let (mut counts, mut sums) = ([0; 2], [0.0; 2]);
    for (time, pair, known) in sorted {
        let side = usize::from(*known ^ exchanged[*pair]);
        if (from..to).contains(&counts[side]) {
            sums[side] += time;
        }
        counts[side] += 1;
    }
    (sums[1] - sums[0]) / (to - from) as f64
}

/// The round trip of a request that nobody has sent before.
fn round_trip(phone: &mut Phone, request: &Request) -> f64 {
    let text = phone.text(request);
    let Phone::Udp(socket) = phone else { panic!("a datagram is one packet there and one back") };
    let mut buffer = [0; 2048];
    let began = Instant::now();
    socket.send(text.as_bytes()).unwrap();
    let length = socket.recv(&mut buffer).unwrap();
    let took = began.elapsed();
    assert!(buffer[..length].starts_with(b"SIP/2.0 401 "));
    took.as_nanos() as f64
}

/// Measures what `attempt` makes for the names of users who exist and of others.
fn takes_as_long(what: &str, server: &Guarded, attempt: impl Fn(&str) -> Request) {
    let mut phone = Phone::udp(server.udp());
    let mut random = Random(41);
    let mut pairs = Vec::new();
    let began = Instant::now();
    loop {
        for _ in 0..PAIRS_AT_ONCE {
            let (user, nobody) = (random.below(USERS), random.below(USERS));
            let mut measure = |name: String| round_trip(&mut phone, &attempt(&name));
            let (user, nobody) = (format!("user{user}"), format!("nobo{nobody}"));
            let pair = if random.below(2) == 0 {
                let known = measure(user);
                Pair { known, unknown: measure(nobody) }
            } else {
                let unknown = measure(nobody);
                Pair { known: measure(user), unknown }
            };
            pairs.push(pair);
        }
        let mut times: Vec<_> = pairs.iter().map(|pair| pair.known).collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let planted = |known: f64, unknown: f64| {
            let plant = |pair: &Pair| Pair {
                known: pair.known + known * PLANTED * median,
                unknown: pair.unknown + unknown * PLANTED * median,
            };
            pairs.iter().map(plant).collect::<Vec<_>>()
        };
        let is_found = Difference::of(&planted(1.0, 0.0), &mut random).is_real(median)
            && Difference::of(&planted(0.0, 1.0), &mut random).is_real(median);
        let difference = Difference::of(&pairs, &mut random);
        if !is_found && !difference.is_real(median) && began.elapsed() < AT_MOST {
            continue;
        }
        let power = if is_found { "was found" } else { "would not have been found" };
        let report = format!(
            "{what}: {} pairs, median {:.1} µs, difference {:.3} µs, by chance {:.3} µs; {:.1} µs planted {power}",
            pairs.len(),
            median / 1000.0,
            difference.mean / 1000.0,
            difference.deviation / 1000.0,
            PLANTED * median / 1000.0,
        );
        println!("{report}");
        assert!(!difference.is_real(median), "{report}");
        return;
    }
}

fn address(user: &str) -> String {
    format!("sip:{user}@example.com")
}

/// Users of whom the password is known, and users of whom only hashes are.
fn server(algorithms: &str) -> Guarded {
    let user = |n: usize| {
        let (md5, sha256) = (format!("{n}").repeat(32), format!("{n}").repeat(64));
        let secret = if n.is_multiple_of(2) {
            format!("md5 = '{md5}'\nsha-256 = '{sha256}'")
        } else {
            "password = 'secret'".into()
        };
        format!("[user.'user{n}@example.com']\n{secret}\n")
    };
    let auth = format!("wrong_passwords = 0\n{algorithms}");
    Guarded::with(&Setup { users: (0..USERS).map(user).collect(), auth: &auth, ..Setup::default() })
}

/// How long wrong answers take in which the username is the name of the user and this.
fn wrong_passwords_take_as_long(behind: &str) {
    for algorithm in ["MD5", "SHA-256"] {
        let server = server(&format!("algorithms = ['{algorithm}']"));
        // Nobody uses it up.
        let challenge = Challenge::of(&Phone::udp(server.udp()).ask(&Request::register(&address("user0"))));
        takes_as_long(&format!("{algorithm} for user{behind}"), &server, |user| {
            let username = format!("{user}{behind}");
            let guess = Answer { username, password: "guess".to_owned(), ..Answer::of(user) };
            Request::register(&address(user)).with(&guess.to(&challenge).header())
        });
        server.stop();
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_take_as_long() {
    wrong_passwords_take_as_long("");
}

/// Some phones write the whole address, which makes another hash.
#[test]
fn a_wrong_password_and_an_unknown_user_who_writes_the_whole_address_take_as_long() {
    wrong_passwords_take_as_long("@example.com");
}

#[test]
fn a_challenge_takes_as_long_whomever_it_concerns() {
    let server = server("");
    takes_as_long("REGISTER", &server, |user| Request::register(&address(user)));
    takes_as_long("INVITE", &server, |user| Request::new("INVITE", &address(user), &address(user)));
    server.stop();
}
