//! So many in a second, and the rest counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Lets so many pass in each second.
#[derive(Debug)]
pub(crate) struct PerSecond {
    most: u64,
    second: AtomicU64,
    passed: AtomicU64,
    left_out: AtomicU64,
}

impl PerSecond {
    pub(crate) fn new(most: u64) -> Self {
        Self { most, second: AtomicU64::new(0), passed: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether there is room in this second; to the first of a second it says how many were left out before.
    pub(crate) fn admits(&self, second: u64) -> Option<u64> {
        let left_out = if self.second.swap(second, Ordering::Relaxed) == second {
            0
        } else {
            self.passed.store(0, Ordering::Relaxed);
            self.left_out.swap(0, Ordering::Relaxed)
        };
        let admitted = self.passed.fetch_add(1, Ordering::Relaxed) < self.most;
        if !admitted {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        admitted.then_some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_pass_in_a_second_and_the_next_hears_of_the_rest() {
        let limit = PerSecond::new(200);
        let admitted = |second| (0..1000).filter_map(|_| limit.admits(second)).collect::<Vec<_>>();
        assert_eq!(admitted(1), [0; 200]);
        let next = admitted(2);
        assert_eq!((next.len(), next[0], next[1]), (200, 800, 0));
    }
}
