//! What a commit promises: validated on the newest state, written once, lost to nobody.

mod common;

use std::time::Duration;

use aws_event_sourcing_core::{CommitError, MemoryStore, Repository, Retry, Timestamp, TraceParent};
use common::{Counted, Product, ProductRenamed, ProductReserved, ProductRestocked, Requests, SoldOut};
use futures_util::{TryStreamExt as _, future::join_all};

#[tokio::test]
async fn a_commit_is_all_or_nothing() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let mut product = products.create(ProductRestocked { amount: 2 }).await.unwrap();
    let refused = product.commit_all([ProductReserved, ProductReserved, ProductReserved]).await;
    assert!(matches!(refused, Err(CommitError::Rejected(SoldOut))), "{refused:?}");
    assert_eq!((product.version(), product.quantity), (1, 2));
    assert_eq!(products.find_one(product.id()).await.unwrap().version(), 1);
    assert_eq!(product.commit_all([]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_warm_commit_is_one_write_and_no_read() {
    let store = Counted::default();
    let products = store.repository();
    let mut product = products.create(ProductRestocked { amount: 100 }).await.unwrap();
    assert_eq!(store.take(), Requests { appends: 1, reads: 0 });
    product.commit(ProductReserved).await.unwrap();
    products.commit(product.id(), ProductReserved).await.unwrap();
    products.update(product.id(), |product| product.reserve(3)).await.unwrap();
    assert_eq!(store.take(), Requests { appends: 3, reads: 0 });
    assert_eq!(products.find_one(product.id()).await.unwrap().quantity, 95);
}

#[tokio::test]
async fn a_lost_race_is_run_again_with_what_the_winner_left_and_no_read() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let mut product = here.create(ProductRestocked { amount: 2 }).await.unwrap();
    there.commit(product.id(), ProductReserved).await.unwrap();
    store.take();
    assert_eq!(product.commit(ProductReserved).await.unwrap(), 3);
    assert_eq!(store.take(), Requests { appends: 2, reads: 0 });
    assert_eq!(product.quantity, 0);
}

#[tokio::test]
async fn whoever_missed_more_than_one_commit_catches_up_by_reading() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let mut product = here.create(ProductRestocked { amount: 9 }).await.unwrap();
    for _ in 0..5 {
        there.commit(product.id(), ProductReserved).await.unwrap();
    }
    store.take();
    assert_eq!(product.commit(ProductReserved).await.unwrap(), 7);
    assert_eq!(store.take(), Requests { appends: 3, reads: 1 });
}

#[tokio::test]
async fn the_domain_says_no_on_the_newest_state_only() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let mut product = here.create(ProductRestocked { amount: 1 }).await.unwrap();
    product.commit(ProductReserved).await.unwrap();
    there.commit(product.id(), ProductRestocked { amount: 1 }).await.unwrap();
    store.take();
    // Sold out as far as this process knows; it looks again before it says so.
    product.commit(ProductReserved).await.unwrap();
    assert_eq!(store.take(), Requests { appends: 1, reads: 1 });
    there.commit(product.id(), ProductRestocked { amount: 2 }).await.unwrap();
    here.update(product.id(), |product| product.reserve(2)).await.unwrap();
    let refused = here.update(product.id(), |product| product.reserve(1)).await;
    assert!(matches!(refused, Err(CommitError::Rejected(SoldOut))), "{refused:?}");
}

#[tokio::test]
async fn an_expected_version_is_the_version_or_a_conflict() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let id = here.create(ProductRestocked { amount: 9 }).await.unwrap().id().clone();
    assert_eq!(here.commit(&id, ProductReserved).expecting(1).await.unwrap().version(), 2);
    for expected in [0, 1, 3, u64::MAX] {
        let error = here.commit(&id, ProductReserved).expecting(expected).await.unwrap_err();
        assert!(
            matches!(error, CommitError::Conflict { expected: said, actual: 2 } if said == expected),
            "{error:?}"
        );
    }
    // Known to be newer elsewhere: found out by reading. Not known: found out by losing, without a second try.
    there.commit(&id, ProductReserved).await.unwrap();
    assert_eq!(here.commit(&id, ProductReserved).expecting(3).await.unwrap().version(), 4);
    store.take();
    let error = there.commit(&id, ProductReserved).expecting(3).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { expected: 3, actual: 4 }), "{error:?}");
    assert_eq!(store.take(), Requests { appends: 1, reads: 0 });
    let missing = here.commit("none", ProductReserved).expecting(1).await.unwrap_err();
    assert!(matches!(missing, CommitError::Conflict { expected: 1, actual: 0 }), "{missing:?}");
}

