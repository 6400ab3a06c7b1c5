//! Tables in the DynamoDB Local of this run, and what stands for a process of a service.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Clock as _, Commit, EncodedEvent, EventStore as _, ResourceKey, StoreError, SystemClock, Timestamp,
    subscription::{Batch, Feed as _, Part, ProgressStore as _, Registration, Start, SubscriptionKey},
};
use aws_event_sourcing_dynamodb::{Connect, DynamoDb, DynamoDbFeed, DynamoDbStore, DynamoDbSubscriptions};
use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A lease time for tests that wait for one to end.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// Each process of tests has an access key, and so tables, of its own.
pub(crate) fn access_key() -> String {
    format!("subscriptions{}", process::id())
}

/// A connection that is set up, but for its address.
pub(crate) fn connect() -> Connect {
    DynamoDb::builder().access_key(access_key(), "secret").region("us-east-1")
}

/// A connection straight to DynamoDB Local.
pub(crate) async fn dynamodb() -> DynamoDb {
    connect().endpoint_url(dynamodb_local::url()).connect().await.expect("a connection")
}

/// A connection by way of a proxy, which gives up soon.
pub(crate) async fn by_way_of(url: &str) -> DynamoDb {
    let connect = connect().endpoint_url(url).attempt_timeout(Duration::from_millis(500));
    connect.deadline(Duration::from_secs(3)).connect().await.expect("a connection")
}

/// Asks DynamoDB Local as anybody can, without this library and the SDK. It checks no signature.
pub(crate) async fn ask(operation: &str, body: Value) -> Value {
    asked(&format!("DynamoDB_20120810.{operation}"), body).await
}

/// The same for its streams.
pub(crate) async fn ask_streams(operation: &str, body: Value) -> Value {
    asked(&format!("DynamoDBStreams_20120810.{operation}"), body).await
}

async fn asked(operation: &str, body: Value) -> Value {
    let credential = format!("{}/20260101/us-east-1/dynamodb/aws4_request", access_key());
    let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http
        .post(dynamodb_local::url())
        .header("x-amz-target", operation)
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", authorization)
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let (status, answer) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{operation}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

/// A table of events and one of subscriptions, which only the caller knows of.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) events: String,
    pub(crate) subscriptions: String,
}

impl Tables {
    pub(crate) async fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let tables =
            Self { events: format!("events-{number}"), subscriptions: format!("subscriptions-{number}") };
        let dynamodb = dynamodb().await;
        dynamodb.table(&*tables.events).create().send().await.expect("a table");
        dynamodb.subscriptions_table(&*tables.subscriptions).create().send().await.expect("a table");
        tables
    }

    /// The store on a connection.
    pub(crate) fn store(&self, dynamodb: &DynamoDb) -> DynamoDbStore {
        dynamodb.store().table("notebook", &*self.events).build()
    }

    pub(crate) fn progress(&self, dynamodb: &DynamoDb) -> DynamoDbSubscriptions {
        dynamodb.subscriptions(&*self.subscriptions)
    }

    /// The items that say who follows what, as they are stored.
    pub(crate) async fn leases(&self) -> Vec<Value> {
        let answer = ask(
            "Query",
            json!({
                "TableName": self.subscriptions, "ConsistentRead": true,
                "KeyConditionExpression": "id = :id",
                "ExpressionAttributeValues": { ":id": { "S": "#feed/tests/notebook" } },
            }),
        );
        answer.await["Items"].as_array().expect("items").clone()
    }

    /// Sets an attribute of an item, by hand.
    pub(crate) async fn set(&self, item: &Value, attribute: &str, value: &Value) {
        ask(
            "UpdateItem",
            json!({
                "TableName": self.subscriptions,
                "Key": { "id": item["id"], "part": item["part"] },
                "UpdateExpression": "SET #attribute = :value",
                "ExpressionAttributeNames": { "#attribute": attribute },
                "ExpressionAttributeValues": { ":value": value },
            }),
        )
        .await;
    }

    pub(crate) fn feed(&self, dynamodb: &DynamoDb) -> DynamoDbFeed {
        self.progress(dynamodb).feed(&self.store(dynamodb)).lease_time(LEASE)
    }
}

pub(crate) fn key() -> SubscriptionKey {
    SubscriptionKey::new("tests", "notebook")
}

pub(crate) fn resource(id: &str) -> ResourceKey {
    ResourceKey::new("notebook", id)
}

/// The time that a test's events are of.
pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000 + millis)
}

