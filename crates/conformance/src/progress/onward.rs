//! Law 3, **never back**: an advance leaves alone what is further, and what is parked.

use aws_event_sourcing_core::{ResourceId, subscription::Progress};

use super::{
    ledger::{ids, new_id},
    made_up::{handled, parked, revised, skipped},
};
use crate::{ProgressSubject, observe::side_by_side};

/// Each change of a record, by a swap or by an advance, gives it a revision beyond the one that it had.
pub async fn a_revision_grows_with_every_change(subject: &ProgressSubject) {
    let ledger = subject.ledger("revision").await;
    let id = new_id();
    let mut found = Progress::default();
    for round in 1..=20 {
        let before = found.revision;
        found = match round % 4 {
            0 => ledger.swap(&id, before, &parked(round)).await,
            1 => ledger.swap(&id, before, &handled(round)).await,
            2 => ledger.swap_and_skip(&id, before, &handled(round), Some(&skipped(round))).await,
            _ => {
                ledger.advance_one(&id, round).await;
                ledger.load_one(&id).await
            }
        };
        assert!(found.revision > before, "a change of revision {before} made revision {}", found.revision);
        assert_eq!(ledger.load_one(&id).await, found, "the record after change {round}");
    }
}

/// An advance makes a record where there is none, and moves one on; it does not move one back, and leaves it alone where
/// there is nothing to move.
pub async fn an_advance_goes_on_and_never_back(subject: &ProgressSubject) {
    let ledger = subject.ledger("advance").await;
    for made_by_a_swap in [false, true] {
        let id = new_id();
        if made_by_a_swap {
            ledger.swap(&id, 0, &handled(3)).await;
        } else {
            ledger.advance_one(&id, 3).await;
        }
        let mut found = ledger.load_one(&id).await;
        assert_eq!(found, revised(&handled(3), found.revision), "a new record");
        // As text, some of these would be in another order.
        for (number, expected) in [(9, 9), (10, 10), (2, 10), (9, 10), (10, 10), (100, 100), (11, 100)] {
            let before = found.clone();
            ledger.advance_one(&id, number).await;
            found = ledger.load_one(&id).await;
            let what = format!("the record after an advance to {number}");
            assert_eq!(found, revised(&handled(expected), found.revision), "{what}");
            if before.handled == Some(expected) {
                assert_eq!(found, before, "{what}");
            }
        }
    }
}

/// An advance leaves alone what is parked, however far it goes. When it is released, an advance moves it on again.
pub async fn an_advance_leaves_alone_what_is_parked(subject: &ProgressSubject) {
    let ledger = subject.ledger("advance-parked").await;
    let (id, other) = (new_id(), new_id());
    for next in [parked(7), Progress { handled: None, ..parked(8) }] {
        let seen = ledger.load_one(&id).await.revision;
        let found = ledger.swap(&id, seen, &next).await;
        for number in [1, 3, 4, 1_000] {
            ledger.advance(&[(id.clone(), number), (other.clone(), number)]).await;
            assert_eq!(ledger.load_one(&id).await, found, "a parked resource's record after an advance");
            assert!(
                ledger.load_one(&other).await.handled >= Some(number),
                "an advance beside one of a parked resource"
            );
        }
        ledger.swap(&id, found.revision, &handled(4)).await;
        ledger.advance_one(&id, 2_000).await;
        assert_eq!(ledger.load_one(&id).await.handled, Some(2_000), "how far a released resource is");
    }
}

/// Hundreds of records are advanced together: those that are new, those that move on, and those that are to be left alone.
pub async fn hundreds_are_advanced_at_once(subject: &ProgressSubject) {
    let ledger = subject.ledger("advance-many").await;
    let ids = ids(250);
    let numbered = |number: fn(u64) -> u64| -> Vec<(ResourceId, u64)> {
        ids.iter().cloned().zip((0..).map(number)).collect()
    };
    let halted = ledger.swap(&ids[40], 0, &parked(7)).await;
    ledger.advance(&[]).await;
    for (number, expected) in [
        ((|index| index + 1) as fn(u64) -> u64, (|index| index + 1) as fn(u64) -> u64),
        (|index| 251 - index, |index| (index + 1).max(251 - index)),
        (|_| 1, |index| (index + 1).max(251 - index)),
        (|index| index + 1_000, |index| index + 1_000),
    ] {
        ledger.advance(&numbered(number)).await;
        let loaded = ledger.load(&ids).await;
        for (index, (found, (id, number))) in loaded.iter().zip(numbered(expected)).enumerate() {
            if index == 40 {
                assert_eq!(*found, halted, "the record of a parked resource among many others");
            } else {
                assert_eq!(*found, revised(&handled(number), found.revision), "the record of {id:?}");
            }
        }
    }
}

/// Advances of the same records side by side, from several handles, come to the furthest of all numbers.
pub async fn advances_side_by_side_come_to_the_furthest(subject: &ProgressSubject) {
    let ledgers = subject.ledgers("advances").await;
    let ids = ids(10);
    side_by_side((0..24_u64).map(|index| {
        let (ledger, ids) = (ledgers[index as usize % 3].clone(), ids.clone());
        async move {
            for round in 0..3 {
                let number = (index * 7 + round * 5) % 24 + 1;
                let handled: Vec<_> = ids.iter().map(|id| (id.clone(), number)).collect();
                ledger.advance(&handled).await;
                for found in ledger.load(&ids).await {
                    assert!(
                        found.handled >= Some(number),
                        "a record was not advanced to {number}, or went back: {found:?}"
                    );
                }
            }
        }
    }))
    .await;
    for found in ledgers[0].load(&ids).await {
        assert_eq!(found, revised(&handled(24), found.revision), "a record after all advances");
    }
}
