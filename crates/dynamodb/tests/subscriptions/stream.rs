//! What a stream does to those who follow it: it goes back 24 hours, its iterators expire, and it tells what nobody should
//! do.

use std::time::{Duration, Instant};

use aws_event_sourcing_core::{
    StoreErrorKind,
    subscription::{Continuity, Start, Unread},
};
use futures_util::future::{Either, join_all, select};
use serde_json::json;
use testbed::{Fault, FaultyProxy, Request};

use crate::support::{
    LEASE, Process, Tables, append, ask, by_way_of, commit, connect, dynamodb, name, named, resource, until,
};

/// A process that reaches DynamoDB through a network with faults.
async fn through(
    tables: &Tables,
    start: Start,
    policy: impl Fn(&Request) -> Fault + Send + Sync + 'static,
) -> (Process, FaultyProxy) {
    let proxy = FaultyProxy::start(dynamodb_local::url(), policy).await;
    let dynamodb = by_way_of(proxy.url()).await;
    (Process::with(tables, &dynamodb, &tables.feed(&dynamodb), start).await, proxy)
}

fn refused(error: &'static str) -> Fault {
    Fault::Answer { status: 400, error }
}

fn count(proxy: &FaultyProxy, operation: &str) -> usize {
    proxy.requests().iter().filter(|(of, _)| of == operation).count()
}

#[tokio::test]
async fn when_the_stream_does_not_go_back_far_enough_the_table_is_read_again() {
    for error in ["TrimmedDataAccessException", "ResourceNotFoundException"] {
        let tables = Tables::new().await;
        append(&tables.store(&dynamodb().await), "a", 1..=4).await;
        // The second iterator is for a place that is no longer there.
        let (mut process, proxy) =
            through(&tables, Start::Now, move |request| match (request.operation.as_str(), request.index) {
                ("GetShardIterator", 1) => refused(error),
                _ => Fault::None,
            })
            .await;
        let mut shard = process.part().await;
        assert_eq!(shard.commits(4).await, named("a", 1..=4));
        shard.hold().save(2).await.expect("saved");
        drop(shard);

        let mut shard = process.part().await;
        assert!(!shard.is_table());
        let trimmed = shard.batch().await.expect("an error").expect_err("trimmed");
        assert_eq!(trimmed.kind(), StoreErrorKind::Unavailable);
        assert!(shard.batch().await.is_none(), "it ends after an error");
        // As long as it is in hand, somebody may be handling what it delivered.
        let looked = count(&proxy, "DescribeStream");
        assert!(process.part_within(Duration::from_millis(1_500)).await.is_none(), "two at a time");
        let looked = count(&proxy, "DescribeStream") - looked;
        assert!(looked <= 4, "it looked for shards {looked} times while there was nothing to do");
        drop(shard);

        let mut past = process.part().await;
        assert!(past.is_table());
        // What was committed before the subscription began is passed over by whoever handles it.
        let since = Some(process.registration.started_at);
        assert_eq!(past.part.continuity, Continuity::Broken { since });
        assert_eq!(past.rest().await, named("a", 1..=4));
        past.hold().finish().await.expect("finished");
        let mut shard = process.part().await;
        assert!(!shard.is_table());
        assert_eq!(shard.commits(4).await, named("a", 1..=4), "from the beginning of the stream");
    }
}

#[tokio::test]
async fn a_record_that_goes_before_it_is_read_is_no_reason_to_read_the_table_again() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=4).await;
    // The oldest records go between the iterator and its use: nothing of the shard has been read.
    let (mut process, proxy) =
        through(&tables, Start::Now, |request| match (request.operation.as_str(), request.index) {
            ("GetRecords", 0..3) => refused("TrimmedDataAccessException"),
            _ => Fault::None,
        })
        .await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(4).await, named("a", 1..=4));
    assert_eq!(count(&proxy, "GetShardIterator"), 4);
}

