//! A commit with an idempotency key happens once, however often and by whomever it is asked for.

mod common;

use aws_event_sourcing_core::{CommitError, MemoryStore, Repository, StoreError};
use common::{Counted, Product, ProductReserved, ProductRestocked, Requests};
use futures_util::future::join_all;

#[tokio::test]
async fn a_known_key_writes_nothing_and_answers_as_the_first_time() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 9 }).await.unwrap().id().clone();
    let first =
        products.commit_all(&id, [ProductReserved, ProductReserved]).idempotency_key("k").await.unwrap();
    assert_eq!((first.version(), first.quantity), (3, 7));
    products.commit(&id, ProductReserved).await.unwrap();
    store.take();

    let again =
        products.commit_all(&id, [ProductReserved, ProductReserved]).idempotency_key("k").await.unwrap();
    assert_eq!((again.version(), again.quantity), (3, 7));
    assert_eq!(store.take().appends, 0);

    // By a handle, which is at the newest version all the same; and by a process that knows nothing yet.
    let mut product = products.find_one(&id).await.unwrap();
    assert_eq!(product.commit_all([ProductReserved, ProductReserved]).idempotency_key("k").await.unwrap(), 3);
    assert_eq!(product.version(), 4);
    let cold = store.repository();
    let again = cold.commit_all(&id, [ProductReserved, ProductReserved]).idempotency_key("k").await.unwrap();
    assert_eq!(again.version(), 3);
    assert_eq!(cold.find_one(&id).await.unwrap().version(), 4);
}

#[tokio::test]
async fn a_repeated_create_finds_the_first() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let first = here.create(ProductRestocked { amount: 9 }).idempotency_key("order 7").await.unwrap();
    here.commit(first.id(), ProductReserved).await.unwrap();
    for products in [&here, &there] {
        let again = products.create(ProductRestocked { amount: 9 }).idempotency_key("order 7").await.unwrap();
        assert_eq!((again.id(), again.version(), again.quantity), (first.id(), 1, 9));
        let other =
            products.create(ProductRestocked { amount: 8 }).idempotency_key("order 7").await.unwrap_err();
        assert!(matches!(&other, CommitError::KeyReused { key } if key == "order 7"), "{other:?}");
    }
    assert_eq!(here.find_one(first.id()).await.unwrap().version(), 2);
}

#[tokio::test]
async fn a_key_with_other_events_is_refused_but_for_an_update() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let id = products.create(ProductRestocked { amount: 9 }).await.unwrap().id().clone();
    products.commit(&id, ProductRestocked { amount: 1 }).idempotency_key("k").await.unwrap();
    for events in [vec![ProductRestocked { amount: 2 }], vec![ProductReserved], vec![ProductReserved; 2]] {
        let refused = products.commit_all(&id, events).idempotency_key("k").await.unwrap_err();
        assert!(matches!(refused, CommitError::KeyReused { .. }), "{refused:?}");
    }
    let updated = products.update(&id, |product| product.reserve(5)).idempotency_key("k").await.unwrap();
    assert_eq!((updated.version(), updated.quantity), (2, 10));
}

#[tokio::test]
async fn a_repeated_commit_is_not_asked_for_permission_again() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 1 }).await.unwrap().id().clone();
    products.commit(&id, ProductReserved).expecting(1).idempotency_key("the last one").await.unwrap();
    // Sold out by now, and at another version; a process without that knowledge is told the same.
    for products in [&products, &store.repository()] {
        let again =
            products.commit(&id, ProductReserved).expecting(1).idempotency_key("the last one").await.unwrap();
        assert_eq!(again.version(), 2);
    }
}

#[tokio::test]
async fn a_lost_answer_and_the_same_key_again_is_one_commit() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 5 }).await.unwrap().id().clone();
    store.lose_next_answer();
    products.commit(&id, ProductReserved).idempotency_key("k").await.unwrap_err();
    let again = products.commit(&id, ProductReserved).idempotency_key("k").await.unwrap();
    assert_eq!((again.version(), again.quantity), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repetitions_of_one_key_are_one_commit() {
    let store = Counted::default();
    let processes = [store.repository(), store.repository()];
    let id = processes[0].create(ProductRestocked { amount: 99 }).await.unwrap().id().clone();
    for round in 0..50 {
        let key = format!("round {round}");
        let commits = (0..8).map(|caller| {
            let (products, id, key) = (processes[caller % 2].clone(), id.clone(), key.clone());
            tokio::spawn(async move {
                products.commit(&id, ProductReserved).idempotency_key(key).await.unwrap().version()
            })
        });
        let versions: Vec<u64> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(versions, [round + 2; 8]);
    }
    // One of two different intents under one key wins; the other is told.
    let (here, there) = (processes[0].clone(), processes[1].clone());
    for round in 0..50 {
        let key = format!("different {round}");
        let one =
            here.commit(&id, ProductRestocked { amount: 1 }).idempotency_key(key.as_str()).into_future();
        let two =
            there.commit(&id, ProductRestocked { amount: 2 }).idempotency_key(key.as_str()).into_future();
        let (one, two) = tokio::join!(tokio::spawn(one), tokio::spawn(two));
        let results = [one.unwrap(), two.unwrap()];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(
            results.iter().any(|result| matches!(result, Err(CommitError::KeyReused { .. }))),
            "{results:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_key_costs_nothing_and_an_impossible_one_is_refused() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 5 }).await.unwrap().id().clone();
    store.take();
    products.commit(&id, ProductReserved).idempotency_key("new").await.unwrap();
    assert_eq!(store.take(), Requests { appends: 1, reads: 0 });
    for key in [String::new(), "k".repeat(1025)] {
        let error = products.commit(&id, ProductReserved).idempotency_key(key).await.unwrap_err();
        let CommitError::Store(error) = error else { panic!("{error:?}") };
        assert_eq!(StoreError::kind(&error), aws_event_sourcing_core::StoreErrorKind::TooLarge);
    }
}
