//! How far subscriptions are: kept, compared before it is changed, listed.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    ResourceId, StoreErrorKind,
    subscription::{
        Parked, ParkedCursor, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey, Swap,
    },
};
use aws_event_sourcing_dynamodb::DynamoDbSubscriptions;
use futures_util::future::join_all;

use crate::support::{Tables, at, dynamodb, key};

pub(crate) async fn progress() -> DynamoDbSubscriptions {
    Tables::new().await.progress(&dynamodb().await)
}

pub(crate) fn id(number: usize) -> ResourceId {
    format!("r-{number:04}").into()
}

pub(crate) fn parked(next_attempt_at: u64) -> Parked {
    Parked {
        number: 4,
        after: 3,
        event_type: Some("NoteAdded".into()),
        waiting: 6,
        error: "no".into(),
        attempts: 3,
        first_failed_at: at(1),
        last_failed_at: at(2),
        next_attempt_at: at(next_attempt_at),
        claimed_until: None,
        trace: None,
    }
}

pub(crate) fn with_marker(next_attempt_at: u64) -> Progress {
    Progress { handled: Some(3), parked: Some(Box::new(parked(next_attempt_at))), revision: 0 }
}

pub(crate) fn handled(number: u64, revision: u64) -> Progress {
    Progress { handled: Some(number), parked: None, revision }
}

pub(crate) fn skipped(number: u64) -> Skipped {
    Skipped {
        number,
        event_type: Some("NoteAdded".into()),
        error: "no".into(),
        reason: "a test".into(),
        by: "ada".into(),
        at: at(7),
    }
}

async fn load(store: &DynamoDbSubscriptions, id: &ResourceId) -> Progress {
    store.load(&key(), std::slice::from_ref(id)).await.expect("loaded").remove(0).expect("a record")
}

#[tokio::test]
async fn records_come_in_the_order_asked_for_and_what_is_not_there_is_empty() {
    let store = progress().await;
    let every_other: Vec<_> = (0..250).step_by(2).map(|number| (id(number), number as u64 + 1)).collect();
    store.advance(&key(), &every_other).await.expect("advanced");
    let mut ids: Vec<_> = (0..250).rev().map(id).collect();
    let beyond: [ResourceId; 2] = ["".into(), "x".repeat(2_049).into()];
    ids.extend(beyond);
    ids.push(id(4));
    let expected = (0..250).rev().map(|number| match number % 2 {
        0 => handled(number + 1, 1),
        _ => Progress::default(),
    });
    let expected = expected.chain([Progress::default(), Progress::default(), handled(5, 1)]);
    let found = store
        .load(&key(), &ids)
        .await
        .expect("loaded")
        .into_iter()
        .map(|record| record.expect("a record"))
        .collect::<Vec<_>>();
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(store.load(&key(), &[]).await.expect("loaded").is_empty());
    assert_eq!(load(&store, &id(2)).await, handled(3, 1));
    assert_eq!(load(&store, &id(3)).await, Progress::default());
}

#[tokio::test]
async fn what_is_handled_never_goes_back_and_what_is_parked_stays() {
    let store = progress().await;
    for (number, expected) in [(3, handled(3, 1)), (2, handled(3, 1)), (3, handled(3, 1)), (9, handled(9, 2))]
    {
        store.advance(&key(), &[(id(1), number)]).await.expect("advanced");
        assert_eq!(load(&store, &id(1)).await, expected);
    }
    let parked = with_marker(5);
    assert_eq!(store.swap(&key(), &id(1), 2, &parked, None).await.expect("swapped"), Swap::Done(3));
    store.advance(&key(), &[(id(1), 20), (id(2), 1)]).await.expect("advanced");
    assert_eq!(load(&store, &id(1)).await, Progress { revision: 3, ..parked });
    assert_eq!(load(&store, &id(2)).await, handled(1, 1));
}

#[tokio::test]
async fn of_many_that_saw_the_same_one_wins() {
    let store = progress().await;
    for seen in 0..4 {
        let attempts: Vec<_> = (0..40).map(|number| with_marker(number + 1)).collect();
        let swaps = attempts.iter().map(|next| {
            let store = &store;
            async move { store.swap(&key(), &id(1), seen, next, None).await.expect("an answer") }
        });
        let swaps = join_all(swaps).await;
        let now = load(&store, &id(1)).await;
        assert_eq!(now.revision, seen + 1);
        let done: Vec<_> =
            swaps.iter().zip(&attempts).filter(|(swap, _)| **swap == Swap::Done(seen + 1)).collect();
        let [(_, won)] = &done[..] else { panic!("{} have won", done.len()) };
        assert_eq!(now, Progress { revision: seen + 1, ..(*won).clone() });
        let lost = swaps.iter().filter(|swap| **swap == Swap::Changed(now.clone())).count();
        assert_eq!(lost, 39);
    }
}

