//! A compiled function under Lambda's own runtime interface emulator, called with the events that AWS documents: what it
//! answers to each, and what comes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use lambda_local::{DynamoDb, Failure, Function};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::Tables;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/service/tests/events");

/// Short enough to be waited for, and long enough for everything else on a machine that has much to do.
const TIMEOUT: Duration = Duration::from_secs(6);

/// One of the documented events.
fn event(name: &str) -> Value {
    let text = fs::read_to_string(format!("{EVENTS}/{name}.json"));
    serde_json::from_str(&text.unwrap_or_else(|error| panic!("{name}: {error}"))).expect("JSON")
}

/// The function of `src/bin/every-kind.rs`, with tables and a folder of its own.
struct EveryKind {
    function: Arc<Function>,
    dynamodb: DynamoDb,
    folder: TempDir,
}

impl EveryKind {
    async fn start() -> Self {
        let tables = Tables::create(&["products"]).await.with_subscriptions().await;
        let settings = BTreeMap::from(tables.settings());
        let dynamodb = DynamoDb::new(settings["AWS_ENDPOINT_URL_DYNAMODB"], settings["AWS_ACCESS_KEY_ID"]);
        let folder = tempfile::tempdir().expect("a folder");
        let function = Function::builder(env!("CARGO_BIN_EXE_every-kind"))
            .envs(settings)
            .env("DYNAMODB_TABLE_PRODUCT", "products")
            .env("SUBSCRIPTIONS_TABLE", "subscriptions")
            .env("FOLDER", folder.path().to_str().expect("a text"))
            .timeout(TIMEOUT)
            .build();
        Self { function: Arc::new(function.expect("a function")), dynamodb, folder }
    }

