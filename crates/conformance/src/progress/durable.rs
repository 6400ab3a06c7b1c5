//! Law 5, **durable**: what was acknowledged is there for those who open the store later. What a crash leaves behind needs
//! a process that is killed: the store's own tests see to that.

use std::sync::Arc;

use aws_event_sourcing_core::subscription::Start;

use super::{
    ledger::{Ledger, ids},
    made_up::{handled, of_all_sorts, parked, skipped},
};
use crate::{ProgressSubject, sample::time};

/// When all handles are gone and the store is opened again, everything is there, and goes on from there.
pub async fn records_are_there_when_the_store_is_opened_again(subject: &ProgressSubject) {
    let ledger = subject.ledger("again").await;
    let registration = ledger.register(Start::Now, time(3)).await;
    let records = of_all_sorts();
    let ids = ids(records.len() + 1);
    let (first, others) = ids.split_first().expect("there is one at least");
    let mut expected = Vec::new();
    for (id, record) in others.iter().zip(&records) {
        expected.push(ledger.swap(id, 0, record).await);
    }
    let (mut found, mut skips) = (ledger.swap(first, 0, &parked(1)).await, Vec::new());
    let key = Arc::unwrap_or_clone(ledger.key);
    // With it the last handle goes.
    drop(ledger.records);
    for number in 4..8 {
        let ledger = Ledger::new(subject.open().await, key.clone());
        assert_eq!(ledger.load(others).await, expected, "the records");
        assert_eq!(ledger.load_one(first).await, found, "a record that changes between two openings");
        assert_eq!(ledger.skipped(first).await, skips, "what was skipped");
        assert_eq!(ledger.register(Start::Beginning, time(number)).await, registration, "the registration");
        let mut listed: Vec<_> = others.iter().cloned().zip(expected.iter().cloned()).collect();
        listed.extend([(first.clone(), found.clone())]);
        listed.retain(|(_, progress)| progress.parked.is_some());
        listed.sort_by_key(|(id, progress)| {
            (progress.parked.as_ref().map(|parked| parked.next_attempt_at), id.clone())
        });
        ledger.assert_parked(100, &listed).await;
        let skip = skipped(number);
        let next = if number % 2 == 0 { handled(number) } else { parked(number) };
        found = ledger.swap_and_skip(first, found.revision, &next, Some(&skip)).await;
        skips.push(skip);
    }
}
