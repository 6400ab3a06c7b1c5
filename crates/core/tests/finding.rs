//! What a repository finds, and what it costs.

mod common;

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    AppendError, Appended, CacheSettings, Commit, CommitError, CommitStream, Cursor, EncodedEvent,
    EventStore, FindError, Json, MemoryStore, Moment, Page, Repository, ResourceKey, StoreError,
    StoreErrorKind, Timestamp,
};
use common::{Counted, Product, ProductRenamed, ProductReserved, ProductRestocked, Requests};
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

#[tokio::test]
async fn finds_what_was_committed_and_serializes_it_flat() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let mut product = products.create(ProductRestocked { amount: 5 }).id("p 1").await.unwrap();
    assert_eq!(product.commit_all([ProductReserved, ProductReserved]).await.unwrap(), 3);

    let found = products.find_one("p 1").await.unwrap();
    assert_eq!((found.version(), found.quantity), (3, 3));
    assert_eq!(serde_json::to_string(&found).unwrap(), r#"{"id":"p 1","version":3,"quantity":3,"name":""}"#);

    let missing = products.find_one("p 2").await.unwrap_err();
    assert_eq!(missing.to_string(), "product p 2 does not exist");
}

#[tokio::test]
async fn a_warm_resource_costs_one_read_of_what_is_new_and_its_present_version_none() {
    let store = Counted::default();
    let (products, elsewhere) = (store.repository(), store.repository());
    let product = products.create(ProductRestocked { amount: 5 }).await.unwrap();
    elsewhere.commit(product.id(), ProductReserved).await.unwrap();
    store.take();

    assert_eq!(products.find_one(product.id()).await.unwrap().quantity, 4);
    assert_eq!(store.take(), Requests { appends: 0, reads: 1 });
    assert_eq!(products.find_one_at(product.id(), 2).await.unwrap().quantity, 4);
    assert_eq!(store.take(), Requests { appends: 0, reads: 0 });
}

#[tokio::test]
async fn every_version_of_the_past_can_be_visited_also_inside_a_commit() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 5 }).await.unwrap().id().clone();
    products.commit_all(&id, [ProductReserved, ProductReserved, ProductReserved]).await.unwrap();

    for (version, quantity) in [(1, 5), (2, 4), (3, 3), (4, 2)] {
        let past = products.find_one_at(&id, version).await.unwrap();
        assert_eq!((past.version(), past.quantity), (version, quantity));
    }
    for version in [0, 5, u64::MAX] {
        let error = products.find_one_at(&id, version).await.unwrap_err();
        assert!(matches!(error, FindError::NoSuchVersion { actual: 4, .. }), "{error}");
    }
    assert!(matches!(products.find_one_at("none", 1).await, Err(FindError::NotFound { .. })));
}

#[tokio::test]
async fn a_time_finds_the_state_before_the_first_later_commit_whatever_the_clocks_said() {
    let at = Timestamp::from_unix_millis;
    for (history, clocks) in
        [[1, 2, 3, 4], [3, 1, 2, 4], [1, 4, 2, 3], [2, 2, 1, 2], [4, 3, 2, 1]].iter().enumerate()
    {
        let store = Counted::default();
        let (warm, id) = (store.repository(), format!("p{history}"));
        for (number, clock) in (1..).step_by(2).zip(clocks) {
            let commit = Commit {
                resource: warm.key(&*id),
                number,
                events: vec![
                    EncodedEvent {
                        event_type: "ProductRestocked".into(),
                        data: Some(Json::parse(r#"{"amount":1}"#).unwrap()),
                    };
                    2
                ],
                at: at(*clock),
                id: number.to_string().into(),
                follows: None,
                trace: None,
                cause: None,
                meta: None,
            };
            store.append(&commit).await.unwrap();
        }
        // Twice: the second time it is known what the first one has read.
        for time in [4, 0, 2, 5, 1, 3, 0, 1, 2, 3, 4, 5] {
            let commits = clocks.iter().take_while(|clock| **clock <= time).count() as u64;
            for products in [&warm, &store.repository()] {
                match products.find_one_at_time(&*id, at(time)).await {
                    Ok(found) => {
                        assert_eq!((found.version(), found.quantity), (2 * commits, 2 * commits as u32));
                    }
                    Err(FindError::NotFound { .. }) => assert_eq!(commits, 0, "{clocks:?} at {time}"),
                    Err(error) => panic!("{error}"),
                }
            }
        }
        // Nothing is decided on the past.
        let mut past = warm.find_one_at_time(&*id, at(4)).await.unwrap();
        assert_eq!(past.commit(ProductReserved).await.unwrap(), 9);
    }
    let missing = Counted::default().repository().find_one_at_time("none", at(1)).await.unwrap_err();
    assert!(matches!(missing, FindError::NotFound { .. }));
}

#[tokio::test]
async fn a_time_costs_a_read_of_what_is_not_known_up_to_it() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 9 }).await.unwrap().id().clone();
    for _ in 0..5 {
        products.commit(&id, ProductReserved).await.unwrap();
    }
    store.take_commits();
    assert_eq!(products.find_one_at_time(&id, Timestamp::MAX).await.unwrap().version(), 6);
    // The answer begins with the last commit that is known, which shows that it is there still.
    assert_eq!((store.take_commits(), store.take()), (1, Requests { appends: 6, reads: 1 }));
}

