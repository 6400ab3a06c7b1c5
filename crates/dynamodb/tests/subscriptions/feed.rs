//! Following events: in order, live, from where it was, by one process at a time.

use std::time::{Duration, Instant};

use aws_event_sourcing_core::subscription::{Continuity, Start};

use crate::support::{LEASE, Process, Tables, append, dynamodb, named};

#[tokio::test]
async fn the_past_is_delivered_and_then_what_happens() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    append(&store, "a", 1..=3).await;
    append(&store, "b", 1..=2).await;
    let mut process = Process::new(&tables, Start::Beginning).await;

    let mut past = process.part().await;
    assert_eq!(&*past.part.name, &format!("table {}", tables.events));
    assert_eq!(past.part.continuity, Continuity::Broken { since: None });
    let mut commits = past.rest().await;
    commits.sort();
    assert_eq!(commits, [named("a", 1..=3), named("b", 1..=2)].concat());
    assert!(process.part_within(Duration::from_millis(500)).await.is_none(), "the past is not finished");
    past.hold().finish().await.expect("finished");

    let mut shard = process.part().await;
    assert!(!shard.is_table());
    assert_eq!(shard.part.continuity, Continuity::Broken { since: None });
    // The stream goes back further than when the past was read.
    let commits = shard.commits(5).await;
    assert_eq!(commits, [named("a", 1..=3), named("b", 1..=2)].concat());
    append(&store, "a", 4..=5).await;
    assert_eq!(shard.commits(2).await, named("a", 4..=5));
}

#[tokio::test]
async fn a_subscription_that_begins_now_has_no_past() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    let mut process = Process::new(&tables, Start::Now).await;
    let mut shard = process.part().await;
    assert!(!shard.is_table());
    // Whoever handles it passes over what was committed before.
    let since = Some(process.registration.started_at);
    assert_eq!(shard.part.continuity, Continuity::Broken { since });
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
}

#[tokio::test]
async fn it_goes_on_behind_what_was_saved() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=5).await;
    let mut process = Process::new(&tables, Start::Now).await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(5).await, named("a", 1..=5));
    shard.hold().save(3).await.expect("saved");
    drop(shard);

    // However often it is taken without anything being saved.
    for _ in 0..3 {
        let since = Instant::now();
        let mut shard = process.part().await;
        assert!(since.elapsed() < LEASE, "its own are this process's at once");
        assert_eq!(shard.commits(2).await, named("a", 4..=5));
    }
}
