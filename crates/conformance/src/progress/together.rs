//! Law 1, **together**: a change of a record is made whole or not at all, with what it brings along.

use aws_event_sourcing_core::subscription::{Parked, Progress, Swap};
use futures_util::future::join;

use super::{
    ledger::new_id,
    made_up::{handled, marker, parked, revised, skipped},
};
use crate::{
    ProgressSubject,
    observe::{drop_after_polls, side_by_side},
    sample::time,
};

/// What is skipped is noted with the swap that passes it over, and what a swap that is not made brings along is not.
pub async fn a_swap_brings_along_what_is_skipped(subject: &ProgressSubject) {
    let ledger = subject.ledger("skip").await;
    let id = new_id();
    let mut found = ledger.swap(&id, 0, &parked(7)).await;
    assert_eq!(ledger.skipped(&id).await, [], "what was skipped of a resource that is parked");
    let mut expected = Vec::new();
    for number in 4..12 {
        let (next, skip) = (handled(number), skipped(number));
        ledger.be_late(&id, found.revision + 1, &next).await;
        assert_eq!(ledger.skipped(&id).await, expected, "what was skipped after a swap that was late");
        found = ledger.swap_and_skip(&id, found.revision, &next, Some(&skip)).await;
        expected.push(skip);
        assert_eq!(ledger.skipped(&id).await, expected, "what was skipped");
        assert_eq!(
            ledger.load_one(&id).await,
            found,
            "the record of a resource of which an event was skipped"
        );
    }
}

/// A swap that is dropped after a few polls, or before the first, is made with all that it brings along, or not at all.
pub async fn a_swap_that_is_dropped_is_made_whole_or_not_at_all(subject: &ProgressSubject) {
    let ledger = subject.ledger("dropped").await;
    side_by_side((0..60).map(|index| {
        let (ledger, id) = (ledger.clone(), new_id());
        async move {
            let (dropped, skip) = (handled(4), skipped(4));
            let swap = ledger.records.swap(&ledger.key, &id, 0, &dropped, Some(&skip));
            drop_after_polls(swap, index % 5).await;
            // It may be on its way still: whichever of the two comes first, the other one is not made.
            let next = parked(7);
            match ledger.try_swap(&id, 0, &next, None).await {
                Swap::Done(revision) => {
                    assert_eq!(ledger.load_one(&id).await, revised(&next, revision), "the record");
                    assert_eq!(ledger.skipped(&id).await, [], "what a swap that was not made brought along");
                }
                Swap::Changed(found) => {
                    assert_eq!(found, revised(&dropped, found.revision), "what a dropped swap has left");
                    assert_eq!(ledger.load_one(&id).await, found, "the record");
                    assert_eq!(ledger.skipped(&id).await, [skip], "what a dropped swap brought along");
                }
            }
        }
    }))
    .await;
}

/// Whoever loads a record while it is swapped sees what was swapped in, and no mixture.
pub async fn whoever_loads_a_record_sees_it_whole(subject: &ProgressSubject) {
    const ROUNDS: u64 = 150;
    let ledger = subject.ledger("whole").await;
    let id = new_id();
    let writer = {
        let (ledger, id) = (ledger.clone(), id.clone());
        async move {
            let mut seen = 0;
            for round in 1..=ROUNDS {
                seen = ledger.swap(&id, seen, &of_a_piece(round)).await.revision;
            }
        }
    };
    let readers = (0..2).map(|index| {
        let (ledger, other) = (ledger.clone(), subject.clone());
        let id = id.clone();
        async move {
            let ledger = if index == 0 { ledger } else { ledger.on(other.open().await) };
            let mut last = 0;
            while last < ROUNDS {
                let found = ledger.load_one(&id).await;
                let round = found.handled.unwrap_or_default();
                assert!(round >= last, "a record of round {round} was loaded after one of round {last}");
                if round > 0 {
                    assert_eq!(
                        found,
                        revised(&of_a_piece(round), found.revision),
                        "a record of round {round}"
                    );
                }
                last = round;
                tokio::task::yield_now().await;
            }
        }
    });
    let readers = side_by_side(readers);
    join(writer, readers).await;
}

/// A record all of which tells which round it is of.
fn of_a_piece(round: u64) -> Progress {
    let marker = Parked {
        number: round + 1,
        after: round,
        waiting: round + 1,
        error: format!("no {round}").into(),
        attempts: round as u32,
        ..marker(time(round))
    };
    Progress { parked: round.is_multiple_of(2).then(|| Box::new(marker)), ..handled(round) }
}