#[tokio::test]
async fn an_iterator_that_has_expired_is_replaced_where_it_was() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    append(&store, "a", 1..=4).await;
    let (mut process, proxy) =
        through(&tables, Start::Now, |request| match (request.operation.as_str(), request.index) {
            ("GetRecords", 0 | 2 | 4) => refused("ExpiredIteratorException"),
            _ => Fault::None,
        })
        .await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(4).await, named("a", 1..=4));
    append(&store, "a", 5..=6).await;
    assert_eq!(shard.commits(2).await, named("a", 5..=6));
    until(async || count(&proxy, "GetShardIterator") >= 3).await;
}

#[tokio::test]
async fn a_busy_stream_is_asked_again() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=4).await;
    let (mut process, proxy) = through(&tables, Start::Now, |request| match request.operation.as_str() {
        "GetRecords" | "GetShardIterator" | "DescribeStream" => match request.index {
            0 => refused("LimitExceededException"),
            1 => Fault::DropAnswer,
            2 => refused("ThrottlingException"),
            _ => Fault::None,
        },
        _ => Fault::None,
    })
    .await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(4).await, named("a", 1..=4));
    assert!(count(&proxy, "GetRecords") >= 4);
}

#[tokio::test]
async fn when_the_stream_is_another_one_the_table_is_read_again() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    let mut process = Process::new(&tables, Start::Now).await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
    shard.hold().save(2).await.expect("saved");
    // As if it had been of another stream, which was turned off since then.
    let leases = tables.leases().await;
    let past = leases.iter().find(|item| item["part"]["S"] == "#feed/table").expect("the past");
    tables.set(past, "stream", &json!({ "S": "another" })).await;

    let since = Instant::now();
    let waits = async {
        assert!(process.part_within(LEASE * 8).await.is_none(), "two at a time");
    };
    let ends = async {
        while shard.batch().await.is_some() {}
        assert!(!shard.hold().is_ours());
        since.elapsed()
    };
    let ((), waited) = tokio::join!(waits, ends);
    // A listing may be a moment behind.
    assert!(waited >= LEASE, "{waited:?}");
    drop(shard);
    let mut past = process.part().await;
    assert!(past.is_table());
    assert_eq!(past.rest().await, named("a", 1..=2));
    past.hold().finish().await.expect("finished");
    assert!(!process.part().await.is_table());
}

#[tokio::test]
async fn a_shard_is_not_taken_in_a_round_that_is_over() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    // It has looked, and is about to take the shard.
    let (mut process, proxy) =
        through(&tables, Start::Now, |request| match (request.operation.as_str(), request.index) {
            ("TransactWriteItems", 0) => Fault::Delay(Duration::from_millis(400)),
            _ => Fault::None,
        })
        .await;
    // Meanwhile somebody else finds that something is missing.
    let starts_over = async {
        until(async || count(&proxy, "TransactWriteItems") == 1).await;
        let start_over = json!({
            "TableName": tables.subscriptions,
            "Key": { "id": { "S": "#feed/tests/notebook" }, "part": { "S": "#feed/table" } },
            "UpdateExpression": "SET #round = :two REMOVE finished_at, opened, roots",
            "ExpressionAttributeNames": { "#round": "round" },
            "ExpressionAttributeValues": { ":two": { "N": "2" } },
        });
        ask("UpdateItem", start_over).await;
    };
    let (part, ()) = tokio::join!(process.part(), starts_over);
    assert!(part.is_table(), "{}", part.part.name);
    assert_eq!(tables.leases().await.len(), 1, "there is none of a shard");
}

#[tokio::test]
async fn what_is_changed_or_deleted_by_hand_is_not_delivered() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    append(&store, "a", 1..=2).await;
    let key = json!({ "id": { "S": "a" }, "number": { "N": "1" } });
    let change = json!({
        "TableName": tables.events, "Key": key, "UpdateExpression": "SET #type = :type",
        "ExpressionAttributeNames": { "#type": "type" }, "ExpressionAttributeValues": { ":type": { "S": "Other" } },
    });
    ask("UpdateItem", change).await;
    ask("DeleteItem", json!({ "TableName": tables.events, "Key": key })).await;
    append(&store, "a", 3..=4).await;

    let mut process = Process::new(&tables, Start::Now).await;
    let mut shard = process.part().await;
    assert_eq!(shard.commits(4).await, named("a", 1..=4));
    assert_eq!(shard.up_to, 6, "they have a place all the same");
    shard.hold().save(4).await.expect("saved");
    drop(shard);
    let mut shard = process.part().await;
    assert_eq!(shard.commits(2).await, named("a", 3..=4));
}

