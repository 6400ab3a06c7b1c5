//! Several processes that follow the same: one at a time, and the next when one is gone.

use std::time::{Duration, Instant};

use aws_event_sourcing_core::subscription::{ProgressStore as _, Start, SubscriptionKey};
use futures_util::future::{Either, select};
use testbed::{Fault, FaultyProxy};

use crate::support::{
    Followed, LEASE, PATIENCE, Process, Tables, append, ask, by_way_of, connect, dynamodb, key, named, until,
};

/// Two processes, of which the first has the shard.
async fn two(tables: &Tables) -> (Process, Followed, Process) {
    let mut first = Process::new(tables, Start::Now).await;
    let shard = first.part().await;
    (first, shard, Process::new(tables, Start::Now).await)
}

#[tokio::test]
async fn what_a_process_has_no_other_one_gets() {
    let tables = Tables::new().await;
    let (mut first, shard, mut second) = two(&tables).await;
    // Several times as long as a lease lasts without being renewed.
    assert!(second.part_within(LEASE * 3).await.is_none());
    assert!(shard.hold().is_ours());
    assert!(first.part_within(Duration::from_millis(100)).await.is_none());
}

#[tokio::test]
async fn what_a_process_gives_back_another_one_gets_soon() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=4).await;
    let (first, mut shard, mut second) = two(&tables).await;
    assert_eq!(shard.commits(4).await, named("a", 1..=4));
    shard.hold().save(2).await.expect("saved");
    assert!(second.part_within(Duration::from_millis(100)).await.is_none());
    shard.hold().release().await.expect("released");
    assert!(!shard.hold().is_ours());
    assert!(shard.batch().await.is_none(), "what is given back ends");
    drop((first, shard));

    let since = Instant::now();
    let mut shard = second.part().await;
    assert!(since.elapsed() < LEASE * 2, "{:?}", since.elapsed());
    assert_eq!(shard.commits(2).await, named("a", 3..=4));
}

#[tokio::test]
async fn what_a_process_leaves_behind_another_one_gets_when_the_lease_has_ended() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=4).await;
    let (first, mut shard, mut second) = two(&tables).await;
    shard.commits(4).await;
    shard.hold().save(3).await.expect("saved");
    assert!(second.part_within(Duration::from_millis(1_500)).await.is_none());
    drop((first, shard));

    let since = Instant::now();
    let mut shard = second.part().await;
    let waited = since.elapsed();
    // It was renewed a third of that time before it was dropped, at the earliest.
    assert!(waited >= LEASE / 2, "{waited:?}");
    assert!(waited < LEASE + Duration::from_secs(5), "{waited:?}");
    assert_eq!(shard.commits(1).await, named("a", [4]));
}

#[tokio::test]
async fn a_process_that_is_cut_off_stops_before_another_one_begins() {
    let tables = Tables::new().await;
    // All that it asks after a while has no answer.
    let proxy = FaultyProxy::start(dynamodb_local::url(), |request| {
        let is_cut_off = request.operation == "UpdateItem" && request.index >= 2;
        if is_cut_off { Fault::DropRequest } else { Fault::None }
    })
    .await;
    let cut_off = by_way_of(proxy.url()).await;
    let mut first = Process::with(&tables, &cut_off, &tables.feed(&cut_off), Start::Now).await;
    let mut shard = first.part().await;
    let hold = shard.hold();
    let mut second = Process::new(&tables, Start::Now).await;

    let (ended, taken) = tokio::join!(
        async {
            while shard.batch().await.is_some() {}
            assert!(!hold.is_ours());
            Instant::now()
        },
        async {
            let part = second.part().await;
            assert!(!hold.is_ours(), "two at a time");
            (part, Instant::now())
        }
    );
    assert!(ended <= taken.1, "it ends here before it begins there");
    hold.save(1).await.expect_err("it is another's");
    hold.finish().await.expect_err("it is another's");
    hold.release().await.expect("there is nothing to give back");
    assert!(taken.0.hold().is_ours());
}

#[tokio::test]
async fn a_process_whose_lease_was_taken_learns_it_from_the_next_write() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    // The counter does not grow for another one, whose time is too short.
    let (_first, mut shard, _) = two(&tables).await;
    shard.commits(2).await;
    take_away(&tables).await;
    shard.hold().save(1).await.expect_err("it is another's");
    assert!(!shard.hold().is_ours());
    assert!(shard.batch().await.is_none());
    assert_eq!(checkpoint(&tables).await, None, "what the other one has is left alone");
}

/// Gives all leases to somebody else, by hand.
async fn take_away(tables: &Tables) {
    let owner = serde_json::json!({ "S": "somebody else" });
    for item in tables.leases().await {
        if item["owner"].is_object() {
            tables.set(&item, "owner", &owner).await;
        }
    }
}

