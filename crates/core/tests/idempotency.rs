//! A commit with an idempotency key happens once, however often and by whomever it is asked for.

mod common;

use std::collections::BTreeSet;

use aws_event_sourcing_core::{CommitError, CommitId, MemoryStore, Repository, StoreError};
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

#[tokio::test]
async fn a_key_counts_within_its_scope() {
    let store = Counted::default();
    let products = store.repository();
    // None of these can be taken for another, however key and scope meet.
    let mut keys: Vec<(String, Option<String>)> = [
        ("1", None),
        ("1", Some("")),
        ("1", Some("a")),
        ("1", Some("b")),
        ("a/1", None),
        ("(a)1", None),
        ("()1", None),
    ]
    .map(|(key, scope)| (key.to_owned(), scope.map(str::to_owned)))
    .into();
    let stored: Vec<_> =
        keys.iter().map(|(key, scope)| CommitId::of_key(key, scope.as_deref()).to_string()).collect();
    keys.extend(
        stored[1..].iter().flat_map(|key| [(key.clone(), None), (key.clone(), Some("c".to_owned()))]),
    );
    keys.sort();
    keys.dedup();

    let shared = products.create(ProductRestocked { amount: 99 }).await.unwrap().id().clone();
    let mut seen = BTreeSet::new();
    for (key, scope) in &keys {
        for repository in [&products, &products, &store.repository()] {
            let create = repository.create(ProductRestocked { amount: 1 }).idempotency_key(key.as_str());
            let commit = repository.commit(&shared, ProductReserved).idempotency_key(key.as_str());
            let (created, committed) = match scope {
                Some(scope) => (
                    create.idempotency_scope(scope.as_str()).await,
                    commit.idempotency_scope(scope.as_str()).await,
                ),
                None => (create.await, commit.await),
            };
            seen.insert((created.unwrap().id().clone(), committed.unwrap().version()));
        }
    }
    assert_eq!(seen.len(), keys.len(), "{seen:?}");

    let other =
        products.commit(&shared, ProductRestocked { amount: 1 }).idempotency_scope("a").idempotency_key("1");
    let reused = other.await.unwrap_err();
    assert!(matches!(&reused, CommitError::KeyReused { key } if key == "1"), "{reused:?}");
    // Without a key, a scope says nothing.
    let version = products.find_one(&shared).await.unwrap().version();
    for next in 1..=2 {
        let committed = products.commit(&shared, ProductReserved).idempotency_scope("a").await.unwrap();
        assert_eq!(committed.version(), version + next);
    }
    for key in [String::new(), "k".repeat(1024 - 37)] {
        let refused =
            products.commit(&shared, ProductReserved).idempotency_key(key).idempotency_scope("a").await;
        assert!(matches!(&refused, Err(CommitError::Store(error)) if !error.is_retryable()), "{refused:?}");
    }
    let longest = products.commit(&shared, ProductReserved).idempotency_key("k".repeat(1024 - 38));
    longest.idempotency_scope("a".repeat(10_000)).await.unwrap();
}

mod meaning {
    //! Which events are the same.

    use std::collections::{BTreeMap, HashMap, HashSet};

    use aws_event_sourcing_core::{
        Aggregate, Appended, Commit, CommitError, EncodedEvent, Event, EventStore as _, Json, MemoryStore,
        Repository, ResourceKey, Timestamp,
    };
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    enum LogEvent {
        Tagged {
            tags: HashSet<String>,
            #[serde(default)]
            since: u8,
            #[serde(skip)]
            unsaid: u8,
        },
        Counted {
            count: u128,
        },
        Listed(Vec<u8>),
        Grouped(HashMap<u64, HashSet<u64>>),
        #[serde(alias = "Remarked")]
        Noted(Value),
        Sized(Size),
        Named(Name),
        Sorted {
            first: f64,
            groups: Vec<BTreeMap<bool, HashSet<u8>>>,
        },
    }
    use LogEvent::{Counted, Grouped, Listed, Named, Noted, Sized, Sorted, Tagged};

