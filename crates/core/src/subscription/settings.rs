//! [`Settings`]: how patiently, and how many at a time. [`Backoff`]: pauses that grow.

use std::time::Duration;

use super::{Start, clock::LONGEST_PAUSE};

/// How a subscription goes about its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// Events that are handled at the same time, of as many resources.
    pub(super) concurrency: usize,
    /// How often an event is tried before its resource is parked.
    pub(super) attempts: u32,
    /// The pauses in between.
    pub(super) backoff: Backoff,
    /// The pauses between attempts while a resource is parked.
    pub(super) redrive: Backoff,
    /// How long a handler may take over an event.
    pub(super) deadline: Duration,
    pub(super) start: Start,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 64,
            attempts: 3,
            backoff: Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) },
            redrive: Backoff { first: Duration::from_secs(1), longest: LONGEST_PAUSE },
            deadline: Duration::from_secs(30),
            start: Start::default(),
        }
    }
}

/// Pauses that double from one to the next, up to a bound. Each is cut by a random part, up to half of it, so that what
/// failed together is not tried again together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after that many attempts; `chance` is a random number from 0 to 1.
    pub(super) fn pause(self, attempts: u32, chance: f64) -> Duration {
        let doublings = attempts.saturating_sub(1);
        let longest = self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.longest);
        longest.mul_f64(1.0 - chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_never_overflow() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
        let pauses = [1, 2, 3, 9, 10, u32::MAX].map(|attempts| backoff.pause(attempts, 0.0).as_secs());
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
        assert_eq!(backoff.pause(3, 1.0), Duration::from_secs(2));
    }
}
