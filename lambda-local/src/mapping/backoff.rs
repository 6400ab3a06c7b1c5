//! [`Backoff`]: how long a batch that has failed waits.

use std::time::Duration;

/// How long a batch that has failed waits until it is tried again: twice as long each time. AWS does not say how long
/// it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

impl Default for Backoff {
    /// From a tenth of a second to ten seconds.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// How long after so many failures.
    pub(super) fn after(&self, failures: u32) -> Duration {
        let factor = 2_u32.checked_pow(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_most() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(5) };
        let seconds = [1, 2, 3, 4, 100].map(|failures| backoff.after(failures).as_secs());
        assert_eq!(seconds, [1, 2, 4, 5, 5]);
    }
}
