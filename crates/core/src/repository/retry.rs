//! [`Retry`]: how often and how patiently a lost race is run again.

use std::time::Duration;

/// What a repository does when another process has committed to the resource in between.
///
/// The first retry follows at once: the winner came back with the refusal, and nothing is gained by waiting. From then
/// on there is a pause before each attempt, of random length up to a bound that doubles each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Writes that are tried for one commit, the first included. 0 counts as 1.
    pub attempts: u32,
    /// The bound of the first pause.
    pub first_pause: Duration,
    /// The bound of every pause.
    pub longest_pause: Duration,
}

/// 20 attempts; pauses of up to 4 ms at first and 250 ms at most, so about two seconds in all.
impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 20,
            first_pause: Duration::from_millis(4),
            longest_pause: Duration::from_millis(250),
        }
    }
}

impl Retry {
    /// The pause after this many lost races.
    pub(super) fn pause(&self, lost: u32) -> Option<Duration> {
        let doublings = lost.checked_sub(2)?;
        let bound = self.first_pause.saturating_mul(2_u32.saturating_pow(doublings)).min(self.longest_pause);
        Some(bound.mul_f64(fastrand::f64()))
    }
}
