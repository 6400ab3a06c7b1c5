//! What the times of a marker mean to whoever reads them. Clocks are set, and those of two machines differ; so a time that
//! lies further away than any that is written says only that a clock was ahead.

use std::time::Duration;

use super::{Parked, ParkedCursor, settings::Backoff};
use crate::{ResourceId, Timestamp};

/// The longest pause between attempts at a parked resource, unless set.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// For how long a marker is claimed.
pub(super) const CLAIM: Duration = Duration::from_secs(10);

/// What a claim has left at the most, by a clock that is as much behind as clocks may be.
const LONGEST_CLAIM: Duration = Duration::from_secs(60);

impl Parked {
    /// Whether somebody has it for themselves, by a clock that says `now`. A claim that has more than a minute left is
    /// none: it is of a clock that was ahead.
    #[must_use]
    pub fn is_claimed(&self, now: Timestamp) -> bool {
        self.claimed_until.is_some_and(|until| now < until && until <= later(now, LONGEST_CLAIM))
    }

    /// When it is tried again, by a clock that says `now`. That is [`next_attempt_at`](Self::next_attempt_at), or `now`
    /// when that lies further away than a pause: then it is of a clock that was ahead, and whoever redrives tries it
    /// within a minute.
    #[must_use]
    pub fn next_attempt(&self, now: Timestamp) -> Timestamp {
        let pause = match self.claimed_until {
            Some(_) => Duration::ZERO,
            None => between(self.last_failed_at, self.next_attempt_at),
        };
        let last = later(now, pause.max(LONGEST_PAUSE));
        if self.next_attempt_at > last { now } else { self.next_attempt_at }
    }
}

/// The place behind which a next attempt is further away than a pause, so that it is due.
pub(super) fn too_far(now: Timestamp, redrive: Backoff) -> ParkedCursor {
    let next_attempt_at = later(now, redrive.longest.saturating_add(Duration::from_millis(1)));
    ParkedCursor { next_attempt_at, id: ResourceId::from("") }
}

/// That much later.
pub(super) fn later(at: Timestamp, pause: Duration) -> Timestamp {
    let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_unix_millis(at.as_unix_millis().saturating_add(millis))
}

/// How much later that is; nothing when it is earlier.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::from_millis(later.as_unix_millis().saturating_sub(earlier.as_unix_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000 + millis)
    }

    fn marker(failed: Timestamp, next: Timestamp, claimed_until: Option<Timestamp>) -> Parked {
        Parked {
            number: 1,
            after: 0,
            event_type: None,
            waiting: 1,
            error: "no".into(),
            attempts: 1,
            first_failed_at: failed,
            last_failed_at: failed,
            next_attempt_at: next,
            claimed_until,
            trace: None,
        }
    }

    #[test]
    fn a_claim_is_one_until_its_end_unless_that_is_further_away_than_any_claim() {
        for (until, is_claimed) in
            [(0, false), (1, true), (10_000, true), (60_000, true), (60_001, false), (2 * DAY, false)]
        {
            let parked = marker(at(0), at(until), Some(at(until)));
            assert_eq!(parked.is_claimed(at(0)), is_claimed, "{until}");
        }
        assert!(!marker(at(0), at(1), None).is_claimed(at(0)));
    }

    #[test]
    fn a_next_attempt_is_shown_as_it_is_unless_it_is_further_away_than_any_pause() {
        let hour = 60 * 60 * 1000;
        for (now, failed, next, claimed, shown) in [
            // Overdue, about to be tried, and with a pause that somebody has set.
            (hour, 0, 1_000, false, 1_000),
            (0, 0, 300_000, false, 300_000),
            (0, 0, hour, false, hour),
            (0, 0, 10_000, true, 10_000),
            // Failed, claimed and given back when the clock was two days ahead.
            (0, 2 * DAY, 2 * DAY + 1_000, false, 0),
            (0, 2 * DAY, 2 * DAY + hour, false, 0),
            (0, 0, 2 * DAY, true, 0),
        ] {
            let parked = marker(at(failed), at(next), claimed.then(|| at(next)));
            assert_eq!(parked.next_attempt(at(now)), at(shown), "{parked:?}");
        }
    }

    #[test]
    fn no_pause_is_too_far_and_what_is_longer_is() {
        let redrive = Backoff { first: Duration::from_secs(1), longest: LONGEST_PAUSE };
        let next = |millis| ParkedCursor { next_attempt_at: at(millis), id: "a".into() };
        let too_far = too_far(at(0), redrive);
        assert!(next(300_000) < too_far && too_far < next(300_001));
    }
}
