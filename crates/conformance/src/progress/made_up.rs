//! Records for laws to write.

use aws_event_sourcing_core::{
    Timestamp, TraceParent,
    subscription::{MAX_ERROR_BYTES, Parked, Progress, Skipped},
};
use uuid::Uuid;

use crate::sample::{long, time};

/// The record of a resource whose events are handled up to this one.
pub(crate) fn handled(number: u64) -> Progress {
    Progress { handled: Some(number), ..Progress::default() }
}

/// The record of a parked resource that is tried again at [`time`] `next_attempt_at`. Its error tells it from all others.
pub(crate) fn parked(next_attempt_at: u64) -> Progress {
    Progress { handled: Some(3), parked: Some(Box::new(marker(time(next_attempt_at)))), revision: 0 }
}

/// The marker of event 4, the first of its commit.
pub(crate) fn marker(next_attempt_at: Timestamp) -> Parked {
    Parked {
        number: 4,
        after: 3,
        event_type: Some("Happened".into()),
        waiting: 6,
        error: format!("no {}", Uuid::new_v4()).into(),
        attempts: 3,
        first_failed_at: time(1),
        last_failed_at: time(2),
        next_attempt_at,
        claimed_until: None,
        trace: None,
    }
}

/// The record of an event that was skipped. Its error tells it from all others.
pub(crate) fn skipped(number: u64) -> Skipped {
    Skipped {
        number,
        event_type: Some("Happened".into()),
        error: format!("no {}", Uuid::new_v4()).into(),
        reason: "there is no such thing any more".into(),
        by: "ada".into(),
        at: time(number),
    }
}

/// That record, as it is stored.
pub(crate) fn revised(progress: &Progress, revision: u64) -> Progress {
    Progress { revision, ..progress.clone() }
}

/// Records with and without everything that they may have, and with the most and the least of it.
pub(crate) fn of_all_sorts() -> Vec<Progress> {
    let trace: TraceParent =
        "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff".parse().expect("a trace");
    let full = Parked { claimed_until: Some(time(9)), trace: Some(trace), ..marker(time(7)) };
    let extreme = |at: Timestamp| Parked {
        first_failed_at: at,
        last_failed_at: at,
        next_attempt_at: at,
        claimed_until: Some(at),
        ..full.clone()
    };
    let error = |text: &str| Parked { error: long(text, MAX_ERROR_BYTES).into(), ..full.clone() };
    let large = 9_007_199_254_740_993;
    let markers = [
        full.clone(),
        Parked { claimed_until: None, ..full.clone() },
        Parked { trace: None, ..full.clone() },
        Parked { event_type: None, ..full.clone() },
        Parked { event_type: None, claimed_until: None, trace: None, ..full.clone() },
        Parked { error: "".into(), attempts: 0, ..full.clone() },
        Parked { number: 1, after: 0, waiting: 1, attempts: u32::MAX, ..full.clone() },
        Parked { number: large, after: large - 1, waiting: large + 2, ..full.clone() },
        extreme(Timestamp::from_unix_millis(0)),
        extreme(Timestamp::from_unix_millis(999)),
        extreme(Timestamp::MAX),
        error("x"),
        error("é"),
        error("😀"),
    ];
    let parked = markers.into_iter().enumerate().map(|(index, marker)| Progress {
        // Nothing is handled before the first event.
        handled: if index % 3 == 2 { None } else { Some(marker.after) },
        parked: Some(Box::new(marker)),
        revision: 0,
    });
    // Markers come and go: what one has left behind would be seen in the next.
    let released = [1, 2, large, large + 2].map(handled);
    let pairs = parked.zip(released.into_iter().cycle());
    pairs.flat_map(|(parked, released)| [parked, released]).collect()
}
