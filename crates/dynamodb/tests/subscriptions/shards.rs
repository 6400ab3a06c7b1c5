//! Streams of many shards, which DynamoDB Local never has: a service that says what a stream with shards says. All else is
//! in the real DynamoDB Local.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_event_sourcing_core::{Clock as _, SystemClock, subscription::Start};
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};
use serde_json::{Value, json};

use crate::{
    service::Service,
    support::{Followed, LEASE, PATIENCE, Process, Tables, access_key, by_way_of, named},
};

/// A shard: commits of one resource, by their numbers.
#[derive(Default)]
struct Shard {
    id: &'static str,
    parent: Option<&'static str>,
    resource: &'static str,
    numbers: Vec<u64>,
    is_closed: bool,
    /// For how many hours its records have been in the stream.
    age: u64,
}

/// The shards of a stream. Clones are the same.
#[derive(Clone, Default)]
struct Shards(Arc<Mutex<Vec<Shard>>>);

impl Shards {
    /// Open shards without a parent.
    fn open(ids: &[&'static str]) -> Self {
        let shards = Self::default();
        for id in ids {
            shards.add(id, None, 1..=2);
        }
        shards
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Shard>> {
        self.0.lock().expect("no test panics with it")
    }

    /// A shard of the resource of the same name.
    fn add(
        &self,
        id: &'static str,
        parent: Option<&'static str>,
        numbers: impl IntoIterator<Item = u64>,
    ) -> &Self {
        let numbers = numbers.into_iter().collect();
        self.lock().push(Shard { id, parent, resource: id, numbers, is_closed: false, age: 0 });
        self
    }

    fn close(&self, id: &str) -> &Self {
        self.lock().iter_mut().find(|shard| shard.id == id).expect("a shard").is_closed = true;
        self
    }

    fn age(&self, id: &str, hours: u64) -> &Self {
        self.lock().iter_mut().find(|shard| shard.id == id).expect("a shard").age = hours;
        self
    }

    fn append(&self, id: &str, number: u64) {
        self.lock().iter_mut().find(|shard| shard.id == id).expect("a shard").numbers.push(number);
    }

    /// As when its 24 hours are over.
    fn remove(&self, id: &str) -> &Self {
        self.lock().retain(|shard| shard.id != id);
        self
    }

    /// One shard a page.
    fn describe(&self, body: &Value) -> Value {
        let shards = self.lock();
        let after = body["ExclusiveStartShardId"].as_str();
        let from =
            after.map_or(0, |after| shards.iter().position(|shard| shard.id == after).map_or(0, |at| at + 1));
        let page: Vec<_> = shards[from..]
            .iter()
            .take(1)
            .map(|shard| match shard.parent {
                Some(parent) => json!({ "ShardId": shard.id, "ParentShardId": parent }),
                None => json!({ "ShardId": shard.id }),
            })
            .collect();
        let last = if from + 1 < shards.len() { json!(shards[from].id) } else { Value::Null };
        json!({ "StreamDescription": { "Shards": page, "LastEvaluatedShardId": last } })
    }

    /// An iterator is a shard and a place in it.
    fn iterator(&self, body: &Value) -> Result<Value, &'static str> {
        let id = body["ShardId"].as_str().expect("a shard");
        if !self.lock().iter().any(|shard| shard.id == id) {
            return Err("ResourceNotFoundException: Requested resource not found");
        }
        let place = match body["ShardIteratorType"].as_str() {
            Some("TRIM_HORIZON") => "0",
            _ => body["SequenceNumber"].as_str().expect("a number"),
        };
        Ok(json!({ "ShardIterator": format!("{id} {place}") }))
    }

    fn records(&self, body: &Value) -> Result<Value, &'static str> {
        let (id, place) =
            body["ShardIterator"].as_str().expect("an iterator").split_once(' ').expect("a place");
        let place: usize = place.parse().expect("a place");
        let shards = self.lock();
        let shard = shards.iter().find(|shard| shard.id == id);
        let shard = shard.ok_or("ResourceNotFoundException: Requested resource not found")?;
        let written = SystemClock.now().as_unix_millis() / 1_000 - shard.age * 3_600;
        let records = shard.numbers.iter().enumerate().skip(place).map(|(at, number)| {
            let (id, number) = (json!({ "S": shard.resource }), json!({ "N": number.to_string() }));
            json!({ "eventName": "INSERT", "dynamodb": {
                "SequenceNumber": (at + 1).to_string(),
                "ApproximateCreationDateTime": written,
                "Keys": { "id": id, "number": number },
                "NewImage": {
                    "id": id, "number": number, "type": { "S": "NoteAdded" },
                    "at": { "S": "2026-11-24T09:30:00.000Z" }, "commit": { "S": "any" },
                },
            } })
        });
        let records: Vec<_> = records.collect();
        let next = if shard.is_closed { Value::Null } else { json!(format!("{id} {}", shard.numbers.len())) };
        Ok(json!({ "Records": records, "NextShardIterator": next }))
    }