    async fn call(&self, event: &Value) -> Result<Value, Failure> {
        let answer = self.function.invoke(event.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    async fn answer(&self, event: &Value) -> Value {
        self.call(event).await.unwrap_or_else(|failure| panic!("{failure}: {event}"))
    }

    /// Why it does not answer.
    async fn failure(&self, event: &Value) -> String {
        self.call(event).await.expect_err("a failure").to_string()
    }

    /// What was handled, in order.
    fn handled(&self) -> Vec<String> {
        let ledger = fs::read_to_string(self.folder.path().join("ledger")).unwrap_or_default();
        ledger.lines().map(str::to_owned).collect()
    }

    /// The commits of all products so far.
    async fn commits(&self) -> BTreeSet<String> {
        self.items("commit").await
    }

    /// What all items of the table have in an attribute.
    async fn items(&self, attribute: &str) -> BTreeSet<String> {
        let scanned = self.dynamodb.ask("Scan", &json!({"TableName": "products"})).await.expect("an answer");
        let items = scanned["Items"].as_array().expect("items").iter();
        items.map(|item| item[attribute]["S"].as_str().expect("a text").to_owned()).collect()
    }
}

fn failures(ids: &[&str]) -> Value {
    let items: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": items })
}

#[test]
fn every_documented_event_is_called_with() {
    let files = fs::read_dir(EVENTS).expect("a folder").map(|entry| entry.expect("an entry").path());
    let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
    let names: BTreeSet<_> = files.map(|path| stem(&path)).collect();
    let source = include_str!("events.rs");
    let uncalled: Vec<_> = names.iter().filter(|name| !source.contains(&format!("\"{name}\""))).collect();
    assert!(!names.is_empty() && uncalled.is_empty(), "{uncalled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_as_each_of_those_who_send_them_reads_it() {
    let function = EveryKind::start().await;
    let text = json!("");
    for (name, seen, headers, body) in [
        (
            "rest-api",
            "GET /products?limit=2&tag=1%2B1%3D2%20%26%20%C3%BC&tag=%2541",
            json!({"set-cookie": ["a=1", "b=2"], "x-tag": ["one", "two"]}),
            &text,
        ),
        ("rest-api-mapping", "GET /products/a%2Fb%20c", json!({}), &text),
        ("http-api-1.0", "GET /products/a/b%20c%2541", json!({}), &text),
        ("http-api-mapping", "GET /products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541", json!({}), &text),
        ("http-api-stage", "GET /products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541", json!({}), &text),
        ("function-url", "POST /products/a%2Fb%20c", json!({"cookies": ["a=1"]}), &json!("AP/+e30=")),
        ("alb", "GET /products/a%2Fb?limit=2&tag=%2541%20%26", json!({"x-tag": "two"}), &text),
        (
            "alb-multi-value",
            "GET /products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
            json!({"x-tag": ["one", "two"]}),
            &text,
        ),
        (
            "vpc-lattice-1",
            "GET /products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
            json!({"x-tag": "one,two"}),
            &text,
        ),
    ] {
        let answer = function.answer(&event(name)).await;
        assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), body), "{name}: {answer}");
        assert_eq!(answer["isBase64Encoded"], *body != text, "{name}: {answer}");
        let has_many = matches!(name, "rest-api" | "rest-api-mapping" | "http-api-1.0" | "alb-multi-value");
        let seen = json!(format!("{seen} 203.0.113.7:0"));
        let seen = if has_many { json!([seen]) } else { seen };
        let own = &answer[if has_many { "multiValueHeaders" } else { "headers" }];
        assert_eq!(own["x-seen"], seen, "{name}: {answer}");
        for (header, expected) in headers.as_object().expect("headers") {
            let found = if header == "cookies" { &answer["cookies"] } else { &own[header] };
            assert_eq!(found, expected, "{name}: {answer}");
        }
        let has_description = name.starts_with("alb") || name.starts_with("vpc-lattice");
        let description = if has_description { json!("200 OK") } else { Value::Null };
        assert_eq!(answer["statusDescription"], description, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_to_an_authorizer_is_answered_as_anybody_is() {
    let function = EveryKind::start().await;
    for (name, status) in [
        ("function-url-iam", 200),
        ("http-api-1.0-jwt", 200),
        ("http-api-authorizer", 201),
        ("http-api-jwt", 201),
        ("rest-api-authorizer", 201),
        ("rest-api-cognito", 201),
        ("rest-api-iam", 201),
        ("vpc-lattice-iam", 201),
    ] {
        let answer = function.answer(&event(name)).await;
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_commits_is_stored_and_once_with_a_key() {
    let function = EveryKind::start().await;
    let created = function.answer(&event("http-api")).await;
    let again = function.answer(&event("http-api")).await;
    assert_eq!((&created["statusCode"], &created["headers"]["etag"]), (&json!(201), &json!("\"1\"")));
    assert_eq!(
        (&again["body"], &again["headers"]["location"]),
        (&created["body"], &created["headers"]["location"])
    );
    assert_eq!(function.commits().await, BTreeSet::from(["k-1".to_owned()]));

    let created = function.answer(&event("rest-api-domain")).await;
    let body: Value = serde_json::from_str(created["body"].as_str().expect("a text")).expect("JSON");
    assert_eq!((&created["statusCode"], &body["quantity"]), (&json!(201), &json!(5)));
    let location = format!("/products/{}", body["id"].as_str().expect("an id"));
    assert_eq!(created["multiValueHeaders"]["location"], json!([location]));
    assert_eq!(function.commits().await.len(), 2);

    let created = function.answer(&event("vpc-lattice-2")).await;
    let location = created["headers"]["location"].as_str().expect("a text");
    assert_eq!(
        (&created["statusCode"], location.starts_with("/products/")),
        (&json!(201), true),
        "{created}"
    );
    assert_eq!(function.commits().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_stream_are_handled_once_and_in_vain_when_they_change_history() {
    let function = EveryKind::start().await;
    for _ in 0..2 {
        assert_eq!(function.answer(&event("dynamodb")).await, failures(&[]));
        assert_eq!(function.handled(), ["stock/p-1/1"]);
    }
    for (number, what) in [("2", "MODIFY"), ("3", "REMOVE")] {
        let mut breach = event("dynamodb");
        breach["Records"][0]["eventName"] = what.into();
        for place in ["Keys", "NewImage"] {
            breach["Records"][0]["dynamodb"][place]["number"]["N"] = number.into();
        }
        assert_eq!(function.answer(&breach).await, failures(&[]));
        let lines = function.function.log().lines();
        let line = lines.iter().find(|line| line.contains(what)).expect("a line that says so");
        let line: Value = serde_json::from_str(line).expect("a JSON line");
        assert_eq!((&line["level"], &line["id"]), (&json!("ERROR"), &json!("p-1")), "{line}");
        assert_eq!(line["number"], number, "{line}");
    }
    assert_eq!(function.handled(), ["stock/p-1/1"]);
}

/// Somebody else's item in the table parks its resource and holds nobody up; one that is only in the record is read from the
/// table.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_on_behind_a_record_of_what_is_no_commit() {
    let function = EveryKind::start().await;
    function.answer(&event("rest-api-domain")).await;
    let foreign = json!({"id": {"S": "foreign"}, "number": {"N": "1"}, "price": {"N": "7"}});
    let put = json!({"TableName": "products", "Item": foreign});
    function.dynamodb.ask("PutItem", &put).await.expect("an item");
    function.answer(&event("rest-api-domain")).await;
    let mut records = function.dynamodb.stream("products").await.expect("a stream");
    let image = records[2]["dynamodb"]["NewImage"].as_object_mut().expect("an image");
    image.insert("at".to_owned(), json!({"S": "yesterday"}));
    assert_eq!(function.answer(&json!({ "Records": records })).await, failures(&[]));
    let id = |record: &Value| record["dynamodb"]["Keys"]["id"]["S"].as_str().expect("an id").to_owned();
    let expected = [&records[0], &records[2]].map(|record| format!("stock/{}/1", id(record)));
    assert_eq!(BTreeSet::from_iter(function.handled()), BTreeSet::from(expected));
    assert_eq!(function.answer(&event("redrive")).await["parked_resources"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_handled_up_to_the_record_that_tells_of_nothing() {
    let function = EveryKind::start().await;
    for _ in 0..3 {
        function.answer(&event("rest-api-domain")).await;
    }
    let mut records = function.dynamodb.stream("products").await.expect("a stream");
    records[1]["dynamodb"].as_object_mut().expect("an object").remove("NewImage");
    let id = |record: &Value| record["dynamodb"]["Keys"]["id"]["S"].as_str().expect("an id").to_owned();
    let number = records[1]["dynamodb"]["SequenceNumber"].as_str().expect("a number");
    assert_eq!(function.answer(&json!({ "Records": records })).await, failures(&[number]));
    assert_eq!(function.handled(), [format!("stock/{}/1", id(&records[0]))]);
    // With nothing before it, there is nothing to tell but that it failed.
    let failure = function.failure(&json!({ "Records": records[1..] })).await;
    assert!(failure.starts_with("Store: ") && failure.contains("products"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_is_handled_by_redrives_as_far_as_the_time_of_each_goes() {
    let function = EveryKind::start().await;
    // More of what takes a while than one invocation has the time for.
    let mut request = event("rest-api-domain");
    request["body"] = r#"{"amount": 1000}"#.into();
    for _ in 0..40 {
        assert_eq!(function.answer(&request).await["statusCode"], 201);
    }
    // What the stream brings meanwhile is handled once as well.
    let records = function.dynamodb.stream("products").await.expect("a stream");
    assert_eq!(function.answer(&json!({ "Records": records[7..9] })).await, failures(&[]));
    let mut calls = 0;
    loop {
        let answer = function.answer(&event("redrive")).await;
        calls += 1;
        match answer["catching_up"].as_u64() {
            Some(0) => break,
            Some(1) => assert!(calls < 40, "{answer}"),
            _ => panic!("{answer}"),
        }
    }
    assert!(calls > 1, "there was time for all of it");
    let handled = function.handled();
    let once: BTreeSet<_> = handled.iter().cloned().collect();
    assert_eq!((handled.len(), once.len()), (40, 40));
    // It is not read again.
    function.answer(&event("redrive")).await;
    assert_eq!(function.handled().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_released_by_a_redrive_once_the_handler_is_mended() {
    let function = EveryKind::start().await;
    let mut bad = event("http-api");
    bad["body"] = r#"{"amount": 13}"#.into();
    function.answer(&bad).await;
    let records = function.dynamodb.stream("products").await.expect("a stream");
    assert_eq!(function.answer(&json!({ "Records": records })).await, failures(&[]));
    assert_eq!(function.handled(), [""; 0]);
    let redriven = async |outcome: Value| {
        while function.answer(&event("redrive")).await != outcome {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    redriven(json!({"released": 0, "failed": 1, "parked_resources": 1, "catching_up": 0})).await;
    fs::write(function.folder.path().join("mended"), "").expect("a file");
    redriven(json!({"released": 1, "failed": 0, "parked_resources": 0, "catching_up": 0})).await;
    let id = records[0]["dynamodb"]["Keys"]["id"]["S"].as_str().expect("an id");
    assert_eq!(function.handled(), [format!("stock/{id}/1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_while_the_clock_was_ahead_is_released_by_the_next_redrive() {
    let function = EveryKind::start().await;
    let mut bad = event("http-api");
    bad["body"] = r#"{"amount": 13}"#.into();
    function.answer(&bad).await;
    let records = function.dynamodb.stream("products").await.expect("a stream");
    assert_eq!(function.answer(&json!({ "Records": records })).await, failures(&[]));
    fs::write(function.folder.path().join("mended"), "").expect("a file");
    // As if it had failed in the year 2999, and somebody had been killed who tried it.
    let ahead = json!({ "S": "2999-01-01T00:00:00.000Z" });
    let parked = json!({
        "TableName": "subscriptions",
        "FilterExpression": "attribute_exists(parked)",
    });
    let parked = function.dynamodb.ask("Scan", &parked).await.expect("an answer");
    let put_off = json!({
        "TableName": "subscriptions",
        "Key": { "id": parked["Items"][0]["id"], "part": parked["Items"][0]["part"] },
        "UpdateExpression": "SET last_failed_at = :at, next_attempt_at = :at, claimed_until = :at",
        "ExpressionAttributeValues": { ":at": ahead },
    });
    function.dynamodb.ask("UpdateItem", &put_off).await.expect("an answer");
    let answer = function.answer(&event("redrive")).await;
    assert_eq!(answer, json!({"released": 1, "failed": 0, "parked_resources": 0, "catching_up": 0}));
    let id = records[0]["dynamodb"]["Keys"]["id"]["S"].as_str().expect("an id");
    assert_eq!(function.handled(), [format!("stock/{id}/1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_queue_what_failed_comes_again_and_of_a_group_all_behind_it() {
    let function = EveryKind::start().await;
    let bad = "2e1424d4-f796-459a-8184-9c92662be6da";
    for _ in 0..2 {
        assert_eq!(function.answer(&event("sqs")).await, failures(&[bad]));
    }
    let ok = ["059f36b4-87a3-44ab-83d2-661975830a7d", "4f6a7c1e-3f5d-4f3b-9b6c-0a8b1c2d3e4f"];
    let ok = ok.map(|id| format!("queue/orders/{id}"));
    assert_eq!(function.commits().await, BTreeSet::from(ok));

    let function = EveryKind::start().await;
    let behind = ["9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d", "7e6d5c4b-3a29-4817-a605-f4e3d2c1b0a9"];
    assert_eq!(function.answer(&event("sqs-fifo")).await, failures(&behind));
    // One of the group that has the failure, and both of the other, in order.
    let mut handled = function.handled();
    let first = "queue/orders.fifo/11d6ee51-4cc7-4302-9e22-7cd8afdaadf5".to_owned();
    assert!(handled.contains(&first), "{handled:?}");
    handled.retain(|message| *message != first);
    let others = ["3c2b1a09-8f7e-4d6c-9b5a-4f3e2d1c0b9a", "5f4e3d2c-1b0a-4998-8776-655443322110"];
    assert_eq!(handled, others.map(|id| format!("queue/orders.fifo/{id}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_topics_and_events_of_schedules_and_buses_are_handled_once() {
    let function = EveryKind::start().await;
    let id = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa";
    let expected = BTreeSet::from([
        "topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e".to_owned(),
        "schedule/nightly/2015-10-08T16:53:06.000Z".to_owned(),
        "schedule/default/nightly/2015-10-08T16:53:06.000Z".to_owned(),
        format!("event/order.placed/{id}"),
    ]);
    for name in ["sns", "event-bridge-schedule", "scheduler", "event-bridge"] {
        for _ in 0..2 {
            assert_eq!(function.answer(&event(name)).await, Value::Null, "{name}");
        }
    }
    assert_eq!(function.commits().await, expected);

    let mut bad = event("sns");
    bad["Records"][0]["Sns"]["Message"] = "bad".into();
    let failure = function.failure(&bad).await;
    assert_eq!(
        failure,
        "NotHandled: topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e was not handled: it says so itself"
    );
}

/// The emulator does not hand on what AWS does: `lambda-local` does.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_commits_is_part_of_the_trace_that_lambda_has_for_it() {
    let function = EveryKind::start().await;
    let root = "1-67891233-abcdef012345678912345678";
    let trace = format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0");
    for name in ["sns", "http-api"] {
        let mut event = event(name);
        // Nothing but the call itself says so.
        if let Some(headers) = event["headers"].as_object_mut() {
            headers.remove("x-amzn-trace-id");
        }
        function.function.invoke_traced(event.to_string(), &trace).await.expect("an answer");
    }
    let traces = function.items("trace").await;
    assert_eq!(traces.len(), 2, "{traces:?}");
    for trace in traces {
        assert!(trace.starts_with("00-67891233abcdef012345678912345678-"), "{trace}");
        assert!(trace.ends_with("-01") && !trace.contains("53995c3f42cd8ad8"), "{trace}");
    }
}

/// Lambda would kill it when its time is up, and tell nothing but that.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_answered_before_the_invocation_is_cut_off() {
    let function = EveryKind::start().await;
    let mut slow = event("sqs");
    slow["Records"][1]["body"] = "slow".into();
    let id = slow["Records"][1]["messageId"].as_str().expect("an id");
    assert_eq!(function.answer(&slow).await, failures(&[id]));
    assert_eq!(function.commits().await.len(), 2);

    let mut slow = event("sns");
    slow["Records"][0]["Sns"]["Message"] = "slow".into();
    let failure = function.failure(&slow).await;
    assert!(failure.starts_with("NotHandled: topic/alerts/") && failure.contains("time"), "{failure}");

    let mut slow = event("alb");
    slow["path"] = "/slow".into();
    let answer = function.answer(&slow).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_handles_is_an_error_that_names_it_but_for_what_keeps_the_function_warm() {
    let function = EveryKind::start().await;
    assert_eq!(function.answer(&event("warm-up")).await, Value::Null);
    assert_eq!(function.answer(&json!({})).await, Value::Null);
    let other = |name: &str, place: &str, value: &str| {
        let mut event = event(name);
        *event.pointer_mut(place).expect("there is such a place") = value.into();
        event
    };
    let queue = "arn:aws:sqs:us-east-2:123456789012:returns";
    let table = "arn:aws:dynamodb:us-west-2:123456789012:table/returns/stream/2026-11-23T09:00:00.000";
    for (event, what) in [
        (other("dynamodb", "/Records/0/eventSourceARN", table), format!("records of {table}")),
        (other("sqs", "/Records/0/eventSourceARN", queue), "messages of the queue \"returns\"".to_owned()),
        (
            other("sns", "/Records/0/Sns/TopicArn", "arn:aws:sns:us-east-1:123456789012:returns"),
            "messages of the topic \"returns\"".to_owned(),
        ),
        (
            other(
                "scheduler",
                "/resources/0",
                "arn:aws:scheduler:us-east-1:123456789012:schedule/default/noon",
            ),
            "the schedule \"noon\"".to_owned(),
        ),
        (other("event-bridge", "/detail-type", "order.lost"), "the event \"order.lost\"".to_owned()),
        (json!({"Records": [{"eventSource": "aws:s3"}]}), "records of \"aws:s3\"".to_owned()),
        (json!({"key1": "value1"}), "an event with the members key1".to_owned()),
        (json!([1]), "an event that is no JSON object".to_owned()),
    ] {
        let failure = function.failure(&event).await;
        assert!(failure.starts_with(&format!("NoHandler: no handler for {what}")), "{failure}");
    }
    assert_eq!(function.handled(), [""; 0]);
}