#[tokio::test]
async fn a_resource_of_the_past_follows_the_present_when_it_moves_on() {
    for cache in [CacheSettings::default(), CacheSettings::OFF] {
        let products = Repository::<Product>::builder(MemoryStore::new()).cache(cache).build();
        let id = products.create(ProductRestocked { amount: 5 }).await.unwrap().id().clone();
        products.commit_all(&id, [ProductReserved, ProductReserved]).await.unwrap();

        let mut past = products.find_one_at(&id, 2).await.unwrap();
        assert_eq!(past.commit(ProductReserved).await.unwrap(), 4);
        assert_eq!((past.version(), past.quantity), (4, 2));

        let mut past = products.find_one_at(&id, 2).await.unwrap();
        past.hydrate().await.unwrap();
        assert_eq!((past.version(), past.quantity), (4, 2));
    }
}

#[tokio::test]
async fn events_begin_behind_any_number_also_inside_a_commit() {
    let store = Counted::default();
    let products = store.repository();
    let id =
        products.create(ProductRestocked { amount: 5 }).idempotency_key("first").await.unwrap().id().clone();
    products.commit_all(&id, [ProductReserved, ProductRenamed("x".into()), ProductReserved]).await.unwrap();
    products.commit(&id, ProductReserved).await.unwrap();

    let all: Vec<_> = products.events(&id).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|event| event.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(all[0].commit.as_str(), "first");
    assert_eq!(all[1].commit, all[3].commit);
    assert_ne!(all[3].commit, all[4].commit);
    assert_eq!(all[2].event, ProductRenamed("x".into()));
    for after in 0..7 {
        let some: Vec<_> = products.events(&id).after(after).try_collect().await.unwrap();
        assert_eq!(some, all[all.len().min(after as usize)..], "after {after}");
    }
    store.take();
    // The end is known from the cache and one read; a version from there on is read on its own.
    assert_eq!(products.events(&id).after(5).count().await, 0);
    assert_eq!(store.take(), Requests { appends: 0, reads: 1 });
    assert_eq!(products.events(&id).after(4).count().await, 1);
    assert_eq!(store.take(), Requests { appends: 0, reads: 1 });
    assert_eq!(products.events("none").after(1).count().await, 0);
}