/// Items that are no commits: one that lacks something, one of a number that no event has, and one of another application.
async fn put_what_cannot_be_read(tables: &Tables) {
    for (id, number) in [("b", "1"), ("c", "1.5"), ("d", "-1"), ("a", "3")] {
        let item = json!({ "id": { "S": id }, "number": { "N": number }, "price": { "N": "1" } });
        ask("PutItem", json!({ "TableName": tables.events, "Item": item })).await;
    }
}

/// What is told of `b` and `a`; the others are no events of anybody.
fn told(unread: &[Unread]) -> Vec<(String, u64)> {
    let mut told: Vec<_> =
        unread.iter().map(|unread| (unread.resource.id.to_string(), unread.number)).collect();
    told.sort_unstable();
    told
}

#[tokio::test]
async fn what_cannot_be_read_is_told_of_and_the_shard_goes_on() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    append(&store, "a", 1..=2).await;
    put_what_cannot_be_read(&tables).await;
    append(&store, "e", 1..=2).await;
    let mut process = Process::new(&tables, Start::Now).await;
    let mut shard = process.part().await;
    let (mut commits, mut unread) = (Vec::new(), Vec::new());
    while commits.len() < 4 {
        let batch = shard.batch().await.expect("no end").expect("a batch");
        commits.extend(batch.deliveries.iter().map(|delivery| name(&delivery.commit)));
        unread.extend(batch.unread);
    }
    assert_eq!(commits, [named("a", 1..=2), named("e", 1..=2)].concat());
    assert_eq!(told(&unread), [("a".to_owned(), 3), ("b".to_owned(), 1)]);
    assert_eq!(shard.up_to, 8, "each has a place");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_of_and_the_past_goes_on() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    let ids: Vec<_> = (0..600).map(|number| format!("a-{number}")).collect();
    join_all(ids.iter().map(|id| append(&store, id, [1]))).await;
    append(&store, "a", 1..=2).await;
    put_what_cannot_be_read(&tables).await;
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut past = process.part().await;
    let (mut delivered, mut unread) = (0, Vec::new());
    while let Some(batch) = past.batch().await {
        let batch = batch.expect("a batch");
        delivered += batch.deliveries.len();
        unread.extend(batch.unread);
    }
    assert_eq!(delivered, 602);
    assert_eq!(told(&unread), [("a".to_owned(), 3), ("b".to_owned(), 1)]);
}

