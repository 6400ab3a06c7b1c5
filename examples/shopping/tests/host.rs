//! What the host of a service does around its API, on a real process: requests that are not well formed, probes, and who
//! comes while it stops.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value, json};
use testbed::{Answer, Client, Fault, FaultyProxy, Running, SHOP_TABLES, Tables, program};

const SHOP: &str = env!("CARGO_BIN_EXE_shopping");

/// Says these very bytes, and gives everything that comes back until the server hangs up.
fn say(shop: &Running, text: &str) -> String {
    let mut stream = TcpStream::connect(shop.address()).expect("it listens");
    stream.write_all(text.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 ")).map_or("", |rest| &rest[..3])
}

#[test]
fn a_request_names_one_host() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    for (target, expected) in [
        ("GET /products HTTP/1.1\r\nHost: shop.example", "200"),
        ("GET /products HTTP/1.1\r\nhost: shop.example:8080", "200"),
        ("GET /products HTTP/1.1\r\nHost: 127.0.0.1:3000", "200"),
        ("GET /products HTTP/1.1\r\nHost: [::1]:3000", "200"),
        ("GET /products HTTP/1.1\r\nHost: [::1]", "200"),
        ("GET /products HTTP/1.1\r\nHost: shop.example:", "200"),
        ("GET /products HTTP/1.1\r\nHost:", "200"),
        ("GET http://shop.example/products HTTP/1.1\r\nHost: shop.example", "200"),
        ("GET /products HTTP/1.0", "200"),
        ("GET /products HTTP/1.1", "400"),
        ("HEAD /products HTTP/1.1", "400"),
        ("GET /_health/live HTTP/1.1", "400"),
        ("GET /nowhere HTTP/1.1", "400"),
        ("GET http://shop.example/products HTTP/1.1", "400"),
        ("GET /products HTTP/1.1\r\nHost: a\r\nHost: a", "400"),
        ("GET /products HTTP/1.1\r\nHost: a\r\nHost: b", "400"),
        ("GET /products HTTP/1.0\r\nHost: a\r\nHost: b", "400"),
        ("GET /products HTTP/1.1\r\nHost: a, b", "400"),
        ("GET /products HTTP/1.1\r\nHost: a b", "400"),
        ("GET /products HTTP/1.1\r\nHost: a/b", "400"),
        ("GET /products HTTP/1.1\r\nHost: user@shop.example", "400"),
        ("GET /products HTTP/1.1\r\nHost: shop.example:http", "400"),
        ("GET /products HTTP/1.1\r\nHost: shop.example:80:80", "400"),
        ("GET /products HTTP/1.1\r\nHost: http://shop.example", "400"),
        ("GET /products HTTP/1.1\r\nHost: \u{fc}", "400"),
    ] {
        let answer = say(&shop, &format!("{target}\r\nConnection: close\r\n\r\n"));
        assert_eq!(status(&answer), expected, "{target}: {answer}");
        if expected == "400" {
            assert!(
                answer.contains("application/problem+json") && answer.contains("x-request-id: "),
                "{answer}"
            );
        }
    }
    // Nothing is read behind it.
    let second = "GET /products HTTP/1.1\r\nHost: a\r\n\r\n";
    let answers = say(&shop, &format!("GET /products HTTP/1.1\r\n\r\n{second}"));
    assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
    assert!(answers.contains("connection: close"), "{answers}");
}

#[test]
fn a_body_comes_in_chunks_or_with_a_length_and_in_no_other_way() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let chunked = "d\r\n{\"amount\": 5}\r\n0\r\n\r\n";
    for (framing, body, expected) in [
        ("Transfer-Encoding: chunked", chunked, "201"),
        ("transfer-encoding: CHUNKED", chunked, "201"),
        ("Content-Length: 13", "{\"amount\": 5}", "201"),
        ("Transfer-Encoding: gzip, chunked", chunked, "501"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", chunked, "501"),
        ("Transfer-Encoding: identity, chunked", chunked, "501"),
        ("Transfer-Encoding: chunked, chunked", chunked, "501"),
        ("Transfer-Encoding: x, chunked", chunked, "501"),
        ("Transfer-Encoding: gzip", chunked, "400"),
        ("Transfer-Encoding: identity", chunked, "400"),
        ("Transfer-Encoding: chunked, gzip", chunked, "400"),
        ("Transfer-Encoding: xchunked", chunked, "400"),
        ("Content-Length: 13\r\nContent-Length: 12", "{\"amount\": 5}", "400"),
        ("Content-Length: +13", "{\"amount\": 5}", "400"),
        ("Content-Length: 99999999999999999999999", "{\"amount\": 5}", "400"),
    ] {
        let head =
            "POST /products HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close";
        let answer = say(&shop, &format!("{head}\r\n{framing}\r\n\r\n{body}"));
        assert_eq!(status(&answer), expected, "{framing}: {answer}");
        if expected == "501" {
            assert!(answer.contains("application/problem+json"), "{answer}");
        }
    }
    let old = "POST /products HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    assert_eq!(status(&say(&shop, &format!("{old}\r\n\r\n{chunked}"))), "400");
}