#[tokio::test]
async fn all_resources_are_found_once_and_listed_in_the_order_of_creation() {
    let now = std::sync::atomic::AtomicU64::new(1);
    let clock = move || Timestamp::from_unix_millis(now.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let products = Repository::<Product>::builder(MemoryStore::new()).clock(clock).build();
    let mut ids = Vec::new();
    for amount in 1..=10 {
        let product = products.create(ProductRestocked { amount }).await.unwrap();
        products.commit_all(product.id(), [ProductReserved, ProductRestocked { amount: 1 }]).await.unwrap();
        ids.push(product.id().clone());
    }

    let mut all: Vec<_> = products.find_all().try_collect().await.unwrap();
    all.sort_by_key(|product| product.quantity);
    assert_eq!(all.iter().map(|product| product.id().clone()).collect::<Vec<_>>(), ids);
    assert!(all.iter().all(|product| product.version() == 3));

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = products.list(4, after.as_ref()).await.unwrap();
        listed.extend(page.ids);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

/// The id of a resource, and the number and the types of events of each of its commits.
type History = (&'static str, &'static [(u64, &'static [&'static str])]);

/// A commit of events of any types.
fn foreign(resource: ResourceKey, number: u64, types: &[&'static str]) -> Commit {
    let event = |event_type: &&'static str| EncodedEvent {
        event_type: (*event_type).into(),
        data: Some(Json::parse(r#"{"amount":1}"#).expect("JSON")),
    };
    let (events, at) = (types.iter().map(event).collect(), Timestamp::from_unix_millis(1));
    Commit {
        resource,
        number,
        events,
        at,
        id: "c".into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_says_which_event_of_which_resource() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let commit = foreign(products.key("p1"), 1, &["ProductRestocked", "ProductPainted"]);
    store.append(&commit).await.unwrap();

    let Err(FindError::Unreadable(error)) = products.find_one("p1").await else { panic!("found") };
    assert_eq!((&error.resource, error.number), (&products.key("p1"), Some(2)));
    assert_eq!(error.event_type.as_deref(), Some("ProductPainted"));
    assert_eq!(error.to_string(), r#"event 2 of product p1, of type "ProductPainted", cannot be read"#);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "no variant of the event enum has this name or alias");
    // What came before is as it was.
    assert_eq!(products.find_one_at("p1", 1).await.unwrap().quantity, 1);
    // Nobody can judge what may happen to it, and it is no fault of the store.
    let error = products.commit("p1", ProductReserved).await.unwrap_err();
    assert!(matches!(error, CommitError::Unreadable(_)), "{error:?}");
    let error = products.events("p1").try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.unreadable().unwrap().number, Some(2));
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
}

#[tokio::test]
async fn a_history_with_a_hole_is_not_taken_for_whole() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let id = products.create(ProductRestocked { amount: 1 }).await.unwrap().id().clone();
    store.append(&foreign(products.key(&id), 3, &["ProductReserved"])).await.unwrap();
    let Err(FindError::Unreadable(error)) = products.find_one(&id).await else { panic!("found") };
    assert_eq!((error.number, error.event_type.as_deref()), (Some(2), None));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the history goes on with number 3 where number 2 should be");
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_found_as_that_among_all_others() {
    const RESTOCKED: &[&str] = &["ProductRestocked"];
    const PAINTED: &[&str] = &["ProductPainted"];
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    // In the order of the scan: the first and the last of it, two neighbours, and some after which more follows.
    let histories: [History; 8] = [
        ("a", &[(1, PAINTED)]),
        ("b", &[(1, RESTOCKED), (2, RESTOCKED)]),
        ("c", &[(1, RESTOCKED), (2, PAINTED), (3, PAINTED), (4, RESTOCKED)]),
        ("d", &[(1, RESTOCKED), (3, RESTOCKED), (5, RESTOCKED)]),
        ("e", &[(1, RESTOCKED)]),
        ("f", &[(2, RESTOCKED), (3, PAINTED)]),
        ("g", &[(1, RESTOCKED)]),
        ("h", &[(1, RESTOCKED), (2, PAINTED)]),
    ];
    for (id, commits) in histories {
        for (number, types) in commits {
            store.append(&foreign(products.key(id), *number, types)).await.unwrap();
        }
    }
    let found: Vec<_> = products.find_all().collect().await;
    let found: Vec<_> = found
        .iter()
        .map(|found| match found {
            Ok(product) => (product.id().as_str(), Ok(product.version())),
            Err(FindError::Unreadable(error)) => {
                (error.resource.id.as_str(), Err((error.number, error.event_type.as_deref())))
            }
            Err(error) => panic!("{error:?}"),
        })
        .collect();
    let painted = |number| Err((Some(number), Some("ProductPainted")));
    assert_eq!(
        found,
        [
            ("a", painted(1)),
            ("b", Ok(2)),
            ("c", painted(2)),
            ("d", Err((Some(2), None))),
            ("e", Ok(1)),
            ("f", Err((Some(1), None))),
            ("g", Ok(1)),
            ("h", painted(2)),
        ]
    );
}

/// A store that fails is no resource that cannot be read: nobody knows what else there is.
#[tokio::test]
async fn a_scan_that_fails_ends_with_its_error() {
    struct Failing(MemoryStore);

    impl EventStore for Failing {
        fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
            self.0.append(commit)
        }

        fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
            self.0.read(resource, after)
        }

        fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
            let failing = |scan: CommitStream| {
                let error = StoreError::new(StoreErrorKind::Unavailable, "throttled");
                scan.take(2).chain(stream::iter([Err(error)])).boxed()
            };
            self.0.scan(resource_type).into_iter().map(failing).collect()
        }

        fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
            self.0.has_kept(resource_type, since)
        }

        fn list<'a>(
            &'a self,
            resource_type: &'a Arc<str>,
            limit: usize,
            after: Option<&'a Cursor>,
        ) -> BoxFuture<'a, Result<Page, StoreError>> {
            self.0.list(resource_type, limit, after)
        }
    }

    let store = MemoryStore::new();
    let products = Repository::<Product>::new(Failing(store.clone()));
    for id in ["a", "b", "c"] {
        store.append(&foreign(products.key(id), 1, &["ProductRestocked"])).await.unwrap();
    }
    let found: Vec<_> = products.find_all().collect().await;
    // There may be more of the second one.
    let [Ok(first), Err(FindError::Store(error))] = &found[..] else { panic!("{found:?}") };
    assert_eq!((first.id().as_str(), error.kind()), ("a", StoreErrorKind::Unavailable));
}

