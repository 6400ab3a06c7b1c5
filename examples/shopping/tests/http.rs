//! The shop over HTTP, as a client sees it: a real process, on a real file and on the real DynamoDB Local, and as the
//! functions that are deployed, under Lambda's own runtime interface emulator.

use std::time::Duration;

use futures_util::future::join_all;
use lambda_local::{Api, Deployment, Gateway, Program};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::{Answer, Client, Running, SHOP_TABLES, Tables, program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shopping");

/// A shop of its own for one test.
struct Shop {
    client: Client,
    host: Host,
}

/// What it runs on. Stopped when it is dropped.
enum Host {
    Process { running: Running, _data: TempDir },
    Lambda { deployment: Box<Deployment>, _gateway: Option<Gateway> },
}

/// What is in front of every path where a shop is one part of a larger site.
const BASE_PATH: &str = "/v1/catalog";

impl Shop {
    fn on_sqlite() -> Self {
        Self::start([])
    }

    async fn on_dynamodb() -> Self {
        let tables = Tables::of_shop().await;
        Self::start(tables.settings().into_iter().chain(SHOP_TABLES))
    }

    fn start<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let running = Running::start(program(PROGRAM, data.path()).envs(settings));
        Self { client: running.client(), host: Host::Process { running, _data: data } }
    }

    async fn on_lambda() -> Self {
        let deployment = Deployment::of("shopping").program(Program::At(PROGRAM.into())).start().await;
        let deployment = deployment.unwrap_or_else(|error| panic!("{error}"));
        let client = Client::new(&deployment.gateway().address().to_string());
        Self { client, host: Host::Lambda { deployment: deployment.into(), _gateway: None } }
    }

    /// One that is told that there is something in front of its paths.
    fn behind_a_proxy() -> Self {
        let shop = Self::start([("BASE_PATH", BASE_PATH)]);
        Self { client: shop.client.under(BASE_PATH), ..shop }
    }

    /// The same on Lambda, behind a domain of one's own, whose events tell.
    async fn behind_a_mapping() -> Self {
        let Self { host: Host::Lambda { deployment, .. }, .. } = Self::on_lambda().await else {
            unreachable!("it is on Lambda")
        };
        let function = deployment.function("ApiFunction").expect("it has one").clone();
        let gateway = Gateway::mapped(BASE_PATH, function, Api::Rest, 0).await.expect("a gateway");
        let client = Client::new(&gateway.address().to_string()).under(BASE_PATH);
        Self { client, host: Host::Lambda { deployment, _gateway: Some(gateway) } }
    }

    /// What the API has logged so far.
    fn log(&self) -> Vec<String> {
        match &self.host {
            Host::Process { running, .. } => running.log(),
            Host::Lambda { deployment, .. } => {
                deployment.function("ApiFunction").expect("it has one").log().lines()
            }
        }
    }
}

/// One suite, wherever the shop runs.
macro_rules! everywhere {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::Shop::on_sqlite()).await;
                }
            )*
        }

        mod on_dynamodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::Shop::on_dynamodb().await).await;
                }
            )*
        }

        mod on_lambda {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::Shop::on_lambda().await).await;
                }
            )*
        }
    };
}

everywhere! {
    a_product_is_created_read_bought_and_restocked
    history_is_shown_as_it_was_recorded
    products_are_listed_whole_or_in_pages
    what_a_client_does_wrong_is_told_apart
    a_version_can_be_asked_for_and_insisted_on
    a_product_is_shown_as_it_was_at_a_time
    answers_are_packed_and_bodies_may_be
    it_says_how_it_is_and_what_it_does
    a_repeated_request_with_one_key_happens_once
    sixty_four_buyers_of_forty_items
    the_trace_of_a_request_is_in_the_log
    what_is_sold_out_is_reordered_and_what_is_delivered_is_restocked
    a_client_cannot_take_the_place_of_a_handler
}

/// What has to do with paths, where these begin with something that the shop does not know of.
mod behind_a_base_path {
    use super::{
        Shop, a_product_is_created_read_bought_and_restocked, products_are_listed_whole_or_in_pages,
        what_a_client_does_wrong_is_told_apart,
    };