#[tokio::test]
async fn a_commit_comes_as_it_was_made() {
    use aws_event_sourcing_core::{Commit, EncodedEvent, EventStore as _, Json, TraceParent};
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    let event = |data: Option<&str>| EncodedEvent {
        event_type: "NoteAdded".into(),
        data: data.map(|data| Json::parse(data).expect("JSON")),
    };
    let rich = Commit {
        events: vec![
            event(Some(
                r#"{"a":[1,-2.5,true,null,"é",{"b":[]}],"c":12345678901234567890123456789012345678}"#,
            )),
            event(None),
            event(Some(r#""text""#)),
        ],
        trace: Some(TraceParent::new_root(commit("a", 1).at)),
        cause: Some("reorders/r-1/2".into()),
        meta: Some(Json::parse(r#"{"tenant":"north"}"#).expect("JSON")),
        ..commit("a", 1)
    };
    store.append(&rich).await.expect("stored");
    let mut process = Process::new(&tables, Start::Beginning).await;
    let mut past = process.part().await;
    let batch = past.batch().await.expect("no end").expect("a batch");
    assert_eq!(batch.deliveries[0].commit, rich);
    past.rest().await;
    past.hold().finish().await.expect("finished");
    let mut shard = process.part().await;
    let batch = shard.batch().await.expect("no end").expect("a batch");
    assert_eq!(batch.deliveries[0].commit, rich);
    assert_eq!(rich.resource, resource("a"));
}

#[tokio::test]
async fn an_idle_shard_is_asked_less_and_less_and_a_busy_one_at_once() {
    let tables = Tables::new().await;
    let (mut process, proxy) = through(&tables, Start::Now, |_| Fault::None).await;
    let mut shard = process.part().await;
    let store = tables.store(&dynamodb().await);
    let idle = tokio::time::timeout(Duration::from_secs(4), shard.batch()).await;
    assert!(idle.is_err());
    // 400, 800 ms, and then one each second.
    let asked = count(&proxy, "GetRecords");
    assert!((4..=9).contains(&asked), "{asked} in 4 seconds");

    for number in 1..=20 {
        append(&store, "a", [number]).await;
        let since = Instant::now();
        assert_eq!(shard.commits(1).await, named("a", [number]));
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
}

#[tokio::test]
async fn a_shard_is_asked_no_more_than_five_times_a_second() {
    let tables = Tables::new().await;
    let (mut process, proxy) = through(&tables, Start::Now, |_| Fault::None).await;
    let mut shard = process.part().await;
    let store = tables.store(&dynamodb().await);
    let (asked, since) = (count(&proxy, "GetRecords"), Instant::now());
    let writing = async {
        let mut number = 0;
        while since.elapsed() < Duration::from_secs(2) {
            number += 1;
            append(&store, "a", [number]).await;
        }
        number
    };
    let reading = async {
        loop {
            shard.commits(1).await;
        }
    };
    let written = match select(Box::pin(writing), Box::pin(reading)).await {
        Either::Left((written, _)) => written,
        Either::Right(((), _)) => unreachable!("it has no end"),
    };
    let allowed = 5 * since.elapsed().as_secs() as usize + 6;
    let asked = count(&proxy, "GetRecords") - asked;
    assert!(written > 20, "{written} commits are no stream of them");
    assert!(asked <= allowed, "{asked} in {:?}", since.elapsed());
}

#[tokio::test]
async fn whoever_has_everything_asks_for_little() {
    let tables = Tables::new().await;
    let (mut process, proxy) = through(&tables, Start::Now, |_| Fault::None).await;
    let shard = process.part().await;
    let before = proxy.requests().len();
    assert!(process.part_within(Duration::from_secs(5)).await.is_none());
    let since_then: Vec<_> = proxy.requests().split_off(before).into_iter().map(|(of, _)| of).collect();
    let queries = since_then.iter().filter(|of| *of == "Query").count();
    assert!(queries <= 1, "{since_then:?}");
    // Every third of the lease time.
    let renewals = since_then.iter().filter(|of| *of == "UpdateItem").count();
    assert!((4..=9).contains(&renewals), "{since_then:?}");
    drop(shard);
}

#[tokio::test]
async fn a_table_without_a_stream_is_told_of() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    let turned_off = json!({ "TableName": tables.events, "StreamSpecification": { "StreamEnabled": false } });
    ask("UpdateTable", turned_off).await;
    let feed = tables.feed(&dynamodb);
    let mut process = Process::with(&tables, &dynamodb, &feed, Start::Beginning).await;
    let error = process.error().await;
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert_eq!(
        std::error::Error::source(&error).expect("a reason").to_string(),
        format!(
            "table {0} has no stream of new images; `eventctl table check {0}` says what to do",
            tables.events
        )
    );
}

#[tokio::test]
async fn the_streams_are_where_the_tables_are() {
    // By way of an endpoint that is given for DynamoDB alone. In the environment of a process: see the tests of services.
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=2).await;
    let dynamodb = connect().endpoint_url(dynamodb_local::url()).connect().await.expect("a connection");
    let mut process = Process::with(&tables, &dynamodb, &tables.feed(&dynamodb), Start::Beginning).await;
    assert_eq!(process.shard().await.commits(2).await, named("a", 1..=2));
}
