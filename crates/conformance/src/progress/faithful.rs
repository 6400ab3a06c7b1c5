//! That what is loaded equals what was swapped in; ids, errors and reasons are any text.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    ResourceId,
    limits::MAX_ID_BYTES,
    subscription::{MAX_ERROR_BYTES, Parked, Progress, Skipped},
};

use super::{
    ledger::new_id,
    made_up::{handled, marker, of_all_sorts, parked, revised, skipped},
};
use crate::{
    ProgressSubject,
    sample::{TROUBLESOME, long, time},
};

/// A record comes back with everything in its marker and nothing that was not there, whatever it replaces.
pub async fn a_record_comes_back_as_it_was_swapped_in(subject: &ProgressSubject) {
    let [ledger, other, _] = subject.ledgers("faithful").await;
    let changing = new_id();
    let mut seen = 0;
    for record in of_all_sorts() {
        let id = new_id();
        let made = ledger.swap(&id, 0, &record).await;
        let replaced = ledger.swap(&changing, seen, &record).await;
        seen = replaced.revision;
        for (id, expected) in [(id, made), (changing.clone(), replaced)] {
            assert_eq!(ledger.load_one(&id).await, expected, "a record");
            assert_eq!(other.load_one(&id).await, expected, "a record by way of another handle");
            assert_eq!(
                ledger.be_late(&id, expected.revision + 1, &handled(9)).await,
                expected,
                "a record that is in the way"
            );
            if expected.parked.is_none() {
                ledger.advance_one(&id, u64::from(u32::MAX) << 22).await;
                let advanced = ledger.load_one(&id).await;
                assert_eq!(advanced.parked, None, "the marker of a released resource after an advance");
                seen = if id == changing { advanced.revision } else { seen };
            } else {
                ledger.assert_listed(&id, &expected).await;
            }
        }
    }
}

/// Any text within the limits can be the id of a resource that has a record, is parked, and has an event skipped.
pub async fn any_text_is_the_id_of_a_record(subject: &ProgressSubject) {
    let ledger = subject.ledger("id").await;
    let long = [long("a", MAX_ID_BYTES), long("b", MAX_ID_BYTES - 1), long("😀", MAX_ID_BYTES)];
    let ids: BTreeSet<&str> = TROUBLESOME.into_iter().chain(long.iter().map(String::as_str)).collect();
    // In the order of their bytes.
    let ids: Vec<ResourceId> = ids.into_iter().map(ResourceId::from).collect();
    let advanced: Vec<_> = ids.iter().cloned().zip(1..).collect();
    ledger.advance(&advanced).await;
    let found = ledger.load(&ids).await;
    let mut expected = Vec::new();
    for ((id, number), found) in advanced.iter().zip(found) {
        assert_eq!(found, revised(&handled(*number), found.revision), "the record of {id:?}");
        let skip = skipped(*number);
        let made = ledger.swap_and_skip(id, found.revision, &parked(7), Some(&skip)).await;
        assert_eq!(ledger.skipped(id).await, [skip], "what was skipped of {id:?}");
        expected.push((id.clone(), made));
    }
    for (id, made) in &expected {
        assert_eq!(ledger.load_one(id).await, *made, "the record of {id:?}");
    }
    // All of them are due at the same time: the list goes by id.
    for limit in [1, 5, 100] {
        ledger.assert_parked(limit, &expected).await;
    }
}

/// Any text can be an error, an event's type, a reason, and the name of who skipped it.
pub async fn any_text_can_be_in_a_record(subject: &ProgressSubject) {
    let ledger = subject.ledger("text").await;
    let long = [long("a", MAX_ERROR_BYTES), long("é", MAX_ERROR_BYTES), long("😀", MAX_ERROR_BYTES)];
    let texts = TROUBLESOME.into_iter().chain(long.iter().map(String::as_str));
    let id = new_id();
    let (mut seen, mut skips) = (0, Vec::new());
    for (number, text) in (1..).zip(texts) {
        let boxed: Box<str> = text.into();
        let skip = Skipped {
            number,
            event_type: Some(boxed.clone()),
            error: boxed.clone(),
            reason: boxed.clone(),
            by: boxed.clone(),
            at: time(number),
        };
        let marker = Parked { event_type: Some(boxed.clone()), error: boxed, ..marker(time(number)) };
        let next = Progress { parked: Some(Box::new(marker)), ..handled(number) };
        let made = ledger.swap_and_skip(&id, seen, &next, Some(&skip)).await;
        skips.push(skip);
        assert_eq!(ledger.load_one(&id).await, made, "a record with {text:?} in it");
        ledger.assert_parked(1, &[(id.clone(), made.clone())]).await;
        seen = made.revision;
    }
    let nothing = Skipped {
        number: 1_000,
        event_type: None,
        error: "".into(),
        reason: "".into(),
        by: "".into(),
        at: time(0),
    };
    ledger.swap_and_skip(&id, seen, &handled(1_000), Some(&nothing)).await;
    skips.push(nothing);
    assert_eq!(ledger.skipped(&id).await, skips, "what was skipped");
}