/// RFC 9112, section 6.1: the length counts for nothing beside chunks, and nothing is read behind them: another one on the way
/// may have believed the length.
#[test]
fn a_length_beside_chunks_counts_for_nothing_and_ends_the_connection() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let body = "d\r\n{\"amount\": 5}\r\n0\r\n\r\n";
    let second = "GET /products HTTP/1.1\r\nHost: a\r\n\r\n";
    for framing in [
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Content-Length: 23\r\nTransfer-Encoding: chunked\r\nContent-Length: 70",
    ] {
        let head = "POST /products HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
        let answers = say(&shop, &format!("{head}\r\n{framing}\r\n\r\n{body}{second}"));
        assert_eq!(
            (status(&answers), answers.matches("HTTP/1.1 ").count()),
            ("201", 1),
            "{framing}: {answers}"
        );
        assert!(answers.contains("connection: close") && answers.contains("\"quantity\":5"), "{answers}");
    }
}

/// Whoever answers at a path: the host, or a router of the service's own that is merged into another.
#[test]
fn a_slash_at_the_end_of_any_path_leads_to_the_one_without() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    for path in
        ["/_health/live", "/_health/ready", "/_openapi.json", "/products", "/reorders", "/products/7/buy"]
    {
        for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] {
            for (slashes, query) in [("/", ""), ("///", ""), ("/", "?a=b")] {
                let target = format!("{method} {path}{slashes}{query} HTTP/1.1");
                let answer = say(&shop, &format!("{target}\r\nHost: a\r\nConnection: close\r\n\r\n"));
                let location = format!("\r\nlocation: {path}{query}\r\n");
                assert!(status(&answer) == "308" && answer.contains(&location), "{target}: {answer}");
                assert!(answer.contains("\r\nx-request-id: "), "{answer}");
            }
        }
    }
    for path in ["/_health/", "/_health/lives/", "/_/", "/nowhere/"] {
        let answer = say(&shop, &format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        assert_eq!(status(&answer), "404", "{path}");
    }
}

fn check<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let mut checks = answer.body["checks"].as_array().expect("checks").iter();
    checks.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {}", answer.body))
}

