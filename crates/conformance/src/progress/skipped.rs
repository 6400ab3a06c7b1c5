//! What was skipped: in the order of the numbers, with everything that was noted.

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{Progress, Skipped},
};

use super::{
    ledger::new_id,
    made_up::{handled, parked, skipped},
};
use crate::ProgressSubject;

/// What was skipped comes back in the order of the numbers, whenever it was, with everything that was noted; what there was
/// not stays absent.
pub async fn what_was_skipped_comes_back_in_order(subject: &ProgressSubject) {
    let [ledger, other, _] = subject.ledgers("skipped").await;
    let id = new_id();
    let mut expected: Vec<Skipped> = Vec::new();
    let mut seen = 0;
    // As text, they would be in another order.
    for number in [10, 9, 100, 1, 2, 9_007_199_254_740_993, 9_007_199_254_740_992, 11, 1_000, 99] {
        let skip = Skipped {
            event_type: (number % 2 > 0).then(|| "Happened".into()),
            at: match number {
                1 => Timestamp::from_unix_millis(0),
                2 => Timestamp::MAX,
                // The last first.
                _ => Timestamp::from_unix_millis(2_000_000_000_000 - number % 1_000),
            },
            ..skipped(number)
        };
        let next = if number == 100 { parked(7) } else { handled(number) };
        seen = ledger.swap_and_skip(&id, seen, &next, Some(&skip)).await.revision;
        expected.push(skip);
        expected.sort_by_key(|skip| skip.number);
        assert_eq!(ledger.skipped(&id).await, expected, "what was skipped");
    }
    // What happens to the record does nothing to it.
    ledger.advance_one(&id, 20_000_000_000_000_000).await;
    assert_eq!(other.skipped(&id).await, expected, "what was skipped, by way of another handle");
}

/// What was skipped is of its resource only: ids that begin like others have nothing to do with them.
pub async fn what_was_skipped_is_of_one_resource(subject: &ProgressSubject) {
    let ledger = subject.ledger("skipped-of").await;
    let id = new_id();
    let ids = [id.as_str(), "", "/", "/4", "-", "%", "_", " "].map(|end| format!("{id}{end}").into());
    let mut expected = Vec::new();
    for (index, id) in (0..).zip(&ids) {
        let mut skips = Vec::new();
        let mut found = Progress::default();
        for number in 4..5 + index % 3 {
            let skip = skipped(number);
            found = ledger.swap_and_skip(id, found.revision, &handled(number), Some(&skip)).await;
            skips.push(skip);
        }
        expected.push(skips);
    }
    for (id, expected) in ids.iter().zip(&expected) {
        assert_eq!(ledger.skipped(id).await, *expected, "what was skipped of {id:?}");
    }
    assert_eq!(ledger.skipped(&new_id()).await, [], "what was skipped of a resource that nobody knows");
}