#[tokio::test]
async fn one_of_several_expected_versions_will_do() {
    let store = Counted::default();
    let (here, there) = (store.repository(), store.repository());
    let id = here.create(ProductRestocked { amount: 9 }).await.unwrap().id().clone();
    there.commit(&id, ProductReserved).await.unwrap();
    assert_eq!(here.commit(&id, ProductReserved).expecting_any([7, 2]).await.unwrap().version(), 3);
    assert_eq!(there.commit(&id, ProductReserved).expecting_any([3, 2]).await.unwrap().version(), 4);
    let error = there.commit(&id, ProductReserved).expecting_any([3, 2, 8]).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { expected: 8, actual: 4 }), "{error:?}");
    let error = there.commit(&id, ProductReserved).expecting_any([]).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { expected: u64::MAX, actual: 4 }), "{error:?}");
}

#[tokio::test]
async fn an_id_that_is_taken_is_a_conflict_and_one_that_is_not_there_is_not_found() {
    let products = Repository::<Product>::new(MemoryStore::new());
    products.create(ProductRestocked { amount: 1 }).id("mine").await.unwrap();
    let taken = products.create(ProductRestocked { amount: 1 }).id("mine").await.unwrap_err();
    assert!(matches!(taken, CommitError::Conflict { expected: 0, actual: 1 }), "{taken:?}");
    let missing = products.commit("other", ProductRestocked { amount: 1 }).await.unwrap_err();
    assert!(matches!(missing, CommitError::NotFound { .. }), "{missing:?}");
    let missing = products.update("other", |_| Ok([ProductRestocked { amount: 1 }])).await.unwrap_err();
    assert!(matches!(missing, CommitError::NotFound { .. }), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_buyers_never_buy_more_than_there_is() {
    let store = Counted::default();
    let processes = [store.repository(), store.repository(), store.repository()];
    let id = processes[0].create(ProductRestocked { amount: 40 }).await.unwrap().id().clone();
    let buyers = (0..120).map(|buyer| {
        let (products, id) = (processes[buyer % 3].clone(), id.clone());
        tokio::spawn(async move { products.commit(&id, ProductReserved).await.map(drop) })
    });
    let results: Vec<_> = join_all(buyers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 40);
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(CommitError::Rejected(SoldOut)))));
    let numbers: Vec<u64> =
        processes[0].events(&id).map_ok(|event| event.number).try_collect().await.unwrap();
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn writers_of_one_process_do_not_race_each_other() {
    let store = Counted::default();
    let products = store.repository();
    let id = products.create(ProductRestocked { amount: 100 }).await.unwrap().id().clone();
    store.take();
    let results = join_all((0..50).map(|_| products.commit(&id, ProductReserved).into_future())).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(store.take(), Requests { appends: 50, reads: 0 });
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let store = Counted::default();
    let retry = Retry { attempts: 3, ..Retry::default() };
    let (here, there) =
        (Repository::<Product>::builder(store.clone()).retry(retry).build(), store.repository());
    let id = here.create(ProductRestocked { amount: 1 }).await.unwrap().id().clone();
    store.take();
    let contended = here
        .update(&id, |_| {
            // Somebody else is always faster: between this decision and its write.
            futures_util::FutureExt::now_or_never(
                there.commit(&id, ProductRestocked { amount: 1 }).into_future(),
            )
            .unwrap()
            .unwrap();
            Ok([ProductRestocked { amount: 1 }])
        })
        .await;
    assert!(matches!(contended, Err(CommitError::Contended { attempts: 3 })), "{contended:?}");
}

