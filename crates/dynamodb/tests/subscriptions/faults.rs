//! What a network and a busy service do to what is noted, and what comes of it.

use std::{error::Error as _, time::Duration};

use aws_event_sourcing_core::{
    StoreError, StoreErrorKind,
    subscription::{Progress, ProgressStore, Start, Swap},
};
use aws_event_sourcing_dynamodb::{DynamoDbSubscriptions, Meter};
use serde_json::json;
use testbed::{Fault, FaultyProxy, Request};
use tokio::join;

use crate::{
    progress::{handled, id, parked, skipped, with_marker},
    service::Service,
    support::{Tables, at, by_way_of, dynamodb, key, until},
};

/// A table that is reached through a network with faults, and without.
struct Bench {
    proxy: FaultyProxy,
    faulty: DynamoDbSubscriptions,
    healthy: DynamoDbSubscriptions,
}

impl Bench {
    async fn new(policy: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let tables = Tables::new().await;
        let proxy = FaultyProxy::start(dynamodb_local::url(), policy).await;
        let faulty = tables.progress(&by_way_of(proxy.url()).await);
        let healthy = tables.progress(&dynamodb().await);
        Self { proxy, faulty, healthy }
    }

    fn arrived(&self, operation: &str) -> usize {
        self.proxy.requests().iter().filter(|(arrived, _)| arrived == operation).count()
    }

    async fn load(&self) -> Progress {
        self.healthy.load(&key(), &[id(1)]).await.expect("loaded").remove(0).expect("a record")
    }
}

/// This fault for the first request of each operation, and none afterwards.
fn first(fault: Fault) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    move |request| if request.index == 0 { fault.clone() } else { Fault::None }
}