/// A commit of one event.
pub(crate) fn commit(id: &str, number: u64) -> Commit {
    Commit {
        resource: resource(id),
        number,
        events: vec![EncodedEvent { event_type: "NoteAdded".into(), data: None }],
        at: at(number),
        id: format!("{id}-{number}").into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    }
}

/// Appends the commits of a resource with these numbers.
pub(crate) async fn append(store: &DynamoDbStore, id: &str, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        store.append(&commit(id, number)).await.expect("stored");
    }
}

/// What stands for a process that follows.
pub(crate) struct Process {
    parts: BoxStream<'static, Result<Part, StoreError>>,
    pub(crate) registration: Registration,
}

impl Process {
    /// Follows with the lease time of tests.
    pub(crate) async fn new(tables: &Tables, start: Start) -> Self {
        let dynamodb = dynamodb().await;
        Self::with(tables, &dynamodb, &tables.feed(&dynamodb), start).await
    }

    pub(crate) async fn with(
        tables: &Tables,
        dynamodb: &DynamoDb,
        feed: &DynamoDbFeed,
        start: Start,
    ) -> Self {
        Self::of(tables, dynamodb, feed, &key(), start).await
    }

    /// Follows for a subscription.
    pub(crate) async fn of(
        tables: &Tables,
        dynamodb: &DynamoDb,
        feed: &DynamoDbFeed,
        key: &SubscriptionKey,
        start: Start,
    ) -> Self {
        let progress = tables.progress(dynamodb);
        let registration = progress.register(key, start, SystemClock.now()).await.expect("registered");
        Self { parts: feed.follow(key, &registration), registration }
    }

    /// The next part, whatever comes in between.
    pub(crate) async fn part(&mut self) -> Followed {
        let next = async {
            loop {
                match self.parts.next().await.expect("it never ends") {
                    Ok(part) => return Followed::new(part),
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            }
        };
        timeout(PATIENCE, next).await.expect("a part")
    }

    /// The next error.
    pub(crate) async fn error(&mut self) -> StoreError {
        let next = timeout(PATIENCE, self.parts.next()).await.expect("an answer");
        next.expect("it never ends").expect_err("an error")
    }

    /// The next part, if it comes within that time.
    pub(crate) async fn part_within(&mut self, time: Duration) -> Option<Followed> {
        let part = timeout(time, self.parts.next()).await.ok()?;
        Some(Followed::new(part.expect("it never ends").expect("a part")))
    }

    /// The first shard, after the past.
    pub(crate) async fn shard(&mut self) -> Followed {
        loop {
            let mut part = self.part().await;
            if !part.is_table() {
                return part;
            }
            part.rest().await;
            part.part.hold.finish().await.expect("finished");
        }
    }
}

/// A part that is followed.
pub(crate) struct Followed {
    pub(crate) part: Part,
    /// The last position that was delivered.
    pub(crate) up_to: u64,
}

impl Followed {
    pub(crate) fn new(part: Part) -> Self {
        Self { part, up_to: 0 }
    }

    pub(crate) fn is_table(&self) -> bool {
        self.part.name.starts_with("table ")
    }

    /// The next batch. None at the end.
    pub(crate) async fn batch(&mut self) -> Option<Result<Batch, StoreError>> {
        let batch = timeout(PATIENCE, self.part.batches.next()).await.expect("a batch");
        if let Some(Ok(batch)) = &batch {
            self.up_to = batch.up_to;
        }
        batch
    }

    /// The next commits, as many as these at least: resources and numbers.
    pub(crate) async fn commits(&mut self, count: usize) -> Vec<(String, u64)> {
        let mut commits = Vec::new();
        while commits.len() < count {
            let batch = self.batch().await.expect("no end").expect("a batch");
            commits.extend(batch.deliveries.into_iter().map(|delivery| name(&delivery.commit)));
        }
        commits
    }

    /// All that comes until the end.
    pub(crate) async fn rest(&mut self) -> Vec<(String, u64)> {
        let mut commits = Vec::new();
        while let Some(batch) = self.batch().await {
            let batch = batch.expect("a batch");
            commits.extend(batch.deliveries.into_iter().map(|delivery| name(&delivery.commit)));
        }
        commits
    }

    pub(crate) fn hold(&self) -> Arc<dyn aws_event_sourcing_core::subscription::Hold> {
        self.part.hold.clone()
    }
}

/// Waits for something to be so, which tells nobody when it is.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it is so in the end");
}

pub(crate) fn name(commit: &Commit) -> (String, u64) {
    (commit.resource.id.to_string(), commit.number)
}

/// As [`name`] says it.
pub(crate) fn named(id: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<(String, u64)> {
    numbers.into_iter().map(|number| (id.to_owned(), number)).collect()
}