    async fn suite(shop: &Shop) {
        products_are_listed_whole_or_in_pages(shop).await;
        a_product_is_created_read_bought_and_restocked(shop).await;
        what_a_client_does_wrong_is_told_apart(shop).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn by_a_setting() {
        suite(&Shop::behind_a_proxy()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn by_a_mapping_of_an_api() {
        suite(&Shop::behind_a_mapping().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_on_lambda_is_part_of_the_trace_that_the_request_brings() {
    let shop = Shop::on_lambda().await;
    let Host::Lambda { deployment, .. } = &shop.host else { unreachable!("it is on Lambda") };
    let path = product(&shop.client, 5).await;
    let buy = |header: &str, trace: &str| {
        Answer::to(shop.client.request("POST", &format!("{path}/buy")).header(header, trace))
    };
    let of_x_ray = "5759e988bd862e3fe1be46a994272793";
    assert_eq!(buy("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793").await.status, 200);
    // Who says it in the words of W3C is not overruled by AWS.
    let of_w3c = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(buy("traceparent", &format!("00-{of_w3c}-00f067aa0ba902b7-01")).await.status, 200);
    let table = deployment.table("ProductTable").expect("it has one");
    let scan = deployment.dynamodb().ask("Scan", &json!({ "TableName": table })).await.expect("an answer");
    let commits = scan["Items"].as_array().expect("items").iter();
    let traces: Vec<_> = commits.map(|commit| commit["trace"]["S"].as_str().expect("a trace")).collect();
    assert_eq!(traces.len(), 3);
    assert!(traces[1].starts_with(&format!("00-{of_x_ray}-")), "{traces:?}");
    assert!(traces[2].starts_with(&format!("00-{of_w3c}-")), "{traces:?}");
}

/// A product with so many in stock, as its path.
async fn product(client: &Client, amount: u32) -> String {
    let created = client.post("/products", json!({ "amount": amount })).await;
    assert_eq!(created.status, 201);
    created.header("location").expect("a location").to_owned()
}

fn is_problem(answer: &Answer, status: u16, instance: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.body["status"], status);
    assert!(answer.path.ends_with(instance), "{answer:?}");
    assert_eq!(answer.body["instance"], answer.path);
    for member in ["type", "title", "detail"] {
        assert!(!answer.text(member).is_empty());
    }
}

async fn a_product_is_created_read_bought_and_restocked(shop: &Shop) {
    let Shop { client, .. } = shop;
    let created = client.post("/products", json!({"amount": 5})).await;
    let id = created.text("id");
    let path = client.path(&format!("/products/{id}"));
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(created.header("etag"), Some("\"1\""));
    assert_eq!(created.body, json!({"id": id, "version": 1, "status": "available", "quantity": 5}));

    let bought = client.post_empty(&format!("{path}/buy")).await;
    assert_eq!((bought.status, bought.header("etag")), (200, Some("\"2\"")));
    assert_eq!(bought.body, json!({"id": id, "version": 2, "status": "available", "quantity": 4}));
    let bought = client.post(&format!("{path}/buy"), json!({"quantity": 4})).await;
    assert_eq!(bought.body, json!({"id": id, "version": 6, "status": "sold-out", "quantity": 0}));
    let restocked = client.post(&format!("{path}/restock"), json!({"amount": 7})).await;
    assert_eq!((restocked.status, &restocked.body["quantity"]), (200, &json!(7)));

    let read = client.get(&path).await;
    assert_eq!((read.status, read.header("etag"), &read.body), (200, Some("\"7\""), &restocked.body));
    let past = client.get(&format!("{path}?version=3")).await;
    assert_eq!((past.header("etag"), &past.body["quantity"]), (Some("\"3\""), &json!(3)));
    is_problem(&client.get(&format!("{path}?version=8")).await, 404, &path);
}

async fn a_product_is_shown_as_it_was_at_a_time(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 5).await;
    client.post_empty(&format!("{path}/buy")).await;
    let events = client.get(&format!("{path}/events")).await;
    let time = events.body[1]["at"].as_str().expect("a time");
    for time in [time, "9999-12-31T23:59:59Z"] {
        let then = client.get(&format!("{path}?at={time}")).await;
        assert_eq!((then.header("etag"), &then.body["quantity"]), (Some("\"2\""), &json!(4)));
        assert_eq!(then.header("content-location"), Some(&*format!("{path}?version=2")));
    }
    is_problem(&client.get(&format!("{path}?at=1999-12-31T23:59:59Z")).await, 404, &path);
    is_problem(&client.get(&format!("{path}?at=then")).await, 400, &path);
}

/// What is in a body of gzip, by the way of a command that has nothing to do with this project.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    use std::{io::Write as _, process};

    let mut gunzip = process::Command::new("gzip");
    let gunzip = gunzip.arg("-dc").stdin(process::Stdio::piped()).stdout(process::Stdio::piped());
    let mut gunzip = gunzip.spawn().expect("gzip runs");
    let mut stdin = gunzip.stdin.take().expect("a pipe");
    let packed = packed.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(&packed).expect("it reads"));
    let output = gunzip.wait_with_output().expect("gzip ends");
    writer.join().expect("all is written");
    assert!(output.status.success());
    output.stdout
}

/// `{"amount": 5}`, as gzip packs it.
const PACKED: &[u8] = &[
    0x1f, 0x8b, 0x8, 0x0, 0x0, 0x0, 0x0, 0x0, 0x2, 0xff, 0xab, 0x56, 0x4a, 0xcc, 0xcd, 0x2f, 0xcd, 0x2b,
    0x51, 0xb2, 0x52, 0x30, 0xad, 0x5, 0x0, 0x62, 0x42, 0xf, 0xaf, 0xd, 0x0, 0x0, 0x0,
];

async fn answers_are_packed_and_bodies_may_be(shop: &Shop) {
    let Shop { client, .. } = shop;
    let request = client.request("POST", "/products").header("content-type", "application/json");
    let created = Answer::to(request.header("content-encoding", "gzip").body(PACKED)).await;
    assert_eq!((created.status, &created.body["quantity"]), (201, &json!(5)));
    let path = created.header("location").expect("a location").to_owned();
    client.post(&format!("{path}/restock"), json!({"amount": 1000})).await;
    client.post(&format!("{path}/buy"), json!({"quantity": 500})).await;

    let get = |coding: &'static str| {
        client.request("GET", &format!("{path}/events")).header("accept-encoding", coding).send()
    };
    let plain = get("identity").await.expect("an answer");
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.expect("the whole answer");
    let packed = get("gzip").await.expect("an answer");
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.expect("the whole answer");
    assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
    assert_eq!(unpacked(&packed), plain);
}

async fn it_says_how_it_is_and_what_it_does(shop: &Shop) {
    let Shop { client, .. } = shop;
    assert_eq!(client.get("/_health/live").await.body, json!({"status": "live"}));
    let ready = client.get("/_health/ready").await;
    assert_eq!((ready.status, &ready.body["status"]), (200, &json!("ready")));
    // By way of the path without the slash.
    assert_eq!(client.get("/_health/ready/").await.body["status"], "ready");
    let document = client.get("/_openapi.json/").await;
    assert_eq!((document.status, &document.body["openapi"]), (200, &json!("3.1.0")));
    let paths = document.body["paths"].as_object().expect("paths");
    for (path, method) in [
        ("/products", "get"),
        ("/products", "post"),
        ("/products/{id}", "get"),
        ("/products/{id}/events", "get"),
        ("/products/{id}/buy", "post"),
        ("/reorders/{id}/deliver", "post"),
        ("/_health/ready", "get"),
    ] {
        assert!(paths[path][method]["responses"].is_object(), "{method} {path}");
    }
    assert!(!shop.log().iter().any(|line| line.contains("there is no route")));
}

async fn history_is_shown_as_it_was_recorded(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 3).await;
    client.post(&format!("{path}/buy"), json!({"quantity": 2})).await;
    let events = client.get(&format!("{path}/events")).await;
    let events = events.body.as_array().expect("an array");
    assert_eq!(events.len(), 3);
    let members = |event: &Value| event.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&events[0]), ["at", "commit", "data", "number", "type"]);
    assert_eq!(members(&events[1]), ["at", "commit", "number", "type"]);
    assert_eq!((&events[0]["type"], &events[0]["data"]), (&json!("ProductRestocked"), &json!({"amount": 3})));
    assert_eq!((&events[2]["number"], &events[2]["type"]), (&json!(3), &json!("ProductReserved")));
    assert_eq!(events[1]["commit"], events[2]["commit"]);
    assert_ne!(events[0]["commit"], events[1]["commit"]);

    let rest = client.get(&format!("{path}/events?after=2")).await;
    assert_eq!(rest.body, json!([events[2]]));
    assert_eq!(client.get(&format!("{path}/events?after=3")).await.body, json!([]));
    let page = client.get(&format!("{path}/events?limit=2")).await;
    assert_eq!(page.body, json!([events[0], events[1]]));
    let next = client.path(&format!("{path}/events?limit=2&after=2"));
    assert_eq!(page.header("link"), Some(&*format!("<{next}>; rel=\"next\"")));
    let last = client.get(&next).await;
    assert_eq!((&last.body, last.header("link")), (&json!([events[2]]), None));
    is_problem(&client.get("/products/none/events").await, 404, "/products/none/events");
}

