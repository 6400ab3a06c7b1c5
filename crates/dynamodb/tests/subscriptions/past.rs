//! Reading the table: from where it was left, and for a host that is handed the events of the stream.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    Clock as _, SystemClock,
    subscription::{ProgressStore as _, Registration, Start},
};
use aws_event_sourcing_dynamodb::Past;
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Followed, LEASE, Process, Tables, append, dynamodb, key, named};

/// With two commits each these are more than are delivered together, twice.
const RESOURCES: usize = 300;

/// What there is in the table.
async fn written(tables: &Tables) -> BTreeSet<(String, u64)> {
    let store = tables.store(&dynamodb().await);
    let ids: Vec<_> = (0..RESOURCES).map(|number| format!("r{number}")).collect();
    join_all(ids.iter().map(|id| append(&store, id, 1..=2))).await;
    ids.iter().flat_map(|id| named(id, 1..=2)).collect()
}

async fn registered(tables: &Tables, start: Start) -> Registration {
    let progress = tables.progress(&dynamodb().await);
    progress.register(&key(), start, SystemClock.now()).await.expect("registered")
}

/// What a host gets.
async fn past(tables: &Tables, registration: &Registration) -> Past {
    tables.feed(&dynamodb().await).past(registration).await.expect("an answer")
}

/// What a host has to read.
async fn unread(tables: &Tables, registration: &Registration) -> Followed {
    match past(tables, registration).await {
        Past::Unread(part) => Followed::new(part),
        Past::Elsewhere => panic!("another one is at it"),
        Past::Read => panic!("it is read"),
    }
}

/// The item of the table.
async fn item(tables: &Tables) -> Value {
    let leases = tables.leases().await;
    leases.into_iter().find(|item| item["part"]["S"] == "#feed/table").expect("an item")
}

/// The commits of the next batch.
async fn next(part: &mut Followed) -> BTreeSet<(String, u64)> {
    let commits = part.commits(1).await;
    commits.into_iter().collect()
}

#[tokio::test]
async fn a_table_is_read_on_where_it_was_saved() {
    let tables = Tables::new().await;
    let mut left = written(&tables).await;
    let mut begun_at = None;
    // The last of them reads to the end.
    for _ in 0..2 {
        let mut process = Process::new(&tables, Start::Beginning).await;
        let mut table = process.part().await;
        let batch = next(&mut table).await;
        assert!(batch.is_subset(&left) && batch.len() < left.len(), "{} of {}", batch.len(), left.len());
        left.retain(|commit| !batch.contains(commit));
        // Delivered, and not handled when the process ends without a word.
        table.hold().save(table.up_to).await.expect("saved");
        next(&mut table).await;
        let item = item(&tables).await;
        assert_eq!(item["places"]["L"].as_array().map(Vec::len), Some(4));
        let begun_before = begun_at.replace(item["begun_at"].clone());
        assert!(begun_before.is_none_or(|before| before == item["begun_at"]));
    }
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut table = process.part().await;
    assert_eq!(table.rest().await.into_iter().collect::<BTreeSet<_>>(), left);
    table.hold().finish().await.expect("finished");
    let item = item(&tables).await;
    assert_eq!((&item["places"], &item["begun_at"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_table_that_took_too_long_is_read_from_its_start() {
    let tables = Tables::new().await;
    let written = written(&tables).await;
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut table = process.part().await;
    next(&mut table).await;
    table.hold().save(table.up_to).await.expect("saved");
    table.hold().release().await.expect("released");
    drop((process, table));
    let long_ago = serde_json::json!({ "S": "2026-01-01T00:00:00.000Z" });
    tables.set(&item(&tables).await, "begun_at", &long_ago).await;

    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut table = process.part().await;
    assert!(table.rest().await.len() < written.len(), "it goes on first");
    table.hold().finish().await.expect("finished");
    drop(table);
    let mut table = process.part().await;
    assert!(table.is_table());
    assert_eq!(table.rest().await.into_iter().collect::<BTreeSet<_>>(), written);
    table.hold().finish().await.expect("finished");
    assert!(!process.part().await.is_table());
}

#[tokio::test]
async fn a_host_reads_what_happened_before_once() {
    let tables = Tables::new().await;
    let mut left = written(&tables).await;
    let registration = registered(&tables, Start::Beginning).await;
    let mut table = unread(&tables, &registration).await;
    assert!(table.is_table());
    let batch = next(&mut table).await;
    left.retain(|commit| !batch.contains(commit));
    assert!(matches!(past(&tables, &registration).await, Past::Elsewhere));
    table.hold().save(table.up_to).await.expect("saved");
    table.hold().release().await.expect("released");
    drop(table);

    let mut table = unread(&tables, &registration).await;
    let batch = next(&mut table).await;
    table.hold().save(table.up_to).await.expect("saved");
    left.retain(|commit| !batch.contains(commit));
    // Ended without a word: it is the next one's when the lease has run out.
    drop(table);
    let mut table = unread(&tables, &registration).await;
    assert_eq!(table.rest().await.into_iter().collect::<BTreeSet<_>>(), left);
    table.hold().finish().await.expect("finished");
    assert!(matches!(past(&tables, &registration).await, Past::Read));
}

#[tokio::test]
async fn a_subscription_that_begins_now_has_nothing_that_happened_before() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    let registration = registered(&tables, Start::Now).await;
    assert!(matches!(past(&tables, &registration).await, Past::Read));
    assert!(tables.leases().await.is_empty());
}

#[tokio::test]
async fn a_process_reads_the_table_again_where_a_host_has_read_it() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    let registration = registered(&tables, Start::Beginning).await;
    let mut table = unread(&tables, &registration).await;
    table.rest().await;
    table.hold().finish().await.expect("finished");
    drop(table);
    // Nobody has said up to where the host was handed the stream.
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut table = process.part_within(LEASE).await.expect("a part");
    assert!(table.is_table());
    assert_eq!(table.rest().await, named("a", 1..=2));
    table.hold().finish().await.expect("finished");
    let mut shard = process.part().await;
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
    // And the other way round.
    assert!(matches!(past(&tables, &registration).await, Past::Read));
}