    /// Loses digits when it is read: serde looks at untagged numbers as floats when they do not fit into 64 bits.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Size {
        Whole(u64),
        Real(f64),
        Huge(u128),
    }

    /// Equal for more than has one text.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Name(String);

    impl PartialEq for Name {
        fn eq(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(&other.0)
        }
    }

    #[derive(Debug, Clone, Default)]
    struct Log;

    impl Aggregate for Log {
        const TYPE: &'static str = "log";
        type Event = LogEvent;
        type Error = &'static str;

        fn validate(&self, _: &LogEvent) -> Result<(), &'static str> {
            Ok(())
        }

        fn apply(&mut self, _: &LogEvent) {}
    }

    const A_HUNDRED_QUINTILLIONS: u128 = 100_000_000_000_000_000_000;

    fn tagged(tags: impl Iterator<Item = u32>, since: u8, unsaid: u8) -> LogEvent {
        Tagged { tags: tags.map(|tag| tag.to_string()).collect(), since, unsaid }
    }

    async fn is_known(one: &LogEvent, other: &LogEvent) -> bool {
        let logs = Repository::<Log>::new(MemoryStore::new());
        logs.create(one.clone()).idempotency_key("k").await.expect("it succeeds");
        match logs.create(other.clone()).idempotency_key("k").await {
            Ok(again) => again.version() == 1,
            Err(CommitError::KeyReused { .. }) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    #[tokio::test]
    async fn an_equal_event_is_known_again_in_whatever_order_its_sets_are() {
        let groups = |keys: &mut dyn Iterator<Item = u64>| {
            Grouped(keys.map(|key| (key, (0..9).map(|tag| tag * key).collect())).collect())
        };
        let sorted = |first| Sorted {
            first,
            groups: vec![BTreeMap::from([(true, (0..9).collect()), (false, HashSet::from([7, 8, 9]))])],
        };
        for (one, other) in [
            (tagged(0..20, 0, 0), tagged((0..20).rev(), 0, 0)),
            (tagged(0..20, 0, 1), tagged(0..20, 0, 2)),
            (groups(&mut (1..9)), groups(&mut (1..9).rev())),
            (sorted(-0.0), sorted(0.0)),
            (Noted(json!({"a": 1.0, "b": [1e2]})), Noted(json!({"b": [100], "a": 1}))),
            (Counted { count: A_HUNDRED_QUINTILLIONS }, Counted { count: A_HUNDRED_QUINTILLIONS }),
            (Named(Name("a".into())), Named(Name("a".into()))),
        ] {
            assert!(is_known(&one, &other).await, "{one:?} and {other:?}");
        }
    }

    #[tokio::test]
    async fn another_event_is_told_from_it_to_the_last_digit() {
        for (one, other) in [
            (Counted { count: A_HUNDRED_QUINTILLIONS }, Counted { count: A_HUNDRED_QUINTILLIONS + 1 }),
            (Noted(json!(u64::MAX)), Noted(json!(u64::MAX - 1))),
            (Noted(json!(0.1)), Noted(json!(0.100_000_000_000_000_02))),
            (Noted(json!(1)), Noted(json!("1"))),
            (Listed(vec![1, 2]), Listed(vec![2, 1])),
            (Noted(json!([1, 2])), Noted(json!([2, 1]))),
            (tagged(0..20, 0, 0), tagged(0..20, 1, 0)),
            (tagged(0..20, 0, 0), tagged(0..19, 0, 0)),
            (Named(Name("a".into())), Named(Name("A".into()))),
            (Sized(Size::Huge(A_HUNDRED_QUINTILLIONS)), Sized(Size::Huge(A_HUNDRED_QUINTILLIONS + 1))),
            (Sized(Size::Huge(A_HUNDRED_QUINTILLIONS + 1)), Sized(Size::Huge(A_HUNDRED_QUINTILLIONS))),
        ] {
            assert!(!is_known(&one, &other).await, "{one:?} and {other:?}");
        }
        // Even where the program reads less than is stored.
        let huge = Sized(Size::Huge(A_HUNDRED_QUINTILLIONS + 1));
        assert!(is_known(&huge, &huge).await);
    }

    /// Events that an older version of the program has stored, in an order and a form of its own.
    #[tokio::test]
    async fn an_older_form_of_the_event_is_known_again() {
        for (event_type, data, event, known) in [
            ("Tagged", r#"{"tags":["2","0","1"]}"#, tagged(0..3, 0, 0), true),
            ("Tagged", r#"{"tags":["2","0","1"]}"#, tagged(0..3, 1, 0), false),
            ("Remarked", r#"{"b": 1.0, "a": "\u0061"}"#, Noted(json!({"a": "a", "b": 1.0})), true),
            ("Noted", r#"{"b": 1.0, "a": "\u0061"}"#, Noted(json!({"a": "a", "b": 1})), true),
            (
                "Counted",
                r#"{"count": 100000000000000000000, "gone": []}"#,
                Counted { count: A_HUNDRED_QUINTILLIONS },
                true,
            ),
            (
                "Counted",
                r#"{"count": 100000000000000000001}"#,
                Counted { count: A_HUNDRED_QUINTILLIONS },
                false,
            ),
        ] {
            let store = MemoryStore::new();
            let commit = Commit {
                resource: ResourceKey::new("log", "a"),
                number: 1,
                events: vec![EncodedEvent {
                    event_type: event_type.into(),
                    data: Some(Json::parse(data).unwrap()),
                }],
                at: Timestamp::from_unix_millis(0),
                id: "k".into(),
                follows: None,
                trace: None,
                cause: None,
                meta: None,
            };
            assert_eq!(store.append(&commit).await.unwrap(), Appended::Now);
            let logs = Repository::<Log>::new(store);
            let again = logs.create(event).id("a").idempotency_key("k").await;
            assert_eq!(again.is_ok(), known, "{data}: {again:?}");
        }
    }
}