    /// A connection to DynamoDB Local, but for its streams.
    async fn connect(&self) -> DynamoDb {
        let shards = self.clone();
        let service = Service::answering(move |operation, _, body| match operation {
            "DescribeStream" => Ok(shards.describe(body)),
            "GetShardIterator" => shards.iterator(body),
            _ => shards.records(body),
        });
        let endpoints = Endpoints { streams: service.await.url };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .service_config(endpoints);
        let connect = DynamoDb::builder().config(config.build()).access_key(access_key(), "secret");
        connect.connect().await.expect("a connection")
    }

    async fn process(&self, tables: &Tables, start: Start) -> Process {
        let dynamodb = self.connect().await;
        Process::with(tables, &dynamodb, &tables.feed(&dynamodb), start).await
    }
}

/// As the environment names them, one for each service.
#[derive(Debug)]
struct Endpoints {
    streams: String,
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match key.service_id() {
            "DynamoDB Streams" => Some(self.streams.clone()),
            _ => Some(dynamodb_local::url().to_owned()),
        }
    }
}

/// So many parts of a process, by their names.
async fn parts(process: &mut Process, count: usize) -> Vec<Followed> {
    let mut parts = Vec::new();
    for _ in 0..count {
        parts.push(process.part().await);
    }
    parts.sort_by(|one, other| one.part.name.cmp(&other.part.name));
    parts
}

fn names(parts: &[Followed]) -> Vec<&str> {
    parts.iter().map(|part| &*part.part.name).collect()
}

#[tokio::test]
async fn a_shard_comes_when_the_one_before_it_is_finished() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a"]);
    shards.close("a").add("b", Some("a"), 1..=3).add("c", Some("a"), 1..=1);
    let mut process = shards.process(&tables, Start::Now).await;
    let mut first = process.part().await;
    assert_eq!(&*first.part.name, "a");
    assert_eq!(first.rest().await, named("a", 1..=2), "it ends");
    first.hold().save(2).await.expect("saved");
    assert!(process.part_within(Duration::from_millis(1_500)).await.is_none(), "it is not finished");
    first.hold().finish().await.expect("finished");
    drop(first);

    let mut children = parts(&mut process, 2).await;
    assert_eq!(names(&children), ["b", "c"]);
    assert_eq!(children[0].commits(3).await, named("b", 1..=3));
    assert_eq!(children[1].commits(1).await, named("c", [1]));
    // It is split while it is read.
    shards.add("d", Some("b"), 1..=1).close("b");
    assert_eq!(children[0].rest().await, []);
    let since = Instant::now();
    children[0].hold().finish().await.expect("finished");
    let mut grandchild = process.part().await;
    assert!(since.elapsed() < Duration::from_secs(5), "it is looked for at once: {:?}", since.elapsed());
    assert_eq!(&*grandchild.part.name, "d");
    assert_eq!(grandchild.commits(1).await, named("d", [1]));
}