#[tokio::test]
async fn the_cache_stays_within_its_bounds() {
    for (cache, warm) in [
        (CacheSettings::default(), true),
        (CacheSettings::OFF, false),
        (CacheSettings { entries: 1, ..CacheSettings::default() }, false),
        (CacheSettings { bytes: 500, ..CacheSettings::default() }, false),
    ] {
        let store = Counted::default();
        let products = Repository::<Product>::builder(store.clone()).cache(cache).build();
        let first = products.create(ProductRestocked { amount: 5 }).await.unwrap();
        products.create(ProductRestocked { amount: 5 }).await.unwrap();
        store.take();
        products.commit(first.id(), ProductReserved).await.unwrap();
        assert_eq!(store.take(), Requests { appends: 1, reads: usize::from(!warm) }, "{cache:?}");
    }
}

#[tokio::test]
async fn a_long_history_does_not_fill_the_cache_beyond_its_bytes() {
    let store = Counted::default();
    let cache = CacheSettings { entries: 10, bytes: 20_000 };
    let products = Repository::<Product>::builder(store.clone()).cache(cache).build();
    let mut product = products.create(ProductRenamed("x".repeat(15_000))).await.unwrap();
    store.take();
    product.commit(ProductRestocked { amount: 1 }).await.unwrap();
    products.commit(product.id(), ProductReserved).await.unwrap();
    assert_eq!(store.take(), Requests { appends: 2, reads: 0 }, "kept");
    product.commit(ProductRenamed("y".repeat(15_000))).await.unwrap();
    store.take();
    products.commit(product.id(), ProductRestocked { amount: 1 }).await.unwrap();
    assert_eq!(store.take(), Requests { appends: 1, reads: 1 }, "given up");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_find_half_way_harms_nothing() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let id = products.create(ProductRestocked { amount: 1 }).await.unwrap().id().clone();
    for _ in 0..50 {
        let _ = tokio::time::timeout(Duration::ZERO, products.find_one(&id)).await;
    }
    assert_eq!(products.find_one(&id).await.unwrap().quantity, 1);
}

#[tokio::test]
async fn one_version_after_the_other_reads_each_commit_once() {
    let store = Counted::default();
    let products = store.repository();
    let mut product = products.create(ProductRestocked { amount: 100 }).await.expect("new");
    for _ in 0..10 {
        product.commit_all([ProductReserved, ProductReserved]).await.expect("there are some");
    }
    // Another process, in which a handler sees the events.
    let others = store.repository();
    store.take_commits();
    for version in 1..=21 {
        let past = others.find_one_at(product.id(), version).await.expect("it was there");
        assert_eq!((past.version(), past.quantity), (version, 101 - u32::try_from(version).expect("small")));
    }
    // One for the first event, and one for each of the two in every later commit.
    assert_eq!(store.take_commits(), 21);
    // Back again, and beyond.
    assert_eq!(others.find_one_at(product.id(), 2).await.expect("it was there").quantity, 99);
    assert_eq!(others.find_one_at(product.id(), 9).await.expect("it was there").quantity, 92);
    others.find_one_at(product.id(), 22).await.expect_err("not yet");
    others.find_one_at(product.id(), 0).await.expect_err("never");
}
