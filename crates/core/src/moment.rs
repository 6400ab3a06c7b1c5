//! [`Moment`]: when this process saw something, to ask how long ago that is. For authors of stores.

use std::time::{Duration, Instant, SystemTime};

/// A point in time, by both clocks of a machine.
///
/// Neither of them is enough. The one that only goes forward may stand still while a machine is suspended, or a function
/// on Lambda is not called; the one on the wall is set. So an age is what the clock says that says more, and where the
/// one on the wall has gone back, nobody knows it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago it is, at the most; [`Duration::MAX`] where nobody knows.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.until(&Self::now())
    }

    /// How much later that other moment is, at the most: nothing when it is earlier, [`Duration::MAX`] where nobody knows.
    #[must_use]
    pub fn until(&self, later: &Self) -> Duration {
        if later.is_before(self) {
            return Duration::ZERO;
        }
        let wall = later.wall.duration_since(self.wall).unwrap_or(Duration::MAX);
        wall.max(later.monotonic.saturating_duration_since(self.monotonic))
    }

    /// Whether it is earlier than that other one.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.monotonic < other.monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_age_is_what_the_clock_says_that_says_more() {
        let first = Moment::now();
        let suspended = Moment { wall: first.wall + 60 * SECOND, monotonic: first.monotonic + SECOND };
        assert_eq!(first.until(&suspended), 60 * SECOND);
        let running = Moment { wall: first.wall + SECOND, monotonic: first.monotonic + 60 * SECOND };
        assert_eq!(first.until(&running), 60 * SECOND);
        assert!(first.is_before(&running) && !running.is_before(&first));
    }

    #[test]
    fn nobody_knows_an_age_when_the_clock_was_set_back() {
        let first = Moment::now();
        let set_back = Moment { wall: first.wall - 60 * SECOND, monotonic: first.monotonic + SECOND };
        assert_eq!(first.until(&set_back), Duration::MAX);
        assert_eq!(set_back.until(&first), Duration::ZERO, "it is the earlier one all the same");
    }
}