#[tokio::test]
async fn a_shard_that_is_finished_stays_finished_and_is_forgotten_when_it_is_gone() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a"]);
    shards.close("a").add("b", Some("a"), 1..=3);
    let mut process = shards.process(&tables, Start::Now).await;
    let mut first = process.part().await;
    first.rest().await;
    first.hold().finish().await.expect("finished");
    drop((process, first));
    // Its time is over before its child is begun.
    shards.remove("a");

    let mut process = shards.process(&tables, Start::Now).await;
    let mut second = process.part().await;
    assert_eq!(&*second.part.name, "b");
    assert_eq!(second.commits(3).await, named("b", 1..=3));
    assert!(process.part_within(Duration::from_secs(2)).await.is_none());
    let parts: BTreeSet<_> = tables
        .leases()
        .await
        .iter()
        .map(|item| item["part"]["S"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(parts, ["#feed/shard/b", "#feed/table"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_shard_that_is_finished_is_forgotten_when_what_came_from_it_is_begun() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a"]);
    shards.close("a").add("b", Some("a"), 1..=1).close("b").add("c", Some("b"), 1..=1);
    let mut process = shards.process(&tables, Start::Now).await;
    for name in ["a", "b"] {
        let mut shard = process.part().await;
        assert_eq!(&*shard.part.name, name);
        shard.rest().await;
        shard.hold().finish().await.expect("finished");
    }
    let last = process.part().await;
    assert_eq!(&*last.part.name, "c");
    let since = Instant::now();
    while tables.leases().await.len() > 2 {
        assert!(since.elapsed() < PATIENCE, "{:#?}", tables.leases().await);
        assert!(process.part_within(Duration::from_millis(500)).await.is_none());
    }
    drop((process, last));
    // All of them are still listed, and nobody remembers the first two.
    let mut process = shards.process(&tables, Start::Now).await;
    let last = process.part().await;
    assert_eq!(&*last.part.name, "c");
    assert!(process.part_within(Duration::from_secs(2)).await.is_none());
    // Of one that is forgotten another one came.
    shards.add("late", Some("a"), 1..=2);
    drop((process, last));
    let mut process = shards.process(&tables, Start::Now).await;
    let both = parts(&mut process, 2).await;
    assert_eq!(names(&both), ["c", "late"]);
}

#[tokio::test]
async fn what_comes_after_records_of_half_a_day_ago_is_in_the_table() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a"]);
    shards.age("a", 13).close("a").add("b", Some("a"), 3..=3);
    let mut process = shards.process(&tables, Start::Now).await;
    let mut first = process.part().await;
    assert_eq!(first.rest().await, named("a", 1..=2));
    first.hold().finish().await.expect("finished");
    drop(first);
    // Whoever is that far behind may find that what "b" began with is gone, and nobody would tell them.
    let mut past = process.part().await;
    assert!(past.is_table(), "{}", past.part.name);
    past.rest().await;
    past.hold().finish().await.expect("finished");
    drop(past);
    let parts = parts(&mut process, 1).await;
    assert_eq!(names(&parts), ["a"], "all of the stream comes again");
}

#[tokio::test]
async fn what_is_gone_before_it_was_read_is_in_the_table() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a"]);
    let mut process = shards.process(&tables, Start::Now).await;
    let mut first = process.part().await;
    first.commits(2).await;
    first.hold().save(1).await.expect("saved");
    first.hold().release().await.expect("released");
    drop((process, first));
    // A day goes by.
    shards.close("a").remove("a").add("b", Some("a"), 3..=3);

    let mut process = shards.process(&tables, Start::Now).await;
    let since = Instant::now();
    let mut past = process.part().await;
    assert!(past.is_table());
    assert!(since.elapsed() >= LEASE, "a listing may be behind");
    past.rest().await;
    past.hold().finish().await.expect("finished");
    let mut next = process.part().await;
    assert_eq!(&*next.part.name, "b");
    assert_eq!(next.commits(1).await, named("b", [3]));
}

#[tokio::test]
async fn what_is_gone_while_it_is_read_is_in_the_table() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a", "z"]);
    let mut process = shards.process(&tables, Start::Now).await;
    let mut both = parts(&mut process, 2).await;
    both[0].commits(2).await;
    shards.remove("a");
    let error = both[0].batch().await.expect("an error").expect_err("gone");
    assert!(error.is_retryable());
    both.remove(0);
    // The other one is of the earlier round too, and ends.
    let (past, ()) = tokio::join!(process.part(), async {
        while both[0].batch().await.is_some() {}
        assert!(!both[0].hold().is_ours());
        both.clear();
    });
    assert!(past.is_table());
}

