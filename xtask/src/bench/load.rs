//! The load: a closed loop with a fixed number of requests outstanding, from one thread.
//!
//! When nothing has come it sleeps for a moment by the clock, not until something comes: to wake it would be work that
//! the kernel charges to the server.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::requests::{Kind, Template, read_answer};
use super::wire::{Buffers, Wire};

/// An unanswered request is given up after this, and another sent in its place.
const LOST_AFTER: Duration = Duration::from_secs(1);

/// Requests that are remembered: more than can be sent until one is lost.
const REMEMBERED: usize = 1 << 20;

/// The moment; what comes meanwhile is taken together. The kernel makes it a little longer.
const NAP: Duration = Duration::from_micros(20);

/// No measurement takes longer.
const LONGEST: Duration = Duration::from_secs(300);

/// What to send.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// The first user and how many take turns.
    pub(crate) users: (u32, u32),
    /// Requests in all.
    pub(crate) count: u64,
    pub(crate) outstanding: usize,
    /// Ends earlier at this moment.
    pub(crate) until: Option<Instant>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) answered: u64,
    /// Answers other than 200, by status code.
    pub(crate) refused: BTreeMap<u16, u64>,
    pub(crate) lost: u64,
    pub(crate) took: Duration,
    /// Nanoseconds, in order of size.
    latencies: Vec<u32>,
}

impl Outcome {
    /// The latency that this share of the requests did not exceed.
    pub(crate) fn latency(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        Duration::from_nanos(self.latencies.get(at).copied().unwrap_or(0).into())
    }

    /// How many requests took longer.
    pub(crate) fn longer_than(&self, limit: Duration) -> usize {
        self.latencies.iter().filter(|nanos| Duration::from_nanos(u64::from(**nanos)) > limit).count()
    }
}

/// A generator and the server it talks to. Its sequence numbers grow over all that it sends.
pub(crate) struct Load {
    lines: Vec<Line>,
    transport: &'static str,
    sequence: u64,
    /// By sequence number modulo [`REMEMBERED`].
    sent: Vec<Sent>,
    buffers: Buffers,
}

struct Line {
    wire: Wire,
    /// Requests that leave with the next system call.
    outgoing: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    line: usize,
    open: bool,
}

impl Load {
    /// Over so many UDP sockets, each another source for the server.
    pub(crate) fn udp(port: u16, sockets: usize) -> Result<Self> {
        Self::over((0..sockets).map(|_| Wire::udp(port)).collect::<Result<_>>()?, "UDP")
    }

    /// Over so many TCP connections.
    pub(crate) fn tcp(port: u16, connections: usize) -> Result<Self> {
        Self::over((0..connections).map(|_| Wire::tcp(port)).collect::<Result<_>>()?, "TCP")
    }

    fn over(wires: Vec<Wire>, transport: &'static str) -> Result<Self> {
        if wires.is_empty() {
            bail!("a load needs a wire");
        }
        let none = Sent { at: Instant::now(), line: 0, open: false };
        let lines = wires.into_iter().map(|wire| Line { wire, outgoing: Vec::new() }).collect();
        Ok(Self { lines, transport, sequence: 0, sent: vec![none; REMEMBERED], buffers: Buffers::new() })
    }

    /// Starts its sequence numbers, and so its CSeq, above those of another load.
    pub(crate) fn after(mut self, other: &Self) -> Self {
        self.sequence = other.sequence;
        self
    }

