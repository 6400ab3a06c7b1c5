//! Law 4, **seen at once**: loading and swapping see every change that was acknowledged before.

use std::collections::HashMap;

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{Progress, Start},
};

use super::{
    ledger::{first_difference, ids, new_id},
    made_up::{handled, parked, revised, skipped},
};
use crate::ProgressSubject;

/// A record that is not there is one of which nothing is handled, with revision 0: whether the subscription has ever run or
/// not. The swap that makes it is one of revision 0.
pub async fn a_record_that_is_not_there_is_the_default(subject: &ProgressSubject) {
    let ledger = subject.ledger("absent").await;
    for registered in [false, true] {
        if registered {
            ledger.register(Start::Beginning, Timestamp::from_unix_millis(7)).await;
        }
        let (id, other) = (new_id(), new_id());
        assert_eq!(ledger.load_one(&id).await, Progress::default(), "a record that is not there");
        assert_eq!(ledger.be_late(&id, 1, &parked(7)).await, Progress::default(), "what there is instead");
        assert_eq!(ledger.load_one(&id).await, Progress::default(), "a record that was not made");
        assert_eq!(ledger.skipped(&id).await, [], "what was skipped of a resource without a record");
        let made = ledger.swap(&id, 0, &handled(2)).await;
        assert_eq!(
            ledger.load(&[other, id]).await,
            [Progress::default(), made],
            "one that is not there, and one that is"
        );
    }
}

/// What one handle has changed, every other one loads, and swaps.
pub async fn a_change_is_seen_at_once_by_every_handle(subject: &ProgressSubject) {
    let ledgers = subject.ledgers("handles").await;
    let id = new_id();
    let mut found = Progress::default();
    let mut expected = Vec::new();
    for round in 0..40 {
        let ledger = &ledgers[round % 3];
        let number = round as u64 + 1;
        found = match round % 4 {
            0 => {
                ledger.advance_one(&id, number).await;
                revised(&handled(number), ledger.load_one(&id).await.revision)
            }
            1 => ledger.swap(&id, found.revision, &parked(number)).await,
            _ => {
                expected.push(skipped(number));
                ledger.swap_and_skip(&id, found.revision, &handled(number), expected.last()).await
            }
        };
        for other in &ledgers {
            assert_eq!(other.load_one(&id).await, found, "the record after change {round}");
            assert_eq!(other.skipped(&id).await, expected, "what was skipped after change {round}");
        }
    }
}

/// A swap that saw a record before it was advanced gets what the advance made.
pub async fn an_advance_is_seen_by_a_swap(subject: &ProgressSubject) {
    let [ledger, other, _] = subject.ledgers("advanced").await;
    let id = new_id();
    let mut seen = 0;
    for number in 1..=20 {
        other.advance_one(&id, number).await;
        let found = ledger.be_late(&id, seen, &parked(7)).await;
        assert_eq!(
            found,
            revised(&handled(number), found.revision),
            "what a swap gets that missed an advance"
        );
        assert_eq!(ledger.load_one(&id).await, found, "the record");
        seen = found.revision;
    }
}

/// Records are loaded in the order in which the ids are given, whichever of them there are, and hundreds at once.
pub async fn records_are_loaded_in_the_order_asked_for(subject: &ProgressSubject) {
    let ledger = subject.ledger("load").await;
    let mut ids = ids(420);
    assert_eq!(ledger.load(&[]).await, [], "the records of no resources");
    let there: Vec<_> = ids.iter().cloned().zip(1..).filter(|(_, number)| number % 3 > 0).collect();
    ledger.advance(&there).await;
    let halted = ledger.swap(&ids[2], 0, &parked(7)).await;
    let mut expected = HashMap::new();
    for (id, number) in ids.iter().zip(1..) {
        let found = ledger.load_one(id).await;
        let made = match number {
            3 => halted.clone(),
            _ if number % 3 == 0 => Progress::default(),
            _ => revised(&handled(number), found.revision),
        };
        assert_eq!(found, made, "the record of {id:?}");
        expected.insert(id.clone(), found);
    }
    for length in [1, 2, 99, 100, 101, 200, 420] {
        fastrand::shuffle(&mut ids);
        let wanted: Vec<_> = ids[..length].iter().map(|id| expected[id].clone()).collect();
        let loaded = ledger.load(&ids[..length]).await;
        if let Some(difference) = first_difference(&wanted, &loaded) {
            panic!("{length} records are not loaded in the order asked for: {difference}");
        }
    }
}
