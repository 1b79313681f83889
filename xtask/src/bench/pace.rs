//! How fast a load sends.

use std::time::{Duration, Instant};

/// When the next request leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A closed loop: so many are outstanding, and the next leaves when one is answered.
    Outstanding(usize),
    /// An open loop: so many leave in a second, evenly spaced, whatever is answered. Latencies count from the moment when
    /// a request is due, so that what a slow answer holds up is not left out.
    PerSecond(u32),
}

/// Whose turn it is, of lines that are numbered from 0.
pub(super) struct Turns {
    pace: Pace,
    lines: usize,
    start: Instant,
    started: u64,
    /// Lines that may send again, in a closed loop.
    free: Vec<usize>,
    /// Where there are more lines than requests: the line that has waited longest.
    rested: usize,
}

impl Turns {
    pub(super) fn new(pace: Pace, lines: usize, start: Instant) -> Self {
        let free = match pace {
            Pace::Outstanding(requests) => (0..requests).map(|turn| turn % lines.max(1)).collect(),
            Pace::PerSecond(_) => Vec::new(),
        };
        Self { pace, lines, start, started: 0, rested: free.len(), free }
    }

    /// How many have started.
    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// The line of the next request and the moment when it was due; `None`: not yet.
    pub(super) fn next(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let turn = match self.pace {
            Pace::Outstanding(_) => (self.free.pop()?, now),
            Pace::PerSecond(rate) => {
                let second = self.started / u64::from(rate);
                let part = self.started % u64::from(rate) * 1_000_000_000 / u64::from(rate);
                let due = self.start + Duration::from_secs(second) + Duration::from_nanos(part);
                let line = usize::try_from(self.started).unwrap_or(0) % self.lines.max(1);
                (due <= now).then_some((line, due))?
            }
        };
        self.started += 1;
        Some(turn)
    }

    /// A request of this line was answered or given up.
    pub(super) fn ended(&mut self, line: usize) {
        match self.pace {
            Pace::Outstanding(requests) if requests < self.lines => {
                self.free.push(self.rested % self.lines);
                self.rested += 1;
            }
            Pace::Outstanding(_) => self.free.push(line),
            Pace::PerSecond(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_loop_waits_for_answers() {
        let now = Instant::now();
        let mut turns = Turns::new(Pace::Outstanding(3), 2, now);
        let lines: Vec<usize> = std::iter::from_fn(|| turns.next(now)).map(|(line, _)| line).collect();
        assert_eq!(lines, [0, 1, 0]);
        turns.ended(1);
        assert_eq!((turns.next(now), turns.next(now), turns.started()), (Some((1, now)), None, 4));
    }

    #[test]
    fn every_line_has_its_turn_where_there_are_more_of_them_than_requests() {
        let now = Instant::now();
        let mut turns = Turns::new(Pace::Outstanding(2), 5, now);
        let mut lines = Vec::new();
        for _ in 0..4 {
            let two: Vec<usize> = std::iter::from_fn(|| turns.next(now)).map(|(line, _)| line).collect();
            two.iter().for_each(|line| turns.ended(*line));
            lines.extend(two);
        }
        lines.sort_unstable();
        assert_eq!(lines, [0, 0, 1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn an_open_loop_waits_for_the_clock_and_says_when_a_request_was_due() {
        let start = Instant::now();
        let mut turns = Turns::new(Pace::PerSecond(1000), 2, start);
        assert_eq!((turns.next(start), turns.next(start)), (Some((0, start)), None));
        // Two and a half milliseconds late, two are due, each since its own moment.
        let late = start + Duration::from_micros(2500);
        let millis = |count| start + Duration::from_millis(count);
        assert_eq!((turns.next(late), turns.next(late)), (Some((1, millis(1))), Some((0, millis(2)))));
        turns.ended(0);
        assert_eq!(turns.next(late), None);
        let (_, due) = (0..2000).filter_map(|_| turns.next(millis(1500))).last().unwrap();
        assert_eq!((due, turns.started()), (millis(1500), 1501));
    }
}