#[tokio::test]
async fn a_record_is_swapped_only_as_it_was_seen() {
    let store = progress().await;
    let never = store.swap(&key(), &id(1), 7, &with_marker(1), None).await.expect("an answer");
    assert_eq!(never, Swap::Changed(Progress::default()));
    assert_eq!(store.swap(&key(), &id(1), 0, &with_marker(1), None).await.expect("swapped"), Swap::Done(1));
    let current = Progress { revision: 1, ..with_marker(1) };
    for seen in [0, 2] {
        let swap = store.swap(&key(), &id(1), seen, &handled(9, 0), None).await.expect("an answer");
        assert_eq!(swap, Swap::Changed(current.clone()));
    }
    assert_eq!(store.swap(&key(), &id(1), 1, &handled(9, 0), None).await.expect("swapped"), Swap::Done(2));
    assert_eq!(load(&store, &id(1)).await, handled(9, 2));
    let page = store.parked(&key(), None, 10, None).await.expect("listed");
    assert_eq!(page.resources, [], "what is not parked is not in the index");
}

#[tokio::test]
async fn what_is_skipped_is_noted_with_the_record_or_not_at_all() {
    let store = progress().await;
    let noted = || async { store.skipped(&key(), &id(1)).await.expect("listed") };
    store.swap(&key(), &id(1), 0, &with_marker(1), None).await.expect("swapped");
    let refused = store.swap(&key(), &id(1), 5, &with_marker(2), Some(&skipped(4))).await.expect("an answer");
    assert_eq!(refused, Swap::Changed(Progress { revision: 1, ..with_marker(1) }));
    assert_eq!(noted().await, []);
    let refused = store.swap(&key(), &id(2), 5, &with_marker(2), Some(&skipped(4))).await.expect("an answer");
    assert_eq!(refused, Swap::Changed(Progress::default()));

    for (seen, number) in (1..).zip([4, 10, 9, u64::MAX]) {
        let swap = store.swap(&key(), &id(1), seen, &with_marker(2), Some(&skipped(number))).await;
        assert_eq!(swap.expect("swapped"), Swap::Done(seen + 1));
    }
    assert_eq!(noted().await, [4, 9, 10, u64::MAX].map(skipped));
    assert_eq!(store.skipped(&key(), &id(2)).await.expect("listed"), []);
    assert_eq!(store.skipped(&key(), &"".into()).await.expect("listed"), []);
}

#[tokio::test]
async fn of_many_that_skip_the_same_one_does() {
    let store = progress().await;
    store.swap(&key(), &id(1), 0, &with_marker(1), None).await.expect("swapped");
    let swaps = (0..10).map(|number| {
        let store = &store;
        async move {
            let skipped = Skipped { by: format!("{number}").into(), ..skipped(4) };
            store.swap(&key(), &id(1), 1, &with_marker(2), Some(&skipped)).await.expect("an answer")
        }
    });
    let done = join_all(swaps).await.into_iter().filter(|swap| matches!(swap, Swap::Done(2))).count();
    assert_eq!(done, 1);
    assert_eq!(store.skipped(&key(), &id(1)).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn keys_have_nothing_to_do_with_each_other() {
    let store = progress().await;
    // Whatever a resource and its type are called.
    let keys = ["notebook", "notebook/x", "notebook/00000000000000000004", "other"];
    let keys: Vec<_> = keys.iter().map(|of| SubscriptionKey::new("tests", *of)).collect();
    let ids: Vec<ResourceId> =
        ["#registered", "#feed/tests/notebook", "r", "#skipped/tests/notebook"].map(Into::into).into();
    for (number, key) in (1..).zip(&keys) {
        store.register(key, Start::Now, at(number)).await.expect("registered");
        for id in &ids {
            let swap = store.swap(key, id, 0, &with_marker(number), Some(&skipped(number))).await;
            assert_eq!(swap.expect("swapped"), Swap::Done(1));
        }
    }
    for (number, key) in (1..).zip(&keys) {
        let expected = vec![Progress { revision: 1, ..with_marker(number) }; ids.len()];
        let found = store
            .load(key, &ids)
            .await
            .expect("loaded")
            .into_iter()
            .map(|record| record.expect("a record"))
            .collect::<Vec<_>>();
        assert_eq!(found, expected);
        for id in &ids {
            assert_eq!(store.skipped(key, id).await.expect("listed"), [skipped(number)]);
        }
        let page = store.parked(key, None, 100, None).await.expect("listed");
        assert_eq!(page.resources.len(), ids.len());
    }
    assert_eq!(store.registered().await.expect("listed").len(), keys.len());
}

/// All pages of what is parked.
async fn walk(store: &DynamoDbSubscriptions, due: Option<u64>, limit: usize) -> Vec<(ResourceId, u64)> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.parked(&key(), due.map(at), limit, after.as_ref()).await.expect("listed");
        assert!(page.resources.len() <= limit.max(1) && all.len() < 1_000, "it goes on and on");
        for (id, progress) in page.resources {
            let parked = progress.parked.expect("a marker");
            let millis = parked.next_attempt_at.as_unix_millis() - at(0).as_unix_millis();
            all.push((id, millis));
        }
        match page.next {
            Some(next) => {
                let (id, millis) = all.last().expect("a page has something").clone();
                assert_eq!(next, ParkedCursor { next_attempt_at: at(millis), id });
                after = Some(next);
            }
            None => return all,
        }
    }
}

