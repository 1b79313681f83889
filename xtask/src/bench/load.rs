//! The load, from one thread: a closed loop with a fixed number of requests outstanding, or an open one at a fixed rate.
//!
//! When nothing has come it sleeps for a moment by the clock, not until something comes: to wake it would be work that
//! the kernel charges to the server.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::digest::{Login, Nonce};
use super::pace::Turns;
use super::plan::{Outcome, Plan, Proof};
use super::requests::{Kind, Template, read_answer};
use super::wire::{Buffers, Outgoing, Wire};

/// An unanswered request is given up after this, and another sent in its place.
const LOST_AFTER: Duration = Duration::from_secs(1);

/// Requests that are remembered: more than can be sent until one is lost.
const REMEMBERED: usize = 1 << 20;

/// The moment; what comes meanwhile is taken together. The kernel makes it a little longer.
const NAP: Duration = Duration::from_micros(20);

/// The status of a challenge.
const CHALLENGE: u16 = 401;

/// No measurement takes longer.
const LONGEST: Duration = Duration::from_secs(300);

/// A generator and the server it talks to. Its sequence numbers grow over all that it sends.
pub(crate) struct Load {
    lines: Vec<Line>,
    transport: &'static str,
    sequence: u64,
    /// By sequence number modulo [`REMEMBERED`].
    sent: Vec<Sent>,
    /// By user.
    nonces: HashMap<u32, Nonce>,
    /// Requests whose challenges are to be answered next.
    challenged: Vec<Sent>,
    /// A line with credentials.
    credentials: Vec<u8>,
    buffers: Buffers,
    /// How many users have had their turn.
    turns: u64,
    /// The same for each line, where every user has a line of its own. Phones register by the connection that they have; one
    /// that moves costs more.
    homes: Vec<u64>,
}

struct Line {
    wire: Wire,
    /// Requests that leave with the next system call.
    outgoing: Outgoing,
}

#[derive(Clone, Copy)]
struct Sent {
    user: u32,
    line: usize,
    /// When it was due to be sent, or the first of the pair was.
    at: Instant,
    /// The status that is wanted.
    wanted: u16,
    /// Whether a challenge is answered.
    is_first: bool,
    open: bool,
}

impl Sent {
    fn new(user: u32, line: usize, at: Instant, proof: Proof) -> Self {
        let is_first = matches!(proof, Proof::Pair(_));
        let wanted = if matches!(proof, Proof::Missing | Proof::Pair(_)) { CHALLENGE } else { 200 };
        Self { user, line, at, wanted, is_first, open: true }
    }
}

impl Load {
    /// Over so many UDP sockets, each another source for the server.
    pub(crate) fn udp(port: u16, sockets: usize) -> Result<Self> {
        Self::over((0..sockets).map(|_| Wire::udp(port)).collect::<Result<_>>()?, "UDP")
    }

    /// Over so many TCP connections, to each of which its users stay.
    pub(crate) fn tcp(port: u16, connections: usize) -> Result<Self> {
        let load = Self::over((0..connections).map(|_| Wire::tcp(port)).collect::<Result<_>>()?, "TCP")?;
        Ok(Self { homes: vec![0; connections], ..load })
    }

    fn over(wires: Vec<Wire>, transport: &'static str) -> Result<Self> {
        if wires.is_empty() {
            bail!("a load needs a wire");
        }
        let none = Sent { open: false, ..Sent::new(0, 0, Instant::now(), Proof::NotAsked) };
        Ok(Self {
            lines: wires.into_iter().map(|wire| Line { wire, outgoing: Outgoing::default() }).collect(),
            transport,
            sequence: 0,
            sent: vec![none; REMEMBERED],
            turns: 0,
            homes: Vec::new(),
            nonces: HashMap::new(),
            challenged: Vec::new(),
            credentials: Vec::new(),
            buffers: Buffers::new(),
        })
    }

    /// Starts its sequence numbers, and so its CSeq, above those of another load.
    pub(crate) fn after(mut self, other: &Self) -> Self {
        self.sequence = other.sequence;
        self
    }

