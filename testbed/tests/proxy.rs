//! The faulty proxy does what each fault says, to the client and to DynamoDB, and nothing else.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use testbed::{Fault, FaultyProxy, Request};
use tokio::time::timeout;

/// How long anything may take that should come soon.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table of DynamoDB Local, and a faulty proxy before it.
struct Bench {
    client: Client,
    table: String,
    proxy: FaultyProxy,
}

impl Bench {
    async fn new(policy: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let table = format!("faults-{}-{}", process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
        let client = Client::builder().no_proxy().build().expect("a client");
        let proxy = FaultyProxy::start(dynamodb_local::url(), policy).await;
        let bench = Self { client, table, proxy };
        let shape = json!({
            "TableName": bench.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        });
        let made = bench.to(dynamodb_local::url(), "CreateTable", &shape).send().await.expect("an answer");
        assert_eq!(made.status(), 200);
        bench
    }

    fn to(&self, url: &str, operation: &str, body: &Value) -> RequestBuilder {
        let scope = "Credential=testbed/20260101/us-east-1/dynamodb/aws4_request";
        self.client
            .post(url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
            .body(body.to_string())
    }

    /// A request through the proxy that puts a row, and wants the one that it replaces.
    fn put(&self, row: &str) -> RequestBuilder {
        let item = json!({"id": {"S": "row"}, "value": {"S": row}});
        let put = json!({"TableName": self.table, "Item": item, "ReturnValues": "ALL_OLD"});
        self.to(self.proxy.url(), "PutItem", &put)
    }

    /// The row that DynamoDB has, asked for without the proxy.
    async fn stored(&self) -> Option<String> {
        let get = json!({"TableName": self.table, "Key": {"id": {"S": "row"}}, "ConsistentRead": true});
        let answer = self.to(dynamodb_local::url(), "GetItem", &get).send().await.expect("an answer");
        let body: Value = answer.json().await.expect("a body");
        body["Item"]["value"]["S"].as_str().map(str::to_owned)
    }

    async fn until_stored(&self, row: &str) {
        let started = Instant::now();
        while self.stored().await.as_deref() != Some(row) {
            assert!(started.elapsed() < PATIENCE, "{row} does not arrive");
        }
    }

    /// What has come by, each as its operation and fault.
    fn puts(&self) -> Vec<Fault> {
        let requests = self.proxy.requests().into_iter();
        requests.inspect(|(operation, _)| assert_eq!(operation, "PutItem")).map(|(_, fault)| fault).collect()
    }
}

async fn body(answer: Response) -> Value {
    answer.json().await.expect("a body")
}

/// This fault for the first request, and none for the others.
fn first(fault: Fault) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    move |request| if request.index == 0 { fault.clone() } else { Fault::None }
}

#[tokio::test]
async fn without_a_fault_requests_and_answers_pass_whole() {
    let bench = Bench::new(|_| Fault::None).await;
    assert_eq!(body(bench.put("one").send().await.expect("an answer")).await, json!({}));
    let answer = bench.put("two").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-amz-json-1.0");
    assert!(answer.headers().contains_key("x-amzn-requestid"));
    assert_eq!(body(answer).await, json!({"Attributes": {"id": {"S": "row"}, "value": {"S": "one"}}}));
    let long = "long ".repeat(50_000);
    assert_eq!(bench.put(&long).send().await.expect("an answer").status(), 200);
    assert_eq!(bench.stored().await, Some(long));
    // What DynamoDB refuses comes back as it says it.
    let refused = bench.to(bench.proxy.url(), "PutItem", &json!({})).send().await.expect("an answer");
    assert_eq!(refused.status(), 400);
    assert_eq!(bench.puts(), vec![Fault::None; 4]);
}

#[tokio::test]
async fn a_dropped_request_is_not_carried_out() {
    let bench = Bench::new(first(Fault::DropRequest)).await;
    bench.put("one").send().await.expect_err("no answer");
    assert_eq!(bench.stored().await, None);
    assert_eq!(body(bench.put("two").send().await.expect("an answer")).await, json!({}));
    assert_eq!(bench.puts(), [Fault::DropRequest, Fault::None]);
}

#[tokio::test]
async fn a_request_whose_answer_is_dropped_is_carried_out() {
    let bench = Bench::new(first(Fault::DropAnswer)).await;
    bench.put("one").send().await.expect_err("no answer");
    assert_eq!(bench.stored().await.as_deref(), Some("one"));
    assert_eq!(bench.puts(), [Fault::DropAnswer]);
}

#[tokio::test]
async fn a_delayed_request_is_carried_out_late() {
    let delay = Duration::from_secs(1);
    let bench = Bench::new(first(Fault::Delay(delay))).await;
    let started = Instant::now();
    let late = async {
        let answer = bench.put("late").send().await.expect("an answer");
        assert!(started.elapsed() >= delay);
        body(answer).await
    };
    let early = async {
        while bench.puts().is_empty() {
            tokio::task::yield_now().await;
        }
        body(bench.put("early").send().await.expect("an answer")).await
    };
    let (late, early) = tokio::join!(late, early);
    assert_eq!(early, json!({}), "nothing was there before");
    assert_eq!(late["Attributes"]["value"]["S"], "early");
}

#[tokio::test]
async fn a_request_with_a_delayed_answer_is_carried_out_at_once() {
    let (long, short) = (Duration::from_secs(600), Duration::from_millis(300));
    let bench = Bench::new(move |request| Fault::DelayAnswer([long, short][request.index])).await;
    tokio::select! {
        _ = bench.put("one").send() => panic!("the answer came at once"),
        () = bench.until_stored("one") => {}
    }
    let started = Instant::now();
    assert_eq!(bench.put("two").send().await.expect("an answer").status(), 200);
    assert!(started.elapsed() >= short);
}

#[tokio::test]
async fn an_error_is_answered_as_dynamodb_would_and_nothing_carried_out() {
    let bench = Bench::new(first(Fault::Answer { status: 400, error: "ThrottlingException" })).await;
    let answer = bench.put("one").send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/x-amz-json-1.0");
    assert_eq!(body(answer).await["__type"], "com.amazonaws.dynamodb.v20120810#ThrottlingException");
    assert_eq!(bench.stored().await, None);
}

#[tokio::test]
async fn a_cut_answer_has_half_a_body() {
    let bench = Bench::new(|request| if request.index == 1 { Fault::CutAnswer } else { Fault::None }).await;
    bench.put("one").send().await.expect("an answer");
    let mut answer = bench.put("two").send().await.expect("the head of an answer");
    assert_eq!(answer.status(), 200);
    let length = answer.content_length().expect("a length");
    let mut arrived = 0;
    let end = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len() as u64,
            end => break end,
        }
    };
    end.expect_err("the connection ends before the body");
    assert_eq!(arrived, length / 2);
    assert_eq!(bench.stored().await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_request_is_carried_out_when_its_client_has_hung_up() {
    for fault in [
        Fault::Delay(Duration::from_millis(500)),
        Fault::DelayAnswer(Duration::from_millis(500)),
        Fault::DropAnswer,
    ] {
        let bench = Bench::new(first(fault.clone())).await;
        let impatient = tokio::spawn(bench.put("one").send());
        while bench.puts().is_empty() {
            tokio::task::yield_now().await;
        }
        impatient.abort();
        bench.until_stored("one").await;
    }
}

#[tokio::test]
async fn the_policy_sees_the_operation_and_the_number_of_each_request() {
    let bench = Bench::new(|request| match (request.operation.as_str(), request.index) {
        ("PutItem", 1) | ("GetItem", 0) => Fault::Answer { status: 500, error: "InternalServerError" },
        _ => Fault::None,
    })
    .await;
    let get = json!({"TableName": bench.table, "Key": {"id": {"S": "row"}}});
    let mut statuses = Vec::new();
    for request in [
        bench.put("one"),
        bench.to(bench.proxy.url(), "GetItem", &get),
        bench.put("two"),
        bench.put("three"),
        bench.to(bench.proxy.url(), "GetItem", &get),
    ] {
        statuses.push(request.send().await.expect("an answer").status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 500, 200, 200]);
    let operations: Vec<_> = bench.proxy.requests().into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(operations, ["PutItem", "GetItem", "PutItem", "PutItem", "GetItem"]);
}

#[tokio::test]
async fn a_dropped_proxy_ends_its_connections() {
    let bench = Bench::new(|_| Fault::Delay(Duration::from_secs(600))).await;
    let (open, next) = (bench.put("one"), bench.put("two"));
    let open = tokio::spawn(open.send());
    while bench.puts().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(bench.proxy);
    let open = timeout(PATIENCE, open).await.expect("it ends soon");
    open.expect("no panic").expect_err("no answer");
    let next = timeout(PATIENCE, next.send()).await.expect("it ends soon");
    next.expect_err("nobody listens");
}
