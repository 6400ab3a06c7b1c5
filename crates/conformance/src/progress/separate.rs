//! Law 6, **separate**: two keys have nothing to do with each other.

use std::{slice::from_ref, sync::Arc};

use aws_event_sourcing_core::{
    ResourceId,
    subscription::{Progress, SubscriptionKey},
};

use super::{
    ledger::{Ledger, new_id},
    made_up::{handled, parked, skipped},
};
use crate::{ProgressSubject, subject::unique};

/// Keys whose names begin like others, and end like others.
fn keys() -> Vec<SubscriptionKey> {
    let (name, resource_type) = (unique("s"), unique("t"));
    let names =
        [name.clone(), format!("{name}b"), format!("{name}-b"), format!("{name}.b"), name.to_uppercase()];
    let types =
        ["", "b", "-b", "/b", "/b/c", "#b", " b", "é", "%2Fb"].map(|end| format!("{resource_type}{end}"));
    let mut keys = Vec::new();
    for name in &names {
        keys.extend(types.iter().map(|of| SubscriptionKey::new(&**name, &**of)));
    }
    // The name of the one is the type of the other.
    keys.push(SubscriptionKey::new(&*names[1], &*names[0]));
    keys.push(SubscriptionKey::new(&*names[0], &*names[1]));
    keys
}

/// The same id under two subscriptions, or under two types of one, is two records: each has its own revisions, its own
/// marker, and its own events that were skipped. No name is the beginning of another.
pub async fn subscriptions_have_nothing_to_do_with_each_other(subject: &ProgressSubject) {
    let records = subject.open().await;
    let ledgers: Vec<_> = keys().into_iter().map(|key| Ledger::new(records.clone(), key)).collect();
    let id = new_id();
    let (mut expected, mut skips) = (Vec::new(), Vec::new());
    for (index, ledger) in (10..).zip(&ledgers) {
        assert_eq!(
            ledger.load_one(&id).await,
            Progress::default(),
            "a record of {} that is not there",
            ledger.key
        );
        let mut found = ledger.swap(&id, 0, &parked(index)).await;
        for _ in 0..index % 3 {
            found = ledger.swap(&id, found.revision, &parked(index)).await;
        }
        if index % 4 == 0 {
            let skip = skipped(index);
            found = ledger.swap_and_skip(&id, found.revision, &handled(index), Some(&skip)).await;
            skips.push(vec![skip]);
        } else {
            skips.push(Vec::new());
        }
        expected.push(found);
    }
    for (index, ledger) in ledgers.iter().enumerate() {
        let key = &ledger.key;
        assert_eq!(ledger.load_one(&id).await, expected[index], "the record of {key}");
        assert_eq!(ledger.skipped(&id).await, skips[index], "what was skipped of {key}");
        let parked = expected[index].parked.as_ref().map(|_| (id.clone(), expected[index].clone()));
        ledger.assert_parked(2, parked.as_slice()).await;
    }
    // An advance of one is none of the others.
    for (index, ledger) in ledgers.iter().enumerate() {
        if expected[index].parked.is_some() {
            continue;
        }
        let before = expected[index].handled;
        ledger.advance_one(&id, 1_000 + index as u64).await;
        expected[index] = ledger.load_one(&id).await;
        assert!(expected[index].handled > before, "the record of {} should be advanced", ledger.key);
        for (other, expected) in ledgers.iter().zip(&expected) {
            assert_eq!(
                other.load_one(&id).await,
                *expected,
                "the record of {} after an advance of {}",
                other.key,
                ledger.key
            );
        }
    }
}

/// A key and an id are not glued together: type `a/b` and id `c` are not type `a` and id `b/c`.
pub async fn keys_and_ids_of_records_are_not_glued_together(subject: &ProgressSubject) {
    let records = subject.open().await;
    let (name, resource_type) = (unique("s"), unique("t"));
    let key = |of: &str| SubscriptionKey::new(&*name, of);
    let mut places: Vec<(Ledger, ResourceId)> = Vec::new();
    for between in ["/", "#", "-", ".", ":", "@", "|", " "] {
        let long = format!("{resource_type}{between}b");
        for (key, id) in [
            (key(&long), "c".to_owned()),
            (key(&resource_type), format!("b{between}c")),
            (key(&resource_type), format!("{between}b{between}c")),
            (key(&resource_type), format!("{long}{between}c")),
            (key(&resource_type), format!("{name}{between}{long}{between}c")),
            (key(&long), format!("{between}c")),
            // What a store might put beside the records.
            (key(&resource_type), format!("{between}4")),
            (key(&resource_type), format!("{between}00000000000000000004")),
        ] {
            places.push((Ledger::new(records.clone(), key), id.into()));
        }
    }
    let (mut expected, mut skips) = (Vec::new(), Vec::new());
    for (index, (ledger, id)) in (0..).zip(&places) {
        let skip = skipped(4 + index % 2);
        expected.push(ledger.swap_and_skip(id, 0, &parked(index), Some(&skip)).await);
        skips.push(skip);
    }
    for (((ledger, id), expected), skip) in places.iter().zip(&expected).zip(&skips) {
        let key: &Arc<SubscriptionKey> = &ledger.key;
        assert_eq!(ledger.load_one(id).await, *expected, "the record of {id:?} of {key}");
        assert_eq!(ledger.skipped(id).await, from_ref(skip), "what was skipped of {id:?} of {key}");
    }
}