    /// Sends all of a plan and waits for the answers.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<Outcome> {
        let mut template = Template::shaped(plan.kind, self.transport, plan.shape);
        let mut outcome = Outcome::default();
        let start = Instant::now();
        let end = plan.until.unwrap_or(start + LONGEST);
        let mut oldest = self.sequence;
        let mut turns = Turns::new(plan.pace, self.lines.len(), start);
        let order = Steps::new(plan, self.lines.len());
        loop {
            let now = Instant::now();
            while now < end && turns.started() < plan.count {
                let Some((line, due)) = turns.next(now) else { break };
                let user = plan.users.0 + self.user(line, &order);
                // Phones keep the port that they have.
                let line = if self.homes.is_empty() { user as usize % self.lines.len() } else { line };
                let sent = Sent::new(user, line, due, plan.proof);
                match plan.proof {
                    Proof::Again(login) => self.prove(login, &mut template, sent)?,
                    _ => self.put(template.request(user, self.sequence), sent),
                }
            }
            self.send()?;
            let answered = outcome.answered;
            self.receive(&mut outcome, &mut turns)?;
            if outcome.answered == answered && self.challenged.is_empty() {
                thread::sleep(NAP);
            }
            if let Proof::Pair(login) = plan.proof {
                while let Some(first) = self.challenged.pop() {
                    self.prove(login, &mut template, Sent { wanted: 200, is_first: false, open: true, ..first })?;
                }
            }
            oldest = self.give_up(oldest, &mut outcome, &mut turns);
            if oldest == self.sequence && (turns.started() == plan.count || Instant::now() >= end) {
                break;
            }
            if start.elapsed() > LONGEST + LOST_AFTER * 2 {
                bail!("{} of {} requests were answered in {LONGEST:?}", outcome.answered, plan.count);
            }
        }
        outcome.took = start.elapsed();
        outcome.latencies.sort_unstable();
        Ok(outcome)
    }

    /// The next user of this line.
    fn user(&mut self, line: usize, steps: &Steps) -> u32 {
        match self.homes.get_mut(line) {
            Some(home) => {
                let user = steps.of_line(line, *home);
                *home += 1;
                user
            }
            None => {
                self.turns += 1;
                steps.of_all(self.turns)
            }
        }
    }

    /// Puts the next request onto its line, with credentials by the user's nonce.
    fn prove(&mut self, login: Login, template: &mut Template, sent: Sent) -> Result<()> {
        let nonce = self.nonces.get_mut(&sent.user).context("a user without a nonce")?;
        login.write(sent.user, nonce, &mut self.credentials)?;
        self.put(template.request_with(&self.credentials, sent.user, self.sequence), sent);
        Ok(())
    }

    /// Puts the next request onto its line.
    fn put(&mut self, request: &[u8], sent: Sent) {
        if let Some(line) = self.lines.get_mut(sent.line) {
            line.outgoing.push(request);
        }
        if let Some(slot) = slot(&mut self.sent, self.sequence) {
            *slot = sent;
        }
        self.sequence += 1;
    }

    /// Sends all that was put onto the lines.
    fn send(&mut self) -> Result<()> {
        for line in self.lines.iter_mut().filter(|line| !line.outgoing.is_empty()) {
            line.wire.send(&line.outgoing, &mut self.buffers)?;
            line.outgoing.clear();
        }
        Ok(())
    }

    /// Takes what has come; the lines that may send again go to `turns`.
    fn receive(&mut self, outcome: &mut Outcome, turns: &mut Turns) -> Result<()> {
        let Self { lines, sent, nonces, challenged, buffers, .. } = self;
        for (at, line) in lines.iter_mut().enumerate() {
            line.wire.receive(buffers, |answer| {
                let (status, sequence) = read_answer(answer)?;
                // An answer to a request that was given up does not count.
                let Some(slot) = slot(sent, sequence).filter(|slot| slot.open) else { return Ok(()) };
                slot.open = false;
                if slot.is_first && status == CHALLENGE {
                    nonces.entry(slot.user).or_default().renew(answer)?;
                    challenged.push(*slot);
                    return Ok(());
                }
                outcome.answered += 1;
                if status != slot.wanted {
                    *outcome.unwanted.entry(status).or_default() += 1;
                }
                outcome.latencies.push(u32::try_from(slot.at.elapsed().as_nanos()).unwrap_or(u32::MAX));
                turns.ended(at);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Gives up requests that have waited too long; the oldest that is still open.
    fn give_up(&mut self, mut oldest: u64, outcome: &mut Outcome, turns: &mut Turns) -> u64 {
        while oldest < self.sequence {
            let Some(slot) = slot(&mut self.sent, oldest) else { break };
            if slot.open {
                if slot.at.elapsed() < LOST_AFTER {
                    break;
                }
                slot.open = false;
                outcome.lost += 1;
                turns.ended(slot.line);
            }
            oldest += 1;
        }
        oldest
    }

    /// Asks whether something is bound for one user.
    pub(crate) fn is_bound(&mut self, user: u32) -> Result<bool> {
        Ok(self.ask(user)?.lines().any(|line| line.starts_with("Contact:")))
    }

    /// Asks what is bound for one user; the answer as text.
    fn ask(&mut self, user: u32) -> Result<String> {
        let mut template = Template::new(Kind::Query, self.transport);
        let start = Instant::now();
        self.put(template.request(user, self.sequence), Sent::new(user, 0, start, Proof::NotAsked));
        self.send()?;
        let mut text = None;
        while text.is_none() && start.elapsed() < LOST_AFTER {
            thread::sleep(NAP);
            if let Some(line) = self.lines.first_mut() {
                line.wire.receive(&mut self.buffers, |answer| {
                    text = Some(String::from_utf8_lossy(answer).into_owned());
                    Ok(())
                })?;
            }
        }
        match text {
            Some(text) => Ok(text),
            None => bail!("no answer to a query for user {user}"),
        }
    }
}

/// Whose turn it is.
struct Steps {
    lines: u32,
    users: u32,
    step: u32,
    /// How many users the first lines have, of which each has one more than the others, and their step; and the others.
    own: [(u32, u32); 2],
}

impl Steps {
    fn new(plan: &Plan, lines: usize) -> Self {
        let (lines, users) = (u32::try_from(lines).unwrap_or(u32::MAX).max(1), plan.users.1.max(1));
        let own = [users.div_ceil(lines), (users / lines).max(1)].map(|own| (own, plan.order.step(own)));
        Self { lines, users, step: plan.order.step(users), own }
    }

    fn of_all(&self, turn: u64) -> u32 {
        nth(turn, self.users, self.step)
    }

    /// Users whose number has the same rest when it is divided by the number of lines share a line.
    fn of_line(&self, line: usize, turn: u64) -> u32 {
        let line = u32::try_from(line).unwrap_or(0);
        let [more, fewer] = self.own;
        let (own, step) =
            if line < self.users % self.lines || self.users.is_multiple_of(self.lines) { more } else { fewer };
        // Where there are more lines than users, some lines share one.
        (line + self.lines * nth(turn, own, step)) % self.users
    }
}

fn nth(turn: u64, users: u32, step: u32) -> u32 {
    (turn % u64::from(users) * u64::from(step) % u64::from(users)) as u32
}

fn slot(sent: &mut [Sent], sequence: u64) -> Option<&mut Sent> {
    let at = usize::try_from(sequence % REMEMBERED as u64).ok()?;
    sent.get_mut(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::UdpSocket;

    use super::super::digest::Hash;
    use super::super::pace::Pace;
    use super::*;

    #[test]
    fn every_user_has_its_turn_on_a_line_of_its_own() {
        for (users, lines) in [(10_000, 16), (10_000, 50), (10, 3), (3, 7), (1, 1)] {
            let plan = Plan::refreshes((0, users), 1, Pace::Outstanding(1));
            let steps = Steps::new(&plan, lines);
            let mut turns = vec![0; users as usize];
            let rounds = u64::from(users).div_ceil(lines as u64);
            for line in 0..lines {
                for turn in 0..rounds {
                    let user = steps.of_line(line, turn);
                    turns[user as usize] += 1;
                    assert!(lines > users as usize || user as usize % lines == line, "{user} on {line} of {lines}");
                }
            }
            assert!(turns.iter().all(|turns| *turns > 0), "{users} users on {lines} lines");
        }
    }

    #[test]
    fn every_request_is_answered_or_counted_as_lost() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        // Answers all but every tenth, which is 20 of the 200; each is sent once.
        let echo = thread::spawn(move || {
            let mut buffer = [0; 2000];
            for turn in 0..200 {
                let (length, from) = server.recv_from(&mut buffer).unwrap();
                if turn % 10 != 0 {
                    server.send_to(&buffer[..length], from).unwrap();
                }
            }
        });
        let mut load = Load::udp(port, 4).unwrap();
        let plan = Plan::refreshes((0, 7), 200, Pace::Outstanding(30));
        let outcome = load.run(&plan).unwrap();
        echo.join().unwrap();
        assert_eq!((outcome.answered, outcome.lost, outcome.unwanted.len()), (180, 20, 0));
        assert_eq!((outcome.longer_than(Duration::ZERO), outcome.longer_than(LOST_AFTER)), (180, 0));
        assert!(outcome.latency(0.0) <= outcome.latency(0.5) && outcome.latency(0.5) <= outcome.latency(1.0));
    }

    #[test]
    fn an_open_loop_sends_on_while_nothing_is_answered() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut load = Load::udp(server.local_addr().unwrap().port(), 4).unwrap();
        let plan = Plan::refreshes((0, 7), 100, Pace::PerSecond(2000));
        let outcome = load.run(&plan).unwrap();
        assert_eq!((outcome.answered, outcome.lost), (0, 100));
        assert!(outcome.took >= Duration::from_millis(49) + LOST_AFTER, "{:?}", outcome.took);
    }

    #[test]
    fn a_challenge_is_answered_and_its_nonce_used_again() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        // Challenges whoever shows nothing. 50 pairs, and 50 more requests with the nonces of the last.
        let registrar = thread::spawn(move || {
            let mut counts = BTreeMap::<String, u32>::new();
            let mut buffer = [0; 2000];
            for _ in 0..150 {
                let (length, from) = server.recv_from(&mut buffer).unwrap();
                let text = std::str::from_utf8(&buffer[..length]).unwrap();
                let via = text.lines().find(|line| line.starts_with("Via: ")).unwrap();
                let count = text.split_once("nc=").map(|(_, rest)| rest[..8].to_owned());
                let answer = match count {
                    Some(count) => {
                        *counts.entry(count).or_default() += 1;
                        format!("SIP/2.0 200 OK\r\n{via}\r\n\r\n")
                    }
                    None => format!(
                        "SIP/2.0 401 Unauthorized\r\n{via}\r\nWWW-Authenticate: Digest nonce=\"{length}\"\r\n\r\n"
                    ),
                };
                server.send_to(answer.as_bytes(), from).unwrap();
            }
            counts
        });
        let mut load = Load::udp(port, 4).unwrap();
        let login = Login { hash: Hash::Md5, password: "a" };
        for proof in [Proof::Pair(login), Proof::Again(login)] {
            let plan = Plan { proof, ..Plan::refreshes((0, 25), 50, Pace::Outstanding(20)) };
            let outcome = load.run(&plan).unwrap();
            assert_eq!((outcome.answered, outcome.lost, outcome.unwanted.len()), (50, 0, 0));
        }
        let counts: Vec<_> = registrar.join().unwrap().into_iter().collect();
        assert_eq!(counts, [("00000001".to_owned(), 50), ("00000002".to_owned(), 25), ("00000003".to_owned(), 25)]);
    }
}
