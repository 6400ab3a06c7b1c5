//! What `harden` promises of any router: limits, time-outs, panics, request ids, traces, the log.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_event_sourcing_core::{EventStore as _, MemoryStore, Repository, TraceParent};
use aws_event_sourcing_http::{Json, Path, Problem, RequestId, Settings};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    http::{Request, StatusCode},
    routing::{get, post},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{
    domain::{Product, api},
    log::Log,
    server::{Server, header, problem, shop},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn measuring() -> Router {
    Router::new()
        .route("/bytes", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/json", post(|Json(text): Json<String>| async move { text.len().to_string() }))
        .route(
            "/maybe",
            post(|text: Option<Json<String>>| async move { text.map_or(0, |text| text.0.len()).to_string() }),
        )
        .route("/axum", post(|axum::Json(text): axum::Json<String>| async move { text.len().to_string() }))
        .route(
            "/stream",
            post(|body: Body| async move {
                let counted = body
                    .into_data_stream()
                    .map_ok(|data| data.len())
                    .try_fold(0, |sum, len| async move { Ok(sum + len) });
                counted
                    .await
                    .map(|sum| sum.to_string())
                    .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
            }),
        )
        .route(
            "/own",
            post(|body: Result<Bytes, axum::extract::rejection::BytesRejection>| async move {
                body.map(|_| ()).map_err(Problem::internal)
            }),
        )
}

fn quoted(bytes: usize) -> Vec<u8> {
    [b"\"", &*vec![b'x'; bytes - 2], b"\""].concat()
}

#[tokio::test]
async fn a_body_may_have_so_many_bytes_and_no_more_on_every_route() {
    let limit = Settings::default().body_limit;
    assert_eq!(limit, 1 << 20);
    let larger = Settings { body_limit: 5 << 20, ..Settings::default() };
    for (settings, limit) in [(Settings::default(), 1 << 20), (larger, 5 << 20)] {
        let server = Server::start_with(measuring(), &settings).await;
        for path in ["/bytes", "/json", "/maybe", "/axum", "/stream", "/own"] {
            let post = |bytes: usize| {
                server.post(path).header("content-type", "application/json").body(quoted(bytes)).send()
            };
            assert_eq!(post(limit).await.unwrap().status(), 200, "{path}");
            problem(post(limit + 1).await.unwrap(), 413).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_in_chunks_is_bounded_too() {
    let server = Server::start(measuring()).await;
    for path in ["/bytes", "/json", "/maybe", "/axum", "/stream", "/own"] {
        let post = |bytes: usize| {
            let chunks: Vec<_> =
                quoted(bytes).chunks(1000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
            let body = reqwest::Body::wrap_stream(stream::iter(chunks));
            server.post(path).header("content-type", "application/json").body(body).send()
        };
        assert_eq!(post(1 << 20).await.unwrap().status(), 200, "{path}");
        let refused = problem(post((1 << 20) + 1).await.unwrap(), 413).await;
        assert_eq!(refused["detail"], "the body is larger than this service takes in", "{path}");
    }
}

#[tokio::test]
async fn a_route_may_take_less() {
    let less = DefaultBodyLimit::max(10);
    let router = Router::new()
        .route("/bytes", post(|body: Bytes| async move { body.len().to_string() }).layer(less))
        .route("/json", post(|Json(text): Json<String>| async move { text.len().to_string() }).layer(less))
        .route("/maybe", post(|text: Option<Json<String>>| async move { drop(text) }).layer(less));
    let server = Server::start(router).await;
    for path in ["/bytes", "/json", "/maybe"] {
        let post = |bytes: usize| {
            server.post(path).header("content-type", "application/json").body(quoted(bytes)).send()
        };
        assert_eq!(post(10).await.unwrap().status(), 200, "{path}");
        let refused = problem(post(11).await.unwrap(), 413).await;
        if path != "/bytes" {
            assert_eq!(refused["detail"], "the body is larger than this service takes in");
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_it_all_before_it_reads_reads_413() {
    let server = Server::start(measuring()).await;
    for framing in ["content-length: 8388608", "transfer-encoding: chunked"] {
        let head = format!("POST /bytes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{framing}\r\n\r\n");
        let mut request = head.into_bytes();
        if framing.starts_with("transfer") {
            request.extend(b"800000\r\n");
        }
        request.extend(vec![b'x'; 8 << 20]);
        if framing.starts_with("transfer") {
            request.extend(b"\r\n0\r\n\r\n");
        }
        let answer = server.say(&request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_too_much_is_told_at_once() {
    let server = Server::start(measuring()).await;
    let head = "POST /bytes HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 8388608\r\nexpect: 100-continue\r\n\r\n";
    let answer = server.say(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

fn hasty() -> Settings {
    Settings { timeout: Duration::from_millis(50), ..Settings::default() }
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_dropped_and_answered_with_503() {
    let (alive, mut dropped) = mpsc::channel::<()>(1);
    let alive = Arc::new(Mutex::new(Some(alive)));
    let slow = move |_: Bytes| {
        let alive = alive.lock().unwrap().take();
        async move {
            pending::<()>().await;
            drop(alive);
        }
    };
    let server = Server::start_with(Router::new().route("/slow", post(slow)), &hasty()).await;
    let response = server.post("/slow").body("the whole body").send().await.unwrap();
    assert_eq!(header(response.headers(), "retry-after"), "1");
    let late = problem(response, 503).await;
    assert_eq!(
        (&late["type"], &late["detail"]),
        (&json!("about:blank"), &json!("there was no answer within 50ms"))
    );
    assert_eq!(dropped.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_30_seconds() {
    let router = Router::new().route("/", get(pending::<()>));
    let router = aws_event_sourcing_http::harden(router, &Settings::default());
    let begun = tokio::time::Instant::now();
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!((response.status().as_u16(), begun.elapsed().as_secs()), (503, 30));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let server = Server::start_with(measuring(), &hasty()).await;
    for path in ["/bytes", "/json", "/maybe", "/axum", "/stream", "/own"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n\"x"
        );
        let answer = server.say(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(
            answer.contains("application/problem+json")
                && answer.contains(&format!("\"instance\":\"{path}\""))
        );
    }
    let large = "POST /bytes HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\nx";
    assert!(server.say(large.as_bytes()).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn the_time_ends_with_the_head_of_the_response() {
    let slow = || async {
        let parts = stream::iter(["a", "b"]).then(|part| async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            Ok::<_, std::io::Error>(part)
        });
        Body::from_stream(parts)
    };
    let no_time = Settings { timeout: Duration::ZERO, ..Settings::default() };
    let server = Server::start_with(Router::new().route("/", get(slow)), &no_time).await;
    assert_eq!(server.get("/").send().await.unwrap().text().await.unwrap(), "ab");
}

async fn broken(Path(reason): Path<String>) -> &'static str {
    match &*reason {
        "fixed" => panic!("a secret"),
        _ => panic!("a secret: {reason}"),
    }
}

#[tokio::test]
async fn a_panic_is_500_and_the_connection_lives_on() {
    let (log, _guard) = Log::capture();
    let router = Router::new().route("/{reason}", get(broken)).route("/fine", get(|| async { "fine" }));
    let server = Server::start(router).await;
    let answer = server
        .say(b"GET /seven HTTP/1.1\r\nhost: x\r\n\r\nGET /fine HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.ends_with("fine"), "{answer}");
    assert!(answer.contains("HTTP/1.1 200 ") && !answer.contains("secret"), "{answer}");
    problem(server.get("/fixed").send().await.unwrap(), 500).await;
    let lines = log.lines("failed");
    let errors: Vec<_> = lines.iter().map(|line| &line["fields"]["error"]).collect();
    assert_eq!(errors, ["panicked: a secret: seven", "panicked: a secret"]);
    assert_eq!(lines[0]["fields"]["path"], "/seven");
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let router = Router::new()
        .route("/", get(|id: RequestId| async move { id.to_string() }))
        .route("/own", get(|| async { [("x-request-id", "another")] }));
    let server = Server::start(router).await;
    let longest = "~".repeat(128);
    for id in ["7", "a!b", &longest] {
        let response = server.get("/").header("x-request-id", id).send().await.unwrap();
        assert_eq!(header(response.headers(), "x-request-id"), id);
        assert_eq!(response.text().await.unwrap(), id);
    }
    for id in [None, Some(""), Some("a b"), Some("ü"), Some(&*format!("{longest}~"))] {
        let mut request = server.get("/");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let response = request.send().await.unwrap();
        let made: Uuid = header(response.headers(), "x-request-id").parse().unwrap();
        assert_eq!(made.get_version_num(), 4, "{id:?}");
        assert_eq!(response.text().await.unwrap(), made.to_string());
    }
    for path in ["/own", "/nowhere"] {
        let response = server.get(path).header("x-request-id", "7").send().await.unwrap();
        assert_eq!(response.headers().get_all("x-request-id").iter().collect::<Vec<_>>(), ["7"]);
        assert_eq!(header(response.headers(), "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_commit_is_part_of_the_trace_of_its_request() {
    let (server, products) = shop().await;
    let product = server.product(9).await;
    let buy = |parents: &[&str]| {
        let request = server.post(&format!("{product}/buy"));
        parents.iter().fold(request, |request, parent| request.header("traceparent", *parent)).send()
    };
    let valid = format!("00-{TRACE}-00f067aa0ba902b7-01");
    buy(&[&valid]).await.unwrap().error_for_status().unwrap();
    for parents in [
        &[][..],
        &["nonsense"],
        &[&valid, &valid],
        &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
    ] {
        buy(parents).await.unwrap().error_for_status().unwrap();
    }
    let id = product.rsplit('/').next().unwrap();
    let traces: Vec<TraceParent> =
        products.events(id).map_ok(|event| event.trace.unwrap()).try_collect().await.unwrap();
    assert_eq!(traces[1].trace_id(), TRACE);
    assert!(!traces[1].to_string().contains("00f067aa0ba902b7"), "a span of its own");
    let mut others: Vec<_> = traces.iter().map(TraceParent::trace_id).collect();
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 6);
    let stored = products.store().read(&products.key(id), 1).try_next().await.unwrap().unwrap();
    assert_eq!(stored.trace, Some(traces[1]));
}

#[tokio::test]
async fn a_request_is_one_line_in_the_log() {
    let (log, _guard) = Log::capture();
    let (server, _) = shop().await;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let request = server.get("/products/a%20b?secret=1").header("x-request-id", "r-1");
    request.header("traceparent", traceparent).send().await.unwrap();
    let line = log.line("answered");
    assert_eq!(line["level"], "INFO");
    let mut fields = line["fields"].clone();
    assert!(fields["duration_ms"].as_f64().is_some_and(|duration| duration >= 0.0));
    fields.as_object_mut().unwrap().remove("duration_ms");
    assert_eq!(
        fields,
        json!({
            "message": "answered", "method": "GET", "path": "/products/a%20b", "status": 404,
            "request_id": "r-1", "trace_id": TRACE,
        })
    );
    assert!(!log.text().contains("secret"));
}

#[tokio::test]
async fn what_a_handler_logs_is_in_the_span_of_its_request() {
    let (log, _guard) = Log::capture();
    let router =
        Router::new().nest("/v1", Router::new().route("/", get(|| async { tracing::info!("here") })));
    let server = Server::start(router).await;
    server.get("/v1").header("x-request-id", "r-1").send().await.unwrap();
    let span = log.line("here")["span"].clone();
    assert_eq!((&span["name"], &span["request_id"]), (&json!("request"), &json!("r-1")));
    assert_eq!((&span["method"], &span["path"]), (&json!("GET"), &json!("/v1")));
    assert_eq!(span["trace_id"], log.line("answered")["fields"]["trace_id"]);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_line_too() {
    let (log, _guard) = Log::capture();
    let (entered, mut was_entered) = mpsc::unbounded_channel();
    let waiting = move || {
        let entered = entered.clone();
        async move {
            entered.send(()).unwrap();
            pending::<()>().await;
        }
    };
    let server = Server::start(Router::new().route("/", get(waiting))).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    was_entered.recv().await.unwrap();
    drop(client);
    while log.lines("abandoned").is_empty() {
        tokio::task::yield_now().await;
    }
    let line = log.line("abandoned");
    assert_eq!((&line["fields"]["path"], &line["fields"]["status"]), (&json!("/"), &Value::Null));
    assert!(log.lines("answered").is_empty());
}

#[tokio::test]
async fn a_hardened_router_may_be_a_part_of_another() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let hardened = aws_event_sourcing_http::harden(api(products), &Settings::default());
    let server = Server::start_as_it_is(Router::new().nest("/v1", hardened)).await;
    let created = server.post("/v1/products").json(&json!({"amount": 1})).send().await.unwrap();
    assert!(header(created.headers(), "location").starts_with("/v1/products/"));
    problem(server.get("/v1/products/7").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn hardening_twice_changes_nothing() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let router = aws_event_sourcing_http::harden(api(products), &Settings::default());
    let server = Server::start(router).await;
    let product = server.product(1).await;
    assert_eq!(server.get(&product).send().await.unwrap().status(), 200);
    let response = server.get("/products/7").header("x-request-id", "r").send().await.unwrap();
    assert_eq!(header(response.headers(), "x-request-id"), "r");
    problem(response, 404).await;
    problem(server.request(Method::PUT, "/products").send().await.unwrap(), 405).await;
}

#[tokio::test]
async fn a_slow_reader_of_the_response_does_not_hold_up_others() {
    let server = Server::start(Router::new().route("/", get(|| async { "x".repeat(32 << 20) }))).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0; 64]).await.unwrap();
    assert_eq!(server.get("/").send().await.unwrap().bytes().await.unwrap().len(), 32 << 20);
}