#[tokio::test]
async fn two_processes_share_the_shards() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a", "b", "c", "d"]);
    let mut first = shards.process(&tables, Start::Now).await;
    let mut second = shards.process(&tables, Start::Now).await;
    let mut ours = vec![first.part().await];
    let mut theirs = vec![second.part().await];
    ours.push(first.part().await);
    theirs.push(second.part().await);
    let all: BTreeSet<_> = names(&ours).into_iter().chain(names(&theirs)).collect();
    assert_eq!(all, BTreeSet::from(["a", "b", "c", "d"]));
    assert!(first.part_within(Duration::from_secs(2)).await.is_none());

    // When one is gone, the other one gets all.
    drop((second, theirs));
    ours.extend(parts(&mut first, 2).await);
    let all: BTreeSet<_> = names(&ours).into_iter().collect();
    assert_eq!(all, BTreeSet::from(["a", "b", "c", "d"]));
}

#[tokio::test]
async fn who_comes_later_is_handed_a_share() {
    let tables = Tables::new().await;
    let shards = Shards::open(&["a", "b", "c", "d"]);
    let mut first = shards.process(&tables, Start::Now).await;
    let mut ours = parts(&mut first, 4).await;
    for part in &mut ours {
        part.commits(2).await;
        part.hold().save(1).await.expect("saved");
    }
    let mut second = shards.process(&tables, Start::Now).await;
    let mut handled: FuturesUnordered<_> = ours.into_iter().map(until_handed_over).collect();
    let handing_over = async {
        handled.next().await.expect("one is handed over");
        handled.next().await.expect("another one is handed over");
    };
    let taking = async {
        let mut theirs = parts(&mut second, 2).await;
        assert_eq!(names(&theirs), ["a", "b"]);
        assert_eq!(theirs[1].commits(1).await, named("b", [2]), "behind what was saved");
        shards.append("a", 3);
        assert_eq!(theirs[0].commits(1).await, named("a", [3]), "behind all that was delivered");
        theirs
    };
    let both = async { tokio::join!(handing_over, taking).1 };
    let theirs = match select(Box::pin(both), Box::pin(first.part())).await {
        Either::Left((theirs, _)) => theirs,
        Either::Right((part, _)) => panic!("{} is taken back", part.part.name),
    };
    assert_eq!(theirs.len(), 2);
    // And that is all.
    assert!(second.part_within(Duration::from_secs(3)).await.is_none());
}

/// One is finished with, and the others are dropped.
async fn until_handed_over(mut part: Followed) {
    assert!(part.batch().await.is_none(), "it ends, and nothing has failed");
    assert!(part.hold().is_ours(), "until it is given back");
    if &*part.part.name == "a" {
        part.hold().finish().await.expect("given back");
        assert!(!part.hold().is_ours());
    }
}

#[tokio::test]
async fn a_shard_that_is_taken_while_the_table_is_busy_is_taken_a_moment_later() {
    let shards = Shards::open(&["a"]);
    let of_streams = shards.clone();
    let service = Service::answering(move |operation, count, body| match (operation, count) {
        ("TransactWriteItems", 1) => Err("TransactionCanceledException: None, ThrottlingError"),
        ("TransactWriteItems", 2) => Err("TransactionCanceledException: TransactionConflict, None"),
        ("Query", _) => Ok(json!({ "Items": [{
            "id": { "S": "#feed/tests/notebook" }, "part": { "S": "#feed/table" },
            "round": { "N": "1" }, "counter": { "N": "0" }, "stream": { "S": "arn" },
            "finished_at": { "S": SystemClock.now().to_string() },
            "opened": { "BOOL": true }, "roots": { "SS": ["a"] },
        }] })),
        ("DescribeTable", _) => Ok(json!({ "Table": {
            "LatestStreamArn": "arn",
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        } })),
        ("DescribeStream", _) => Ok(of_streams.describe(body)),
        ("GetShardIterator", _) => of_streams.iterator(body),
        ("GetRecords", _) => of_streams.records(body),
        _ => Ok(json!({})),
    })
    .await;
    let tables = Tables { events: "events".into(), subscriptions: "subscriptions".into() };
    let dynamodb = by_way_of(&service.url).await;
    let mut process = Process::with(&tables, &dynamodb, &tables.feed(&dynamodb), Start::Now).await;
    let mut shard = process.part_within(PATIENCE).await.expect("a shard, and no error");
    assert_eq!(shard.commits(2).await, named("a", 1..=2));
    assert_eq!(service.bodies("TransactWriteItems").len(), 3);
}