#[tokio::test]
async fn what_the_caller_adds_is_recorded() {
    let now = Timestamp::from_unix_millis(1_700_000_000_123);
    let products = Repository::<Product>::builder(MemoryStore::new()).clock(move || now).build();
    let trace = TraceParent::new_root(now);
    let id = trace
        .scope(async {
            let meta = serde_json::json!({"tenant": "acme"});
            products.create(ProductRestocked { amount: 1 }).meta(meta).await.unwrap().id().clone()
        })
        .await;
    products.commit(&id, ProductReserved).meta(serde_json::json!({})).await.unwrap();
    let events: Vec<_> = products.events(&id).try_collect().await.unwrap();
    assert_eq!((events[0].at, events[0].trace), (now, Some(trace)));
    assert_eq!(events[0].meta.as_ref().unwrap().as_str(), r#"{"tenant":"acme"}"#);
    assert_eq!((&events[1].meta, events[1].trace), (&None, None));
    let error = products.commit(&id, ProductRestocked { amount: 1 }).meta("acme").await.unwrap_err();
    assert!(matches!(error, CommitError::Store(_)), "{error:?}");
}

#[tokio::test]
async fn a_lost_answer_is_an_error_and_the_next_commit_finds_its_place() {
    let store = Counted::default();
    let products = store.repository();
    let mut product = products.create(ProductRestocked { amount: 5 }).await.unwrap();
    store.lose_next_answer();
    let error = product.commit(ProductReserved).await.unwrap_err();
    assert!(matches!(&error, CommitError::Store(error) if error.is_retryable()), "{error:?}");
    assert_eq!(product.commit(ProductReserved).await.unwrap(), 3);
    assert_eq!(product.quantity, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_commit_leaves_all_or_nothing_and_the_next_writer_has_its_turn() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let id = products.create(ProductRestocked { amount: 1 }).await.unwrap().id().clone();
    for _ in 0..100 {
        let two = products.commit_all(&id, [ProductRestocked { amount: 1 }, ProductRenamed("x".into())]);
        let _ = tokio::time::timeout(Duration::ZERO, two.into_future()).await;
    }
    let product = products.commit(&id, ProductReserved).await.unwrap();
    assert_eq!(product.version() % 2, 0, "one, some pairs, and one");
}

mod as_it_will_be_read {
    //! The state after a commit is the one that the history leads to, also before anybody has read that.

    use std::collections::BTreeMap;

    use aws_event_sourcing_core::{Aggregate, CommitError, Event, Json, MemoryStore, Repository, given};
    use futures_util::TryStreamExt as _;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json, value::RawValue};

    #[derive(Debug, Clone, Default, PartialEq, Serialize)]
    struct Sheet {
        cells: Vec<SheetEvent>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    enum SheetEvent {
        Filled(Cell),
        Noted(Value),
        Copied(Text),
        Linked {
            to: Option<Option<u8>>,
            from: BTreeMap<i8, ()>,
        },
        Guarded {
            #[serde(skip)]
            secret: u8,
        },
        Defaulted {
            #[serde(default = "five", skip_serializing_if = "is_zero")]
            count: u8,
        },
    }
    use SheetEvent::{Copied, Defaulted, Filled, Guarded, Linked, Noted};

    fn five() -> u8 {
        5
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
    fn is_zero(count: &u8) -> bool {
        *count == 0
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Cell {
        Int(i64),
        Float(f64),
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Text(Box<RawValue>);

    impl PartialEq for Text {
        fn eq(&self, other: &Self) -> bool {
            self.0.get() == other.0.get()
        }
    }

    fn copied(text: &str) -> SheetEvent {
        Copied(Text(RawValue::from_string(text.to_owned()).expect("it succeeds")))
    }

    impl Aggregate for Sheet {
        const TYPE: &'static str = "sheet";
        type Event = SheetEvent;
        type Error = String;

        fn validate(&self, event: &SheetEvent) -> Result<(), String> {
            match event {
                Defaulted { count: 5 } => Err("five is too many".into()),
                Filled(Cell::Float(value)) if value.is_nan() => Err("no number".into()),
                _ => Ok(()),
            }
        }

        fn apply(&mut self, event: &SheetEvent) {
            self.cells.push(event.clone());
        }
    }

    #[tokio::test]
    async fn a_state_is_what_its_history_says() {
        let store = MemoryStore::new();
        for (event, read) in [
            (Filled(Cell::Float(1.0)), Filled(Cell::Int(1))),
            (Filled(Cell::Float(-0.0)), Filled(Cell::Int(0))),
            (Filled(Cell::Float(1.5)), Filled(Cell::Float(1.5))),
            (Filled(Cell::Float(1e15)), Filled(Cell::Int(1_000_000_000_000_000))),
            (Filled(Cell::Float(1e21)), Filled(Cell::Float(1e21))),
            (Noted(json!({"b": 2.0, "a": [1e3, -0.0]})), Noted(json!({"a": [1000, 0], "b": 2}))),
            (copied(r#" {"b":1.50, "a" : "\u00e9"}"#), copied(r#"{"a":"é","b":1.5}"#)),
            (
                Linked { to: Some(None), from: BTreeMap::from([(-1, ())]) },
                Linked { to: None, from: BTreeMap::from([(-1, ())]) },
            ),
            (Guarded { secret: 7 }, Guarded { secret: 0 }),
        ] {
            let written = Repository::<Sheet>::new(store.clone()).create(event.clone()).await.unwrap();
            let found = Repository::<Sheet>::new(store.clone()).find_one(written.id()).await.unwrap();
            assert_eq!(written.state().cells, [read]);
            assert_eq!(written.state(), found.state());
            given::<Sheet>([]).when([event.clone()]).then_state(&found);
            let text = |sheet: &Sheet| serde_json::to_string(sheet).unwrap();
            assert_eq!(text(&written), text(&found));
        }
    }

    #[tokio::test]
    async fn an_event_is_judged_in_the_form_that_stays() {
        let sheets = Repository::<Sheet>::new(MemoryStore::new());
        let rejected = sheets.create(Defaulted { count: 0 }).await.unwrap_err();
        assert!(
            matches!(&rejected, CommitError::Rejected(reason) if reason == "five is too many"),
            "{rejected:?}"
        );
        given::<Sheet>([]).when([Defaulted { count: 0 }]).then_rejected(&"five is too many".to_owned());
        // What cannot be stored is the domain's to refuse, when it does.
        let rejected = sheets.create(Filled(Cell::Float(f64::NAN))).await.unwrap_err();
        assert!(matches!(&rejected, CommitError::Rejected(reason) if reason == "no number"), "{rejected:?}");
    }

    #[tokio::test]
    async fn what_not_every_store_can_hold_is_refused_by_all() {
        let sheets = Repository::<Sheet>::new(MemoryStore::new());
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        for text in [r#"{"a":1,"\u0061":2}"#, r#"["\ud800"]"#, "1e126", "1e999999999999", &deep] {
            let refused = sheets.create(copied(text)).await.unwrap_err();
            assert!(
                matches!(&refused, CommitError::Store(error) if !error.is_retryable()),
                "{text}: {refused:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_meta_is_the_same_in_every_store() {
        let store = MemoryStore::new();
        let sheets = Repository::<Sheet>::new(store);
        let sheet =
            sheets.create(Guarded { secret: 0 }).meta(json!({"tenant": "t", "rate": 2.0})).await.unwrap();
        sheets
            .commit(sheet.id(), Guarded { secret: 0 })
            .meta(BTreeMap::from([("a", u128::MAX >> 2)]))
            .await
            .unwrap();
        sheets.commit(sheet.id(), Guarded { secret: 0 }).meta(json!({})).await.unwrap();
        let events: Vec<_> = sheets.events(sheet.id()).try_collect().await.unwrap();
        let metas: Vec<_> = events.iter().map(|event| event.meta.as_ref().map(Json::as_str)).collect();
        let long = r#"{"a":85070591730234615865843651857942052863}"#;
        assert_eq!(metas, [Some(r#"{"rate":2,"tenant":"t"}"#), Some(long), None]);
    }
}
