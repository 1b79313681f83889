//! What a load sends, and what came of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::digest::Login;
use super::pace::Pace;
use super::requests::{Kind, Shape};
use super::scenario::LASTING;

/// What to send.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) proof: Proof,
    /// The first user and how many take turns.
    pub(crate) users: (u32, u32),
    pub(crate) order: Order,
    /// Requests in all, or pairs of them.
    pub(crate) count: u64,
    pub(crate) pace: Pace,
    /// Ends earlier at this moment.
    pub(crate) until: Option<Instant>,
}

impl Plan {
    /// Refreshes of users whom nobody asks for a password, as desk phones send them, in scattered order.
    pub(crate) fn refreshes(users: (u32, u32), count: u64, pace: Pace) -> Self {
        Self {
            kind: LASTING,
            shape: Shape::USUAL,
            proof: Proof::NotAsked,
            users,
            order: Order::Scattered,
            count,
            pace,
            until: None,
        }
    }

    /// The same for each user once, by their numbers: how a table is filled.
    pub(crate) fn each_once(self) -> Self {
        Self { order: Order::InTurn, count: self.users.1.into(), until: None, ..self }
    }
}

/// In which order users take turns. Each goes on where the last of the same load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By their numbers.
    InTurn,
    /// Each as often as in turn, but far from the one before. A table lies in memory in the order in which its users came;
    /// phones do not come back in that order, and if they did the processor would guess where the next record is.
    Scattered,
}

impl Order {
    /// How far it is from a user to the next, of so many: a number that has no divisor in common with theirs, so that all
    /// of them have their turn, near the golden ratio, which keeps neighbours apart for long.
    pub(super) fn step(self, users: u32) -> u32 {
        match self {
            Self::InTurn => 1,
            Self::Scattered => {
                let near = (u64::from(users) * 618 / 1000).max(1) as u32;
                (near..).find(|step| greatest_common_divisor(*step, users) == 1).unwrap_or(1)
            }
        }
    }
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

/// How the senders prove who they are.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// Nobody asks them to.
    NotAsked,
    /// Not at all: a challenge is the answer that is wanted.
    Missing,
    /// By the answer to a challenge, in the same request sent again. The two count as one.
    Pair(Login),
    /// By the next use of the nonce that each had from the last pair.
    Again(Login),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) answered: u64,
    /// Answers other than the one that is wanted, by status code.
    pub(crate) unwanted: BTreeMap<u16, u64>,
    pub(crate) lost: u64,
    pub(crate) took: Duration,
    /// Nanoseconds, in order of size when all have come.
    pub(super) latencies: Vec<u32>,
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

    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_order_each_of_the_users_has_one_turn_before_anybody_has_a_second() {
        for users in [1_u32, 2, 3, 10, 16, 1000, 10_000, 65_536] {
            for order in [Order::InTurn, Order::Scattered] {
                let step = u64::from(order.step(users));
                let mut turns: Vec<u64> = (0..u64::from(users)).map(|turn| turn * step % u64::from(users)).collect();
                turns.sort_unstable();
                assert!(turns.into_iter().eq(0..u64::from(users)), "{users} users, {order:?}");
            }
        }
    }

    #[test]
    fn scattered_users_are_far_from_the_one_before() {
        let step = Order::Scattered.step(1_000_000);
        assert!((300_000..700_000).contains(&step), "{step}");
    }
}
