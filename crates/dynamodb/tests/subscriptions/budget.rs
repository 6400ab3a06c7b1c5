//! Requests and capacity units: the table in the documentation of `DynamoDbSubscriptions`, row by row.

use std::sync::{Arc, Mutex};

use aws_event_sourcing_core::subscription::{ProgressStore, Start};
use aws_event_sourcing_dynamodb::{Consumed, Meter};

use crate::{
    progress::{handled, id, skipped, with_marker},
    support::{Tables, at, dynamodb, key},
};

/// Requests, write units, read units.
fn figures(meter: &Meter) -> (u64, f64, f64) {
    let Consumed { requests, write_units, read_units } = meter.take();
    (requests, write_units, read_units)
}

#[tokio::test]
async fn each_call_costs_what_is_said() {
    let meter = Meter::new();
    let store = Tables::new().await.progress(&dynamodb().await).on_request(meter.observer());

    // Cold: nothing is there yet. A miss is billed like a hit.
    for (resources, requests) in [(1, 1), (2, 1), (100, 1), (101, 2), (250, 3), (1_000, 10)] {
        let ids: Vec<_> = (0..resources).map(id).collect();
        store.load(&key(), &ids).await.expect("loaded");
        assert_eq!(figures(&meter), (requests, 0.0, resources as f64), "{resources} cold");
    }
    for resources in [1, 16, 250] {
        for number in 1..=2 {
            let of_all: Vec<_> = (0..resources).map(|resource| (id(resource), number)).collect();
            store.advance(&key(), &of_all).await.expect("advanced");
            assert_eq!(figures(&meter), (resources as u64, resources as f64, 0.0), "{resources}");
        }
    }
    let ids: Vec<_> = (0..250).map(id).collect();
    store.load(&key(), &ids).await.expect("loaded");
    assert_eq!(figures(&meter), (3, 0.0, 250.0), "250 that are there");

    store.swap(&key(), &"s".into(), 0, &handled(1, 0), None).await.expect("swapped");
    assert_eq!(figures(&meter), (1, 1.0, 0.0), "without a marker");
    store.swap(&key(), &"s".into(), 1, &with_marker(1), None).await.expect("swapped");
    assert_eq!(figures(&meter), (1, 2.0, 0.0), "with a marker, which is in the index");
    store.swap(&key(), &"s".into(), 1, &with_marker(1), None).await.expect("an answer");
    assert_eq!(figures(&meter), (1, 1.0, 0.0), "refused");
    store.swap(&key(), &"s".into(), 2, &with_marker(2), None).await.expect("swapped");
    assert_eq!(figures(&meter), (1, 3.0, 0.0), "with another time, which is a key of the index");
    store.swap(&key(), &"s".into(), 3, &handled(1, 0), None).await.expect("swapped");
    assert_eq!(figures(&meter), (1, 2.0, 0.0), "the marker taken away");
    store.swap(&key(), &"s".into(), 4, &with_marker(1), Some(&skipped(4))).await.expect("swapped");
    let (requests, write_units, _) = figures(&meter);
    // DynamoDB Local counts transactions in a way of its own, and more than AWS bills.
    assert_eq!(requests, 1);
    assert!(write_units >= 4.0, "{write_units}");

    store.parked(&key(), Some(at(5)), 100, None).await.expect("listed");
    assert_eq!(figures(&meter), (1, 0.0, 0.5));
    store.skipped(&key(), &"s".into()).await.expect("listed");
    assert_eq!(figures(&meter), (1, 0.0, 1.0));
    for _ in 0..2 {
        store.register(&key(), Start::Beginning, at(1)).await.expect("registered");
        assert_eq!(figures(&meter), (1, 1.0, 0.0));
    }
    store.registered().await.expect("listed");
    assert_eq!(figures(&meter), (1, 0.0, 1.0));
}

#[tokio::test]
async fn a_page_of_what_is_parked_is_one_query() {
    let meter = Meter::new();
    let store = Tables::new().await.progress(&dynamodb().await).on_request(meter.observer());
    for number in 0..40 {
        store.swap(&key(), &id(number), 0, &with_marker(number as u64), None).await.expect("swapped");
    }
    meter.take();
    let mut after = None;
    for page in 0..4 {
        let found = store.parked(&key(), None, 10, after.as_ref()).await.expect("listed");
        assert_eq!(found.resources.len(), 10);
        after = found.next;
        let (requests, _, read_units) = figures(&meter);
        assert!(requests <= 1 && read_units <= 1.0, "page {page}: {requests} requests, {read_units} units");
    }
    assert_eq!(after, None);
}

#[tokio::test]
async fn the_observer_is_told_what_a_request_is_about() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = Arc::clone(&told);
    let tables = Tables::new().await;
    let store = tables.progress(&dynamodb().await).on_request(move |request| {
        let about = (request.operation, request.table.to_owned(), request.resource_type.to_owned());
        observer.lock().expect("no test panics with it").push(about);
    });
    store.load(&key(), &[id(1)]).await.expect("loaded");
    store.registered().await.expect("listed");
    let table = &tables.subscriptions;
    assert_eq!(
        *told.lock().expect("no test panics with it"),
        [("GetItem", table.clone(), "notebook".to_owned()), ("Query", table.clone(), String::new())]
    );
}