async fn products_are_listed_whole_or_in_pages(shop: &Shop) {
    let Shop { client, .. } = shop;
    assert_eq!(client.get("/products").await.body, json!([]));
    let mut paths = Vec::new();
    for amount in 1..=7 {
        paths.push(product(client, amount).await);
    }
    let path_of =
        |product: &Value| client.path(&format!("/products/{}", product["id"].as_str().expect("an id")));
    let all = client.get("/products").await;
    let mut all: Vec<_> = all.body.as_array().expect("an array").iter().map(path_of).collect();
    all.sort();
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!(all, sorted);

    let (mut next, mut listed) = (Some("/products?limit=3".to_owned()), Vec::new());
    while let Some(path) = next {
        let page = client.get(&path).await;
        assert!(page.body.as_array().expect("an array").len() <= 3);
        listed.extend(page.body.as_array().expect("an array").iter().map(path_of));
        next = page.header("link").map(|link| {
            let (target, relation) = link.split_once('>').expect("a target");
            assert_eq!(relation, "; rel=\"next\"");
            let target = target.trim_start_matches('<').to_owned();
            assert_eq!(target, client.path(&target));
            target
        });
    }
    assert_eq!(listed, paths, "oldest first");
}

async fn what_a_client_does_wrong_is_told_apart(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 1).await;
    let (buy, restock) = (format!("{path}/buy"), format!("{path}/restock"));

    for amount in [json!(-1), json!(1.5), json!("5"), json!(null), json!(4_294_967_296_u64)] {
        is_problem(&client.post("/products", json!({ "amount": amount })).await, 400, "/products");
        is_problem(&client.post(&restock, json!({ "amount": amount })).await, 400, &restock);
        is_problem(&client.post(&buy, json!({ "quantity": amount })).await, 400, &buy);
    }
    is_problem(&client.post("/products", json!({})).await, 400, "/products");
    is_problem(&client.post("/products", json!({"amount": 0})).await, 409, "/products");
    is_problem(&client.post(&restock, json!({"amount": 0})).await, 409, &restock);
    is_problem(&client.post(&restock, json!({"amount": u32::MAX})).await, 409, &restock);
    is_problem(&client.post(&buy, json!({"quantity": 0})).await, 409, &buy);
    is_problem(&client.post(&buy, json!({"quantity": 2})).await, 409, &buy);
    is_problem(&client.post(&buy, json!({"quantity": u32::MAX})).await, 409, &buy);
    is_problem(&client.post_empty("/products/none/buy").await, 404, "/products/none/buy");
    is_problem(&client.get("/products/none").await, 404, "/products/none");
    is_problem(&client.get("/nowhere").await, 404, "/nowhere");
    is_problem(&client.get("/").await, 404, "/");

    let wrong_method = Answer::to(client.request("DELETE", &path)).await;
    is_problem(&wrong_method, 405, &path);
    assert_eq!(wrong_method.header("allow"), Some("GET,HEAD"));
    let plain =
        client.request("POST", "/products").header("content-type", "text/plain").body("{\"amount\": 1}");
    is_problem(&Answer::to(plain).await, 415, "/products");
    let malformed =
        client.request("POST", "/products").header("content-type", "application/json").body("{\"amount\"");
    is_problem(&Answer::to(malformed).await, 400, "/products");
    let large = client
        .request("POST", "/products")
        .header("content-type", "application/json")
        .body(vec![b' '; 2 << 20]);
    is_problem(&Answer::to(large).await, 413, "/products");

    assert_eq!(client.get(&path).await.body["version"], 1, "none of it changed anything");
}