fn lost() -> [Fault; 3] {
    [Fault::DropAnswer, Fault::CutAnswer, Fault::DelayAnswer(Duration::from_secs(1))]
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_recognises_itself() {
    for fault in lost() {
        let bench = Bench::new(first(fault.clone())).await;
        for (seen, next) in [(0, with_marker(1)), (1, with_marker(1)), (2, handled(9, 0))] {
            let swap = bench.faulty.swap(&key(), &id(1), seen, &next, None).await.expect("swapped");
            assert_eq!(swap, Swap::Done(seen + 1), "{fault:?}");
        }
        assert_eq!(bench.arrived("PutItem"), 4);
        assert_eq!(bench.load().await, handled(9, 3));
    }
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_does_not_take_an_equal_one_for_its_own() {
    let bench = Bench::new(first(Fault::Delay(Duration::from_millis(700)))).await;
    let next = with_marker(1);
    // The first attempt is on its way for so long that somebody else is there before, with the very same record.
    let (key, id) = (key(), id(1));
    let (swap, other) = join!(bench.faulty.swap(&key, &id, 0, &next, None), async {
        until(async || bench.arrived("PutItem") == 1).await;
        bench.healthy.swap(&key, &id, 0, &next, None).await
    });
    assert_eq!(other.expect("swapped"), Swap::Done(1));
    assert_eq!(swap.expect("an answer"), Swap::Changed(Progress { revision: 1, ..next }));
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_is_recognised_behind_what_happened_since() {
    let bench = Bench::new(first(Fault::DelayAnswer(Duration::from_secs(1)))).await;
    let next = handled(5, 0);
    let (key, id) = (key(), id(1));
    let (swap, advanced) = join!(bench.faulty.swap(&key, &id, 0, &next, None), async {
        until(async || bench.load().await == handled(5, 1)).await;
        bench.healthy.advance(&key, &[(id.clone(), 8)]).await
    });
    advanced.expect("advanced");
    assert_eq!(swap.expect("swapped"), Swap::Done(1));
    assert_eq!(bench.load().await, handled(8, 2));
}

#[tokio::test]
async fn a_skip_whose_answer_is_lost_happens_once() {
    for fault in lost() {
        let bench = Bench::new(first(fault)).await;
        bench.healthy.swap(&key(), &id(1), 0, &with_marker(1), None).await.expect("swapped");
        let swap = bench.faulty.swap(&key(), &id(1), 1, &with_marker(2), Some(&skipped(4))).await;
        assert_eq!(swap.expect("swapped"), Swap::Done(2));
        assert_eq!(bench.arrived("TransactWriteItems"), 2);
        assert_eq!(bench.load().await, Progress { revision: 2, ..with_marker(2) });
        assert_eq!(bench.healthy.skipped(&key(), &id(1)).await.expect("listed"), [skipped(4)]);
    }
}

#[tokio::test]
async fn an_advance_and_a_registration_whose_answers_are_lost_are_done() {
    for fault in lost() {
        let bench = Bench::new(first(fault)).await;
        bench.faulty.advance(&key(), &[(id(1), 3)]).await.expect("advanced");
        assert_eq!(bench.arrived("UpdateItem"), 2);
        assert_eq!(bench.load().await, handled(3, 1));
        let registration = bench.faulty.register(&key(), Start::Now, at(1)).await.expect("registered");
        assert_eq!(bench.arrived("PutItem"), 2);
        assert_eq!((registration.start, registration.started_at), (Start::Now, at(1)));
    }
}

#[tokio::test]
async fn whoever_meets_a_transaction_waits_for_it() {
    let conflict = Fault::Answer { status: 400, error: "TransactionConflictException" };
    let bench =
        Bench::new(move |request| if request.index < 3 { conflict.clone() } else { Fault::None }).await;
    let swap = bench.faulty.swap(&key(), &id(1), 0, &handled(1, 0), None).await;
    assert_eq!(swap.expect("swapped"), Swap::Done(1));
    bench.faulty.advance(&key(), &[(id(1), 3)]).await.expect("advanced");
    assert_eq!((bench.arrived("PutItem"), bench.arrived("UpdateItem")), (4, 4));
}

#[tokio::test]
async fn throttling_is_waited_for_until_the_deadline() {
    let throttled = Fault::Answer { status: 400, error: "ThrottlingException" };
    let bench = Bench::new(move |_| throttled.clone()).await;
    let error = bench.faulty.load(&key(), &[id(1), id(2)]).await.expect_err("no answer");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(bench.arrived("BatchGetItem") > 3);
}

fn item(number: usize) -> serde_json::Value {
    json!({
        "id": { "S": id(number).as_str() }, "part": { "S": "tests/notebook" },
        "revision": { "N": "1" }, "handled": { "N": number.to_string() },
    })
}

#[tokio::test]
async fn keys_that_were_not_looked_at_are_asked_for_again() {
    let left = |from: usize| {
        let keys: Vec<_> = (from..10)
            .map(|number| json!({ "id": { "S": id(number).as_str() }, "part": { "S": "tests/notebook" } }))
            .collect();
        json!({ "subscriptions": { "Keys": keys, "ConsistentRead": true } })
    };
    let service = Service::new(move |_, count| {
        Ok(match count {
            1 => json!({ "Responses": { "subscriptions": [] }, "UnprocessedKeys": left(0) }),
            2 => json!({ "Responses": { "subscriptions": [item(1), item(0)] }, "UnprocessedKeys": left(2) }),
            _ => {
                let rest: Vec<_> = (2..10).map(item).collect();
                json!({ "Responses": { "subscriptions": rest }, "UnprocessedKeys": {} })
            }
        })
    })
    .await;
    let store = by_way_of(&service.url).await.subscriptions("subscriptions");
    let ids: Vec<_> = (0..10).map(id).collect();
    let expected: Vec<_> = (0..10).map(|number| handled(number, 1)).collect();
    let found = store
        .load(&key(), &ids)
        .await
        .expect("loaded")
        .into_iter()
        .map(|record| record.expect("a record"))
        .collect::<Vec<_>>();
    assert_eq!(found, expected);
    assert_eq!(service.operations(), ["BatchGetItem"; 3]);
    let asked: Vec<_> = service
        .bodies("BatchGetItem")
        .iter()
        .map(|body| body["RequestItems"]["subscriptions"]["Keys"].as_array().expect("keys").len())
        .collect();
    assert_eq!(asked, [10, 10, 8]);
}

#[tokio::test]
async fn keys_that_are_never_looked_at_are_an_error_at_the_deadline() {
    let left = json!({ "subscriptions": { "Keys": [
        { "id": { "S": "r-0001" }, "part": { "S": "tests/notebook" } },
        { "id": { "S": "r-0002" }, "part": { "S": "tests/notebook" } },
    ] } });
    let answer = json!({ "Responses": {}, "UnprocessedKeys": left });
    let service = Service::new(move |_, _| Ok(answer.clone())).await;
    let store = by_way_of(&service.url).await.subscriptions("subscriptions");
    let error = store.load(&key(), &[id(1), id(2)]).await.expect_err("no answer");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(explain(&error), "BatchGetItem on table subscriptions: DynamoDB is busy");
}

#[tokio::test]
async fn a_skip_that_is_throttled_is_tried_until_the_deadline() {
    const THROTTLED: &str = "TransactionCanceledException: None, ThrottlingError";
    let service = Service::new(|_, count| if count < 3 { Err(THROTTLED) } else { Ok(json!({})) }).await;
    let store = by_way_of(&service.url).await.subscriptions("subscriptions");
    let swap = store.swap(&key(), &id(1), 1, &with_marker(2), Some(&skipped(4))).await;
    assert_eq!(swap.expect("swapped"), Swap::Done(2));
    assert_eq!(service.operations(), ["TransactWriteItems"; 3]);

    let service = Service::new(|_, _| Err(THROTTLED)).await;
    let store = by_way_of(&service.url).await.subscriptions("subscriptions");
    let swap = store.swap(&key(), &id(1), 1, &with_marker(2), Some(&skipped(4))).await;
    let error = swap.expect_err("no answer");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(explain(&error), "TransactWriteItems on table subscriptions: DynamoDB is busy");
}

fn explain(error: &StoreError) -> String {
    error.source().expect("a reason").to_string()
}

#[tokio::test]
async fn without_the_table_each_call_says_what_to_do() {
    let meter = Meter::new();
    let store = dynamodb().await.subscriptions("no-such-table").on_request(meter.observer());
    let errors = [
        store.load(&key(), &[id(1)]).await.expect_err("no table"),
        store.load(&key(), &[id(1), id(2)]).await.expect_err("no table"),
        store.advance(&key(), &[(id(1), 1)]).await.expect_err("no table"),
        store.swap(&key(), &id(1), 0, &with_marker(1), None).await.expect_err("no table"),
        store.swap(&key(), &id(1), 0, &with_marker(1), Some(&skipped(4))).await.expect_err("no table"),
        store.parked(&key(), None, 1, None).await.expect_err("no table"),
        store.skipped(&key(), &id(1)).await.expect_err("no table"),
        store.register(&key(), Start::Now, at(1)).await.expect_err("no table"),
        store.registered().await.expect_err("no table"),
    ];
    for error in &errors {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
        let line = explain(error);
        assert!(
            line.contains(" on table no-such-table: there is no such table in us-east-1 (http://"),
            "{line}"
        );
        assert!(line.ends_with("; `eventctl table create no-such-table --subscriptions` makes it"), "{line}");
    }
    assert_eq!(meter.read().requests, errors.len() as u64);
}

#[tokio::test]
async fn a_table_of_events_is_not_taken_for_one_of_subscriptions() {
    let dynamodb = dynamodb().await;
    let store = dynamodb.subscriptions(&*Tables::new().await.events);
    for error in [
        store.load(&key(), &[id(1)]).await.expect_err("not ours"),
        store.advance(&key(), &[(id(1), 1)]).await.expect_err("not ours"),
        store.swap(&key(), &id(1), 0, &handled(1, 0), None).await.expect_err("not ours"),
        store.register(&key(), Start::Now, at(1)).await.expect_err("not ours"),
        store.parked(&key(), None, 1, None).await.expect_err("not ours"),
    ] {
        let line = explain(&error);
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{line}: {:?}", error.source());
        assert!(line.contains("the table is not one for subscriptions; `eventctl table check"), "{line}");
    }
}

#[tokio::test]
async fn an_error_as_long_as_a_marker_holds_is_kept_whole() {
    let tables = Tables::new().await;
    let meter = Meter::new();
    let store = tables.progress(&dynamodb().await).on_request(meter.observer());
    let mut next = with_marker(1);
    let longest = "é".repeat(1_000);
    next.parked =
        Some(Box::new(aws_event_sourcing_core::subscription::Parked { error: longest.into(), ..parked(1) }));
    store.swap(&key(), &id(1), 0, &next, None).await.expect("swapped");
    assert_eq!(meter.take().write_units, 6.0, "3 for the table, 3 for the index");
    let page = store.parked(&key(), None, 1, None).await.expect("listed");
    assert_eq!(page.resources, [(id(1), Progress { revision: 1, ..next })]);
}