    /// Sends all of a plan and waits for the answers.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<Outcome> {
        let mut template = Template::new(plan.kind, self.transport);
        let mut outcome = Outcome::default();
        let start = Instant::now();
        let end = plan.until.unwrap_or(start + LONGEST);
        let first = self.sequence;
        let mut oldest = first;
        let mut due: Vec<usize> = (0..plan.outstanding).map(|turn| turn % self.lines.len()).collect();
        loop {
            let now = Instant::now();
            while now < end && self.sequence - first < plan.count {
                let Some(line) = due.pop() else { break };
                let user = plan.users.0 + ((self.sequence - first) % u64::from(plan.users.1)) as u32;
                self.put(template.request(user, self.sequence), line, now);
            }
            self.send(template.size())?;
            let answered = outcome.answered;
            self.receive(&mut outcome, &mut due)?;
            if outcome.answered == answered {
                thread::sleep(NAP);
            }
            oldest = self.give_up(oldest, &mut outcome, &mut due);
            if oldest == self.sequence && (self.sequence - first == plan.count || Instant::now() >= end) {
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

    /// Puts the next request onto a line.
    fn put(&mut self, request: &[u8], line: usize, now: Instant) {
        if let Some(line) = self.lines.get_mut(line) {
            line.outgoing.extend_from_slice(request);
        }
        if let Some(slot) = slot(&mut self.sent, self.sequence) {
            *slot = Sent { at: now, line, open: true };
        }
        self.sequence += 1;
    }

    /// Sends all that was put onto the lines, requests of this size.
    fn send(&mut self, size: usize) -> Result<()> {
        for line in self.lines.iter_mut().filter(|line| !line.outgoing.is_empty()) {
            line.wire.send(&line.outgoing, size, &mut self.buffers)?;
            line.outgoing.clear();
        }
        Ok(())
    }

    /// Takes what has come; the lines that may send again go to `due`.
    fn receive(&mut self, outcome: &mut Outcome, due: &mut Vec<usize>) -> Result<()> {
        let Self { lines, sent, buffers, .. } = self;
        for (at, line) in lines.iter_mut().enumerate() {
            line.wire.receive(buffers, |answer| {
                let (status, sequence) = read_answer(answer)?;
                // An answer to a request that was given up does not count.
                if let Some(slot) = slot(sent, sequence).filter(|slot| slot.open) {
                    slot.open = false;
                    outcome.answered += 1;
                    if status != 200 {
                        *outcome.refused.entry(status).or_default() += 1;
                    }
                    outcome.latencies.push(u32::try_from(slot.at.elapsed().as_nanos()).unwrap_or(u32::MAX));
                    due.push(at);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Gives up requests that have waited too long; the oldest that is still open.
    fn give_up(&mut self, mut oldest: u64, outcome: &mut Outcome, due: &mut Vec<usize>) -> u64 {
        while oldest < self.sequence {
            let Some(slot) = slot(&mut self.sent, oldest) else { break };
            if slot.open {
                if slot.at.elapsed() < LOST_AFTER {
                    break;
                }
                slot.open = false;
                outcome.lost += 1;
                due.push(slot.line);
            }
            oldest += 1;
        }
        oldest
    }

    /// Asks what is bound for one user; the answer as text.
    pub(crate) fn ask(&mut self, user: u32) -> Result<String> {
        let mut template = Template::new(Kind::Query, self.transport);
        let start = Instant::now();
        self.put(template.request(user, self.sequence), 0, start);
        self.send(template.size())?;
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

fn slot(sent: &mut [Sent], sequence: u64) -> Option<&mut Sent> {
    let at = usize::try_from(sequence % REMEMBERED as u64).ok()?;
    sent.get_mut(at)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

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
        let kind = Kind::Register { expires: 60 };
        let plan = Plan { kind, users: (0, 7), count: 200, outstanding: 30, until: None };
        let outcome = load.run(&plan).unwrap();
        echo.join().unwrap();
        assert_eq!((outcome.answered, outcome.lost, outcome.refused.len()), (180, 20, 0));
        assert_eq!((outcome.longer_than(Duration::ZERO), outcome.longer_than(LOST_AFTER)), (180, 0));
        assert!(outcome.latency(0.0) <= outcome.latency(0.5) && outcome.latency(0.5) <= outcome.latency(1.0));
    }
}
