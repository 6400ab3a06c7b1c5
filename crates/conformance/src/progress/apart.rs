//! Law 7, **apart**: a record that cannot be read hides no other one, and is never taken for one that is not there. Where
//! nobody can store anything past the store there is none, and the laws are kept without it.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    ResourceId,
    subscription::{Progress, Swap, UnreadableRecord},
};

use super::{
    ledger::{Ledger, ids, new_id},
    made_up::{handled, parked},
};
use crate::{ProgressSubject, subject::Spoiled};

/// Of many resources that are asked for, those whose records cannot be read are told of by themselves, at their places.
pub async fn a_record_that_cannot_be_read_hides_no_other_one(subject: &ProgressSubject) {
    let ledger = subject.ledger("unreadable").await;
    let ids = ids(120);
    let there: Vec<_> = ids.iter().cloned().zip(1..).filter(|(_, number)| number % 5 > 0).collect();
    ledger.advance(&there).await;
    let mut spoiled = Vec::new();
    for id in [&ids[1], &ids[60], &ids[118]] {
        spoiled.extend(spoil(subject, &ledger, id).await);
    }
    for wanted in [&ids[..], &ids[58..63], &ids[60..61]] {
        let loaded = ledger.try_load(wanted).await;
        for (id, record) in wanted.iter().zip(loaded) {
            let number = there.iter().find(|(other, _)| other == id).map(|(_, number)| *number);
            match record {
                Err(record) => {
                    assert!(spoiled.contains(id), "the record of {id:?} can be read: {record}");
                    assert_told(&ledger, id, &record);
                }
                Ok(progress) => {
                    assert!(!spoiled.contains(id), "the record of {id:?} cannot be read: {progress:?}");
                    assert_eq!(progress.handled, number, "how far {id:?} is");
                }
            }
        }
    }
}

/// A record that cannot be read is not swapped, as if there were none or as if it could be.
pub async fn a_record_that_cannot_be_read_is_not_replaced(subject: &ProgressSubject) {
    let ledger = subject.ledger("unreadable-swap").await;
    let id = new_id();
    let made = ledger.swap(&id, 0, &parked(7)).await;
    if spoil(subject, &ledger, &id).await.is_none() {
        return;
    }
    let swap = ledger.records.swap(&ledger.key, &id, 0, &handled(9), None).await;
    assert!(!matches!(swap, Ok(Swap::Done(_))), "it was replaced as if there were none");
    ledger.advance_one(&id, made.handled.unwrap_or_default() + 1).await;
    let record = ledger.try_load(std::slice::from_ref(&id)).await.swap_remove(0);
    assert!(record.is_err(), "the record can be read: {record:?}");
}

/// What is parked is listed, in pages of any size, whichever records in between cannot be read; and these are told of.
pub async fn a_record_that_cannot_be_read_hides_nothing_that_is_parked(subject: &ProgressSubject) {
    let ledger = subject.ledger("unreadable-parked").await;
    let mut listed: Vec<(ResourceId, Progress)> = Vec::new();
    for (id, at) in ids(12).into_iter().zip(1..) {
        let found = ledger.swap(&id, 0, &parked(at)).await;
        listed.push((id, found));
    }
    let mut spoiled = Vec::new();
    for index in [11, 5, 4, 0] {
        let id = listed[index].0.clone();
        if spoil(subject, &ledger, &id).await.is_some() {
            spoiled.push(id);
            listed.remove(index);
        }
    }
    let spoiled: BTreeSet<_> = spoiled.into_iter().collect();
    for limit in [1, 2, 3, 8, 100] {
        ledger.assert_parked(limit, &listed).await;
        ledger.assert_told_of(limit, &spoiled).await;
    }
}

async fn spoil(subject: &ProgressSubject, ledger: &Ledger, id: &ResourceId) -> Option<ResourceId> {
    let spoiled = subject.spoil_record(&ledger.key, id).await;
    (spoiled == Spoiled::Yes).then(|| id.clone())
}

fn assert_told(ledger: &Ledger, id: &ResourceId, record: &UnreadableRecord) {
    assert_eq!((&record.key, &record.id), (&*ledger.key, id), "whose record cannot be read");
    assert!(!record.remedy().is_empty(), "nobody knows what to do about {record}");
}