#[tokio::test]
async fn a_probe_is_answered_and_leaves_no_line_in_the_log() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let client = shop.client();
    let live = client.get("/_health/live").await;
    assert_eq!((live.status, live.body), (200, json!({"status": "live"})));
    let ready = client.get("/_health/ready").await;
    let well = |name: &str| json!({"name": name, "status": "ok"});
    let checks = [well("store"), well("subscription reorders"), well("subscription restocks")];
    assert_eq!((ready.status, &ready.body), (200, &json!({"status": "ready", "checks": checks})));
    assert_eq!(ready.header("cache-control"), Some("no-store"));
    assert!(ready.header("x-request-id").is_some());
    assert_eq!(Answer::to(client.request("HEAD", "/_health/ready")).await.status, 200);
    for path in ["/_health/ready?verbose", "/_health/live?x=1", "/_openapi.json?x=1"] {
        assert_eq!(client.get(path).await.status, 200, "who probes may add a parameter against caches");
    }
    let refused = Answer::to(client.request("POST", "/_health/ready")).await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET,HEAD")));
    assert_eq!(client.get("/_health").await.status, 404);
    let _ = shop.logged(&[r#""path":"/_health""#]);
    let log = shop.log().join("\n");
    assert!(
        !log.contains(r#""path":"/_health/live""#)
            && !log.contains(r#""path":"/_health/ready","status":200"#),
        "{log}"
    );
}

/// Asks again and again until an answer has that status.
async fn until(client: &Client, path: &str, status: u16) -> Answer {
    loop {
        let answer = client.get(path).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_not_ready_while_its_store_cannot_be_reached() {
    let data = tempfile::tempdir().expect("a folder");
    let tables = Tables::of_shop().await;
    let settings = tables.settings();
    let broken = Arc::new(AtomicBool::new(false));
    let network = FaultyProxy::start(settings[0].1, {
        let broken = broken.clone();
        move |_| if broken.load(Relaxed) { Fault::DropRequest } else { Fault::None }
    })
    .await;
    let mut program = program(SHOP, data.path());
    program.envs(settings).envs(SHOP_TABLES).env("AWS_ENDPOINT_URL_DYNAMODB", network.url());
    let shop = Running::start(&mut program);
    let client = shop.client();
    let ready = until(&client, "/_health/ready", 200).await;
    for name in ["store of product", "store of reorder", "subscription reorders", "subscription restocks"] {
        assert_eq!(check(&ready, name)["status"], "ok");
    }
    // However many probes there are, they are worth one look in a while.
    let before = network.requests().iter().filter(|(operation, _)| operation == "Query").count();
    for _ in 0..50 {
        client.get("/_health/ready").await;
    }
    let reads = network.requests().iter().filter(|(operation, _)| operation == "Query").count() - before;
    assert!(reads < 50, "{reads}");

    broken.store(true, Relaxed);
    let unready = until(&client, "/_health/ready", 503).await;
    assert_eq!(unready.body["status"], "not ready");
    let mut failed =
        unready.body["checks"].as_array().expect("checks").iter().filter(|it| it["status"] == "failed");
    let first = failed.next().expect("one");
    assert!(first["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{first}");
    assert!(first["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{first}");
    assert_eq!(client.get("/_health/live").await.status, 200);
    // What is followed is not reached either, which takes longer to show.
    let following = loop {
        let answer = client.get("/_health/ready").await;
        if check(&answer, "subscription reorders")["status"] == "failed" {
            break check(&answer, "subscription reorders").clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(
        following["detail"].as_str().is_some_and(|detail| detail.starts_with("product: ")),
        "{following}"
    );
    let _ = shop.logged(&["not ready for requests"]);

    broken.store(false, Relaxed);
    until(&client, "/_health/ready", 200).await;
    let _ = shop.logged(&["ready for requests again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_while_it_stops_is_told_so_and_probes_say_that_it_lives() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let client = shop.client();
    let created = client.post("/products", json!({"amount": 4_000_000})).await;
    let path = created.header("location").expect("a location").to_owned();
    for _ in 0..12 {
        let bought = client.post(&format!("{path}/buy"), json!({"quantity": 10_000})).await;
        assert_eq!(bought.status, 200);
    }
    // A client that reads slowly: more than fits between it and the service is in flight.
    let mut slow = TcpStream::connect(shop.address()).expect("it listens");
    slow.write_all(format!("GET {path}/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())
        .expect("it reads");
    let mut begun = [0; 12];
    slow.read_exact(&mut begun).expect("it answers");
    assert_eq!(&begun, b"HTTP/1.1 200");

    shop.signal(testbed::Signal::TERM);
    // A connection that is open and idle is closed at once: whoever comes then comes anew.
    let unready = loop {
        let probe = Client::new(shop.address()).request("GET", "/_health/ready");
        match Answer::maybe(probe).await {
            Ok(answer) if answer.status == 503 => break answer,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = Client::new(shop.address());
    let service = check(&unready, "service");
    assert_eq!(service["detail"], "it is stopping");
    assert_eq!(check(&unready, "store")["status"], "ok");
    assert_eq!(client.get("/_health/live").await.status, 200);
    let told = client.get("/products").await;
    assert_eq!((told.status, told.header("retry-after")), (503, Some("1")));
    assert_eq!(told.header("content-type"), Some("application/problem+json"));

    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).expect("the whole answer");
    assert!(rest.ends_with(b"]\r\n0\r\n\r\n"));
    assert!(tokio::task::spawn_blocking(move || shop.wait()).await.expect("it ends").success());
}