async fn a_version_can_be_asked_for_and_insisted_on(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 5).await;
    let buy = format!("{path}/buy");
    let when = |header: &str, value: &str| client.request("POST", &buy).header(header, value);

    assert_eq!(Answer::to(when("if-match", "\"1\"")).await.status, 200);
    is_problem(&Answer::to(when("if-match", "\"1\"")).await, 412, &buy);
    assert_eq!(Answer::to(when("if-match", "\"7\", \"2\"")).await.status, 200);
    assert_eq!(Answer::to(when("if-match", "*")).await.status, 200);
    is_problem(&Answer::to(when("if-match", "W/\"4\"")).await, 412, &buy);
    is_problem(&Answer::to(when("if-match", "4")).await, 400, &buy);

    let unchanged = Answer::to(client.request("GET", &path).header("if-none-match", "\"4\"")).await;
    assert_eq!(
        (unchanged.status, unchanged.header("etag"), &unchanged.body),
        (304, Some("\"4\""), &Value::Null)
    );
    let changed = Answer::to(client.request("GET", &path).header("if-none-match", "\"3\"")).await;
    assert_eq!(changed.status, 200);
}

async fn a_repeated_request_with_one_key_happens_once(shop: &Shop) {
    let Shop { client, .. } = shop;
    let with_key = |path: &str, key: &str, body: Value| {
        Answer::to(client.request("POST", path).header("idempotency-key", key).json(&body))
    };
    let created = with_key("/products", "create-1", json!({"amount": 5})).await;
    assert_eq!(created.status, 201);
    let path = created.header("location").expect("a location").to_owned();
    let (buy, restock) = (format!("{path}/buy"), format!("{path}/restock"));
    let bought = with_key(&buy, "buy-1", json!({"quantity": 2})).await;
    assert_eq!((bought.status, &bought.body["version"]), (200, &json!(3)));
    with_key(&restock, "restock-1", json!({"amount": 1})).await;

    let answer = |answer: Answer| (answer.status, answer.header("etag").map(str::to_owned), answer.body);
    assert_eq!(answer(with_key("/products", "create-1", json!({"amount": 5})).await), answer(created));
    assert_eq!(answer(with_key(&buy, "buy-1", json!({"quantity": 2})).await), answer(bought));
    is_problem(&with_key("/products", "create-1", json!({"amount": 6})).await, 422, "/products");
    is_problem(&with_key(&buy, "buy-1", json!({"quantity": 1})).await, 422, &buy);
    is_problem(&with_key(&restock, "buy-1", json!({"amount": 1})).await, 422, &restock);
    assert_eq!(client.get(&path).await.body["version"], 4);
}

