//! A mapping hands the stream of a table to a function as Lambda's event source mapping does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::common::function;
use lambda_local::{Backoff, DynamoDb, Log, Mapping, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

const EIGHT: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// What makes a table with a stream.
fn table(name: &str) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    })
}

/// A table with these items, which nobody else sees, and a function that is told what becomes of them.
struct Things {
    folder: TempDir,
    dynamodb: DynamoDb,
    mapping: Option<Mapping>,
}

impl Things {
    async fn with(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("fates")).expect("a folder");
        let key = format!("things{}x{}", std::process::id(), fastrand::u32(..));
        let dynamodb = DynamoDb::new(dynamodb_local::url(), key);
        dynamodb.ask("CreateTable", &table("things")).await.expect("a table");
        let things = Self { folder, dynamodb, mapping: None };
        for name in names {
            things.put(name).await;
        }
        things
    }

    async fn put(&self, name: &str) {
        let item = json!({"TableName": "things", "Item": {"name": {"S": name}}});
        self.dynamodb.ask("PutItem", &item).await.expect("an item");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn decide(&self, name: &str, fate: &str) {
        fs::write(self.path("fates").join(name), fate).expect("a file");
    }

    async fn start(&mut self, settings: Settings) {
        let text = |path: PathBuf| path.to_str().expect("a text").to_owned();
        let function = function()
            .timeout(Duration::from_secs(1))
            .env("LEDGER", text(self.path("ledger")))
            .env("FATES", text(self.path("fates")))
            .build();
        let function = Arc::new(function.expect("a function"));
        let mapping = Mapping::start("Things", "things", &self.dynamodb, function, settings, Log::default());
        self.mapping = Some(mapping.await.expect("a mapping"));
    }

    /// The names that each call had, so far.
    fn calls(&self) -> Vec<String> {
        let ledger = fs::read_to_string(self.path("ledger")).unwrap_or_default();
        ledger.lines().map(str::to_owned).collect()
    }

    /// The same once there are so many.
    async fn calls_up_to(&self, count: usize) -> Vec<String> {
        loop {
            let calls = self.calls();
            if calls.len() >= count {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// All eight at once, with retries that do not take long.
fn all_at_once() -> Settings {
    Settings {
        batch_size: EIGHT.len(),
        // It ends when there are eight.
        window: Duration::from_secs(60),
        reports_failures: true,
        backoff: Backoff { first: Duration::from_millis(20), most: Duration::from_millis(20) },
        ..Settings::default()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_handed_over_in_order_in_batches() {
    let names: Vec<_> = (0..50).map(|number| format!("{number:02}")).collect();
    let mut things = Things::with(&names[..30].iter().map(String::as_str).collect::<Vec<_>>()).await;
    things.start(Settings { batch_size: 7, ..Settings::default() }).await;
    for name in &names[30..] {
        things.put(name).await;
    }
    loop {
        let calls = things.calls();
        assert!(calls.iter().all(|call| call.split(' ').count() <= 7), "{calls:?}");
        let handled: Vec<_> = calls.iter().flat_map(|call| call.split(' ')).collect();
        assert_eq!(handled, names[..handled.len()]);
        if handled.len() == names.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_other_tables_is_no_reason_to_complain() {
    let mut things = Things::with(&[]).await;
    things.dynamodb.ask("CreateTable", &table("others")).await.expect("a table");
    things.start(Settings::default()).await;
    // It is looked for records of a table that has none, a few times.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for name in EIGHT {
        let item = json!({"TableName": "others", "Item": {"name": {"S": name}}});
        things.dynamodb.ask("PutItem", &item).await.expect("an item");
    }
    things.put("a").await;
    assert_eq!(things.calls_up_to(1).await, ["a"]);
    assert_eq!(things.mapping.as_ref().expect("a mapping").log().lines(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_failure_and_whatever_is_behind_it_come_again() {
    let mut things = Things::with(&EIGHT).await;
    things.decide("d", "report");
    things.start(all_at_once()).await;
    let calls = things.calls_up_to(3).await;
    assert_eq!(calls[..3], ["a b c d e f g h", "d e f g h", "d e f g h"]);
    things.decide("d", "");
    things.put("next").await;
    for number in 1..8 {
        things.put(&format!("next{number}")).await;
    }
    loop {
        let calls = things.calls();
        if let [.., before, last] = &*calls
            && last.starts_with("next next1")
        {
            assert_eq!(before, "d e f g h");
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_something_that_is_no_record_fails_the_whole_batch() {
    let mut things = Things::with(&EIGHT).await;
    things.decide("d", "report-nonsense");
    things.start(all_at_once()).await;
    let calls = things.calls_up_to(3).await;
    assert!(calls.iter().all(|call| call == "a b c d e f g h"), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_handled_is_found_by_splitting_and_kept() {
    let mut things = Things::with(&EIGHT).await;
    things.decide("f", "throw");
    let unhandled = things.path("unhandled");
    let settings =
        Settings { bisects: true, retries: Some(1), unhandled: Some(unhandled.clone()), ..all_at_once() };
    things.start(settings).await;
    let calls = things.calls_up_to(8).await;
    assert_eq!(calls, ["a b c d e f g h", "a b c d", "e f g h", "e f", "e", "f", "f", "g h"]);

    let files = files(&unhandled);
    let [file] = &*files else { panic!("{files:?}") };
    let name = file.strip_prefix(&unhandled).expect("a file of the folder").display().to_string();
    assert!(name.starts_with("aws/lambda/Things/shardId-"), "{name}");
    let kept: Value = serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("JSON");
    assert_eq!(kept["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(kept["responseContext"]["functionError"], "Unhandled");
    assert_eq!(kept["DDBStreamBatchInfo"]["batchSize"], 1);
    let payload = kept["payload"].as_str().expect("a text");
    let payload: Value = serde_json::from_str(payload).expect("what the function was called with");
    let record = &payload["Records"][0];
    assert_eq!(record["dynamodb"]["NewImage"], json!({"name": {"S": "f"}}));
    assert_eq!((&record["eventName"], &record["eventSource"]), (&json!("INSERT"), &json!("aws:dynamodb")));
    for member in ["startSequenceNumber", "endSequenceNumber"] {
        assert_eq!(kept["DDBStreamBatchInfo"][member], record["dynamodb"]["SequenceNumber"]);
    }
    assert_eq!(record["eventSourceARN"], kept["DDBStreamBatchInfo"]["streamArn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_splitting_a_batch_whose_retries_are_used_up_is_kept_as_a_whole() {
    let mut things = Things::with(&EIGHT).await;
    things.decide("f", "throw");
    let unhandled = things.path("unhandled");
    things.start(Settings { retries: Some(2), unhandled: Some(unhandled.clone()), ..all_at_once() }).await;
    while files(&unhandled).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(things.calls(), ["a b c d e f g h"; 3]);
    let lines = things.mapping.as_ref().expect("a mapping").log().lines();
    assert!(lines[0].contains("a batch of 8 has failed: Told: f"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_a_failed_one() {
    let mut things = Things::with(&EIGHT).await;
    things.decide("c", "sleep");
    things.start(Settings { bisects: true, ..all_at_once() }).await;
    let calls = things.calls_up_to(2).await;
    assert_eq!(calls, ["a b c d e f g h", "a b c d"]);
    things.decide("c", "");
    // The first half goes well at once, or is halved once more: it may have been begun by now.
    while things.calls().last().is_none_or(|call| call != "e f g h") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_stream_is_refused() {
    let things = Things::with(&[]).await;
    let mut table = table("others");
    table["StreamSpecification"] = json!({"StreamEnabled": false});
    things.dynamodb.ask("CreateTable", &table).await.expect("a table");
    let function = Arc::new(function().build().expect("a function"));
    let mapping =
        Mapping::start("Others", "others", &things.dynamodb, function, Settings::default(), Log::default());
    let error = mapping.await.expect_err("it has no stream");
    assert!(error.to_string().contains("stream"), "{error}");
}