async fn checkpoint(tables: &Tables) -> Option<String> {
    let leases = tables.leases().await;
    leases.iter().find_map(|item| item["checkpoint"]["S"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_no_reason_to_stop() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=40).await;
    let proxy = FaultyProxy::start(dynamodb_local::url(), |request| {
        match (request.operation.as_str(), request.index % 2) {
            ("UpdateItem" | "TransactWriteItems", 0) => Fault::DropAnswer,
            _ => Fault::None,
        }
    })
    .await;
    let faulty = by_way_of(proxy.url()).await;
    let mut process = Process::with(&tables, &faulty, &tables.feed(&faulty), Start::Now).await;
    let mut shard = process.part().await;
    shard.commits(40).await;
    let since = Instant::now();
    let mut position = 0;
    while since.elapsed() < LEASE * 2 {
        position += 1;
        shard.hold().save(position).await.expect("saved");
        assert!(shard.hold().is_ours());
        tokio::time::sleep(LEASE / 10).await;
    }
    let lost = proxy.requests().iter().filter(|(_, fault)| *fault == Fault::DropAnswer).count();
    assert!(lost > 3, "{lost} answers were lost");
    shard.hold().release().await.expect("released");
    assert!(tables.leases().await.iter().all(|item| !item["owner"].is_object()));
}

#[tokio::test]
async fn a_table_that_is_read_is_one_process_s_too() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=3).await;
    let proxy = FaultyProxy::start(dynamodb_local::url(), |request| {
        match (request.operation.as_str(), request.index) {
            ("PutItem" | "UpdateItem", 0) => Fault::DropAnswer,
            _ => Fault::None,
        }
    })
    .await;
    let faulty = by_way_of(proxy.url()).await;
    let mut first = Process::with(&tables, &faulty, &tables.feed(&faulty), Start::Beginning).await;
    let since = Instant::now();
    let past = first.part().await;
    assert!(past.is_table());
    assert!(since.elapsed() < LEASE, "it knows that it has it, although the answer was lost");
    let mut second = Process::new(&tables, Start::Beginning).await;
    assert!(second.part_within(LEASE * 2).await.is_none());
    drop((first, past));

    let mut past = second.part().await;
    assert!(past.is_table());
    assert_eq!(past.rest().await, named("a", 1..=3), "from the beginning");
    past.hold().finish().await.expect("finished");
    assert!(!second.part().await.is_table());
}

#[tokio::test]
async fn a_table_that_is_read_ends_when_it_is_another_process_s() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=3).await;
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut past = process.part().await;
    take_away(&tables).await;
    // It is told by the next renewal.
    until(async || !past.hold().is_ours()).await;
    assert_eq!(past.rest().await, [], "it ends");
    past.hold().finish().await.expect_err("it is another's");
}

#[tokio::test]
async fn two_subscriptions_follow_the_same_events_by_themselves() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    append(&tables.store(&dynamodb), "a", 1..=2).await;
    let mut first = Process::new(&tables, Start::Now).await;
    let mut shard = first.part().await;
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
    shard.hold().save(2).await.expect("saved");

    let other = SubscriptionKey::new("others", "notebook");
    let mut second = Process::of(&tables, &dynamodb, &tables.feed(&dynamodb), &other, Start::Now).await;
    let mut shard = second.part().await;
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
    let registered = tables.progress(&dynamodb).registered().await.expect("listed");
    assert_eq!(registered.iter().map(|of| &of.key).collect::<Vec<_>>(), [&other, &key()]);
}

#[tokio::test]
async fn whoever_meets_somebody_that_takes_a_shard_looks_again() {
    let tables = Tables::new().await;
    // What somebody has left behind who would have had a shard.
    let gone = serde_json::json!({
        "id": { "S": "#feed/tests/notebook" }, "part": { "S": "#feed/waiting/gone" },
        "round": { "N": "1" }, "counter": { "N": "1" }, "owner": { "S": "gone" }, "lease": { "N": "1" },
    });
    ask("PutItem", serde_json::json!({ "TableName": tables.subscriptions, "Item": gone })).await;
    let conflict = Fault::Answer { status: 400, error: "TransactionConflictException" };
    let proxy = FaultyProxy::start(dynamodb_local::url(), move |request| {
        match (request.operation.as_str(), request.index) {
            // The first one is the registration.
            ("PutItem", 1) | ("DeleteItem", 0) => conflict.clone(),
            _ => Fault::None,
        }
    })
    .await;
    // Patient: an attempt that is made again on a slow machine would count as the next one.
    let met = connect().endpoint_url(proxy.url()).connect().await.expect("a connection");
    let mut process = Process::with(&tables, &met, &tables.feed(&met), Start::Now).await;
    let _shard = process.part_within(PATIENCE).await.expect("a shard, and no error");
    let forgetting = async {
        until(async || tables.leases().await.len() == 2).await;
    };
    let following = process.part_within(PATIENCE);
    match select(Box::pin(forgetting), Box::pin(following)).await {
        Either::Left(((), _)) => {}
        Either::Right(_) => panic!("there is no other shard, and nothing has failed"),
    }
    let met = proxy.requests().iter().filter(|(_, fault)| *fault != Fault::None).count();
    assert_eq!(met, 2);
}

#[tokio::test]
async fn nothing_goes_on_when_it_is_dropped() {
    let tables = Tables::new().await;
    let proxy = FaultyProxy::start(dynamodb_local::url(), |_| Fault::None).await;
    let dynamodb = by_way_of(proxy.url()).await;
    let mut process = Process::with(&tables, &dynamodb, &tables.feed(&dynamodb), Start::Now).await;
    let shard = process.part().await;
    until(async || proxy.requests().iter().filter(|(of, _)| of == "UpdateItem").count() > 2).await;
    drop((process, shard));
    let asked = proxy.requests().len();
    tokio::time::sleep(LEASE).await;
    assert!(proxy.requests().len() <= asked + 1, "but for one that was under way");
    assert!(PATIENCE > LEASE);
}