async fn sixty_four_buyers_of_forty_items(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 40).await;
    let buy = format!("{path}/buy");
    let answers = join_all((0..64).map(|_| client.post_empty(&buy))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 40);
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 24);
    let events = client.get(&format!("{path}/events")).await;
    let numbers: Vec<_> =
        events.body.as_array().expect("an array").iter().map(|event| event["number"].clone()).collect();
    assert_eq!(numbers, (1..=41).map(Value::from).collect::<Vec<_>>());
}

async fn the_trace_of_a_request_is_in_the_log(shop: &Shop) {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = shop.client.request("POST", "/products").json(&json!({"amount": 1}));
    let request = request
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("x-request-id", "r-1");
    let answer = Answer::to(request).await;
    assert_eq!(answer.header("x-request-id"), Some("r-1"));
    let path = answer.header("location").expect("a location").to_owned();
    shop.client.get(&path).await;
    let line = loop {
        // On Lambda it is written before the answer, and else soon after it.
        let found = shop.log().into_iter().find(|line| line.contains(trace) && line.contains("answered"));
        match found {
            Some(line) => break line,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let line: Value = serde_json::from_str(&line).expect("a JSON line");
    assert_eq!(
        (&line["request_id"], &line["status"], &line["path"]),
        (&json!("r-1"), &json!(201), &json!("/products"))
    );
}

/// The reorders, once there are so many.
async fn reorders(client: &Client, count: usize) -> Vec<Value> {
    loop {
        let reorders = client.get("/reorders").await.body.as_array().expect("a list").clone();
        if reorders.len() == count {
            return reorders;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn what_is_sold_out_is_reordered_and_what_is_delivered_is_restocked(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 3).await;
    client.post_empty(&format!("{path}/buy")).await;
    client.post(&format!("{path}/buy"), json!({"quantity": 2})).await;
    let [reorder] = &*reorders(client, 1).await else { panic!("one") };
    let product = path.strip_prefix("/products/").expect("a product");
    assert_eq!(
        (&reorder["status"], &reorder["product"], &reorder["amount"]),
        (&json!("requested"), &json!(product), &json!(10))
    );
    let reorder = format!("/reorders/{}", reorder["id"].as_str().expect("an id"));
    let events = client.get(&format!("{reorder}/events")).await;
    assert_eq!(events.body[0]["type"], "ReorderRequested");
    assert_eq!(events.body[0]["commit"], format!("reorders/{product}/4"));

    let delivered = client.post_empty(&format!("{reorder}/deliver")).await;
    assert_eq!((delivered.status, &delivered.body["status"]), (200, &json!("delivered")));
    is_problem(&client.post_empty(&format!("{reorder}/deliver")).await, 409, &format!("{reorder}/deliver"));
    is_problem(&client.post_empty("/reorders/none/deliver").await, 404, "/reorders/none/deliver");
    while client.get(&path).await.body["quantity"] != 10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // It sells out once more.
    client.post(&format!("{path}/buy"), json!({"quantity": 10})).await;
    reorders(client, 2).await;
    let events = client.get(&format!("{path}/events")).await;
    let restocks =
        events.body.as_array().expect("a list").iter().filter(|it| it["type"] == "ProductRestocked");
    assert_eq!(restocks.count(), 2);
}

async fn a_client_cannot_take_the_place_of_a_handler(shop: &Shop) {
    let Shop { client, .. } = shop;
    let path = product(client, 1).await;
    let product = path.strip_prefix("/products/").expect("a product");
    // The key that the handler's commit will have.
    let request = client.request("POST", "/products").json(&json!({"amount": 1}));
    Answer::to(request.header("idempotency-key", format!("reorders/{product}/2"))).await;
    client.post_empty(&format!("{path}/buy")).await;
    let [reorder] = &*reorders(client, 1).await else { panic!("one") };
    assert_eq!(reorder["product"], product);

    let reorder = format!("/reorders/{}", reorder["id"].as_str().expect("an id"));
    let restock = client.request("POST", &format!("{path}/restock")).json(&json!({"amount": 5}));
    let key = format!("restocks/{}/2", reorder.strip_prefix("/reorders/").expect("a reorder"));
    assert_eq!(Answer::to(restock.header("idempotency-key", key)).await.body["quantity"], 5);
    client.post_empty(&format!("{reorder}/deliver")).await;
    while client.get(&path).await.body["quantity"] != 15 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