#[tokio::test]
async fn what_is_parked_is_listed_by_time_and_id_on_pages_of_any_size() {
    let store = progress().await;
    // Runs of the same time, in another order than that of the ids.
    let times = |number: usize| match number {
        0..30 => 5,
        30..35 => 2,
        35..70 => 9,
        _ => number as u64,
    };
    let all: Vec<_> = (0..80).map(|number| (id(79 - number), times(number))).collect();
    let swaps = all.iter().map(|(id, time)| {
        let (store, next) = (&store, with_marker(*time));
        async move { store.swap(&key(), id, 0, &next, None).await.expect("swapped") }
    });
    join_all(swaps).await;
    let mut expected = all.clone();
    expected.sort_by(|(one, at), (other, later)| (at, one).cmp(&(later, other)));
    for limit in [0, 1, 3, 7, 29, 79, 80, 81, 5_000] {
        assert_eq!(walk(&store, None, limit).await, expected, "pages of {limit}");
    }
    for due in [1, 2, 5, 8, 9, 100] {
        let due_by_then: Vec<_> = expected.iter().filter(|(_, at)| *at <= due).cloned().collect();
        assert_eq!(walk(&store, Some(due), 4).await, due_by_then, "due at {due}");
    }
    let after = ParkedCursor { next_attempt_at: at(9), id: id(0) };
    let page = store.parked(&key(), Some(at(5)), 3, Some(&after)).await.expect("listed");
    assert_eq!((page.resources, page.next), (Vec::new(), None));
}

#[tokio::test]
async fn the_first_registration_stays() {
    let store = progress().await;
    let first = store.register(&key(), Start::Now, at(1)).await.expect("registered");
    assert_eq!(first, Registration { key: key(), start: Start::Now, started_at: at(1) });
    assert_eq!(store.register(&key(), Start::Beginning, at(2)).await.expect("registered"), first);

    let names = ["b", "a", "a.b", "A"];
    let keys: BTreeSet<_> = names
        .iter()
        .flat_map(|name| ["notebook", "a", "a/b"].map(|of| SubscriptionKey::new(*name, of)))
        .chain([key()])
        .collect();
    for key in &keys {
        store.register(key, Start::Beginning, at(3)).await.expect("registered");
    }
    let registered = store.registered().await.expect("listed");
    assert!(registered.iter().map(|registration| &registration.key).eq(&keys), "in the order of the keys");
    assert!(registered.contains(&first));
}

#[tokio::test]
async fn an_id_beyond_the_limits_is_refused() {
    let store = progress().await;
    for id in ["".to_owned(), "x".repeat(2_049)] {
        let id = ResourceId::from(id);
        let error = store.swap(&key(), &id, 0, &with_marker(1), None).await.expect_err("refused");
        assert_eq!(error.kind(), StoreErrorKind::TooLarge);
        let error = store.advance(&key(), &[(id, 1)]).await.expect_err("refused");
        assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    }
    let longest = ResourceId::from("x".repeat(2_048));
    store.advance(&key(), &[(longest.clone(), 1)]).await.expect("advanced");
    assert_eq!(load(&store, &longest).await, handled(1, 1));
}
