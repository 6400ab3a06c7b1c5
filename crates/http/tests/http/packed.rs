//! Content codings: bodies that come packed, and answers that are sent so.

use std::convert::Infallible;

use async_compression::tokio::bufread::{GzipDecoder, GzipEncoder};
use aws_event_sourcing_http::{JsonArray, Settings};
use axum::{
    Router,
    body::{Body, Bytes},
    http::HeaderMap,
    response::IntoResponse,
    routing::{get, post},
};
use futures_util::{StreamExt as _, stream};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, sync::mpsc};

use crate::{
    domain::ProductEvent::ProductRestocked,
    server::{Server, header, problem, shop, shop_on},
    stores::Faulty,
};

async fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    GzipEncoder::new(bytes).read_to_end(&mut packed).await.unwrap();
    packed
}

async fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    GzipDecoder::new(bytes).read_to_end(&mut unpacked).await?;
    Ok(unpacked)
}

#[tokio::test]
async fn a_body_of_gzip_is_unpacked() {
    let (server, _) = shop().await;
    let packed = pack(b"{\"amount\": 7}").await;
    for coding in [&["gzip"][..], &["GZIP"], &["x-gzip"], &["identity, gzip"], &["identity", "gzip"]] {
        let request = server.post("/products").header("content-type", "application/json");
        let request = coding.iter().fold(request, |request, line| request.header("content-encoding", *line));
        let created = request.body(packed.clone()).send().await.unwrap();
        assert_eq!(created.status(), 201, "{coding:?}");
        assert_eq!(created.json::<Value>().await.unwrap()["quantity"], 7);
    }
    let two = [pack(b"{\"amount\":").await, pack(b" 8}").await].concat();
    let request = server.post("/products").header("content-type", "application/json");
    let created = request.header("content-encoding", "gzip").body(two).send().await.unwrap();
    assert_eq!(created.json::<Value>().await.unwrap()["quantity"], 8);
    let plain = server.post("/products").header("content-encoding", "identity").json(&json!({"amount": 1}));
    assert_eq!(plain.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_handler_sees_a_body_as_if_it_had_never_been_packed() {
    let told = |headers: HeaderMap, body: Bytes| async move {
        assert!(!headers.contains_key("content-encoding") && !headers.contains_key("content-length"));
        body
    };
    let server = Server::start(Router::new().route("/", post(told))).await;
    let request = server.post("/").header("content-encoding", "gzip").body(pack(b"as it was").await);
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "as it was");
}

#[tokio::test]
async fn what_is_in_a_packed_body_is_bounded_and_not_only_what_was_sent() {
    let measure = Router::new().route("/", post(|body: Bytes| async move { body.len().to_string() }));
    let limit = Settings::default().body_limit;
    let server = Server::start(measure).await;
    let send = async |bytes: usize| {
        let request = server.post("/").header("content-encoding", "gzip");
        request.body(pack(&vec![b'x'; bytes]).await).send().await.unwrap()
    };
    assert_eq!(send(limit).await.text().await.unwrap(), limit.to_string());
    for too_many in [limit + 1, 64 * limit] {
        let refused = problem(send(too_many).await, 413).await;
        assert_eq!(refused["detail"], "the body is larger than this service takes in");
    }
}

#[tokio::test]
async fn a_body_that_is_packed_in_another_way_is_415_and_told_how_it_may_be() {
    let (server, _) = shop().await;
    for coding in ["br", "zstd", "deflate", "gzip, gzip", "compress", "gzip, br", "g zip"] {
        let request = server.post("/products").header("content-encoding", coding);
        let response = request.json(&json!({"amount": 1})).send().await.unwrap();
        assert_eq!(header(response.headers(), "accept-encoding"), "gzip");
        problem(response, 415).await;
    }
    // Nothing is packed where nothing is.
    let get = server.get("/products").header("content-encoding", "br").send().await.unwrap();
    assert_eq!(get.status(), 200);
}

#[tokio::test]
async fn a_body_that_is_no_gzip_is_400_and_says_so() {
    let (server, _) = shop().await;
    let whole = pack(b"{\"amount\": 7}").await;
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    for body in
        [b"{\"amount\": 7}".to_vec(), whole[..whole.len() - 3].to_vec(), damaged, [&*whole, b"{}"].concat()]
    {
        let request = server.post("/products").header("content-type", "application/json");
        let refused = request.header("content-encoding", "gzip").body(body).send().await.unwrap();
        let refused = problem(refused, 400).await;
        assert_eq!(refused["detail"], "the body is not what Content-Encoding says: gzip");
    }
}

#[tokio::test]
async fn a_packed_body_that_does_not_arrive_is_408() {
    let hasty = Settings { timeout: std::time::Duration::from_millis(50), ..Settings::default() };
    let router = Router::new().route("/", post(|_: Bytes| async {}));
    let server = Server::start_with(router, &hasty).await;
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n";
    let answer = server.say(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

fn is_packed(response: &Response) -> bool {
    response.headers().get("content-encoding").is_some_and(|coding| coding == "gzip")
}

#[tokio::test]
async fn an_answer_is_packed_for_who_takes_it_so() {
    let long = || async { "a".repeat(5000) };
    let server = Server::start(Router::new().route("/", get(long))).await;
    for (accepted, packed) in [
        (&["gzip"][..], true),
        (&["br, GZIP;q=0.5"], true),
        (&["br", "x-gzip"], true),
        (&["*"], true),
        (&["*;q=0, gzip"], true),
        (&["identity;q=0, gzip;q=0.001"], true),
        (&[], false),
        (&[""], false),
        (&["identity"], false),
        (&["br, zstd, deflate"], false),
        (&["gzip;q=0"], false),
        (&["gzip; q=0.000, *"], false),
        (&["*;q=0"], false),
        (&["gzip;q=0.3, identity;q=0.8"], false),
        (&["gzip;q=0.8, identity;q=0.3"], true),
    ] {
        let request =
            accepted.iter().fold(server.get("/"), |request, line| request.header("accept-encoding", *line));
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), is_packed(&response)), (200, packed), "{accepted:?}");
        assert_eq!(header(response.headers(), "vary"), "accept-encoding");
        let body = response.bytes().await.unwrap();
        let body = if packed { unpack(&body).await.unwrap() } else { body.to_vec() };
        assert_eq!(body, "a".repeat(5000).as_bytes());
    }
}

/// As those that serve files do.
#[tokio::test]
async fn a_length_that_a_handler_states_is_not_that_of_the_packed_answer() {
    let file = || async { ([("content-length", "5000")], "a".repeat(5000)) };
    let server = Server::start(Router::new().route("/", get(file))).await;
    let response = server.get("/").header("accept-encoding", "gzip").send().await.unwrap();
    assert!(is_packed(&response) && !response.headers().contains_key("content-length"));
    assert_eq!(unpack(&response.bytes().await.unwrap()).await.unwrap(), "a".repeat(5000).as_bytes());
    let whole = server.get("/").send().await.unwrap();
    assert_eq!(header(whole.headers(), "content-length"), "5000");
}

/// RFC 9110, section 9.3.2: with the same headers, or without those that only sending tells.
#[tokio::test]
async fn head_says_of_a_packed_answer_what_get_does() {
    let long = || async { ([("etag", "\"7\"")], "a".repeat(5000)) };
    let server = Server::start(Router::new().route("/", get(long)).route("/short", get("short"))).await;
    for path in ["/", "/short"] {
        for accepted in ["gzip", "identity"] {
            let ask = async |method: Method| {
                let request = server.request(method, path).header("accept-encoding", accepted);
                let mut headers = request.send().await.unwrap().headers().clone();
                for name in ["date", "x-request-id", "transfer-encoding"] {
                    headers.remove(name);
                }
                headers
            };
            assert_eq!(ask(Method::HEAD).await, ask(Method::GET).await, "{path} {accepted}");
        }
    }
}

#[tokio::test]
async fn what_would_not_gain_by_it_is_not_packed() {
    fn typed(media_type: &'static str) -> impl IntoResponse {
        ([("content-type", media_type)], "a".repeat(5000))
    }
    let router = Router::new()
        .route("/small", get(|| async { "a".repeat(1023) }))
        .route("/image", get(|| async { typed("image/png") }))
        .route("/events", get(|| async { typed("text/event-stream; charset=utf-8") }))
        .route("/packed", get(|| async { ([("content-encoding", "zip")], "a".repeat(5000)) }))
        .route("/part", get(|| async { ([("content-range", "bytes 0-4999/9999")], "a".repeat(5000)) }))
        .route(
            "/as-it-is",
            get(|| async { ([("cache-control", "private, No-Transform")], "a".repeat(5000)) }),
        )
        .route("/problem", get(|| async { typed("application/problem+json") }))
        .route("/large", get(|| async { "a".repeat(1024) }));
    let server = Server::start(router).await;
    for (path, packed) in [
        ("/small", false),
        ("/image", false),
        ("/events", false),
        ("/packed", false),
        ("/part", false),
        ("/as-it-is", false),
        ("/problem", true),
        ("/large", true),
    ] {
        let response = server.get(path).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(is_packed(&response), packed, "{path}");
        assert_eq!(response.headers().contains_key("vary"), packed, "{path}");
    }
}

#[tokio::test]
async fn a_packed_resource_has_a_tag_of_its_own_that_does_for_every_condition() {
    let (server, products) = shop().await;
    let wide = Router::new().nest(
        "/products",
        aws_event_sourcing_http::ResourceRoutes::new(products.clone())
            .represent(|product, _| json!({"quantity": product.quantity, "text": "a".repeat(5000)}))
            .into_router(),
    );
    let wide = Server::start(wide).await;
    products.create(ProductRestocked { amount: 3 }).id("p").await.unwrap();
    let ask = |method: Method, headers: &[(&'static str, &'static str)]| {
        let request = wide.request(method, "/products/p");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let packing = ("accept-encoding", "gzip");
    for method in [Method::GET, Method::HEAD] {
        let response = ask(method, &[packing]).await.unwrap();
        assert!(is_packed(&response));
        assert_eq!(header(response.headers(), "etag"), "\"1-gzip\"");
        assert!(!response.headers().contains_key("content-length"));
    }
    assert_eq!(header(ask(Method::GET, &[]).await.unwrap().headers(), "etag"), "\"1\"");

    for (headers, status, tag) in [
        (&[packing, ("if-none-match", "\"1-gzip\"")][..], 304, Some("\"1-gzip\"")),
        (&[packing, ("if-none-match", "W/\"1-gzip\"")], 304, Some("\"1-gzip\"")),
        (&[packing, ("if-none-match", "\"0\", \"1-gzip\"")], 304, Some("\"1-gzip\"")),
        (&[packing, ("if-none-match", "\"1\"")], 304, Some("\"1\"")),
        (&[("if-none-match", "\"1-gzip\"")], 304, Some("\"1-gzip\"")),
        (&[packing, ("if-none-match", "\"2-gzip\"")], 200, Some("\"1-gzip\"")),
        (&[packing, ("if-match", "\"1-gzip\"")], 200, Some("\"1-gzip\"")),
        (&[packing, ("if-match", "\"1\"")], 200, Some("\"1-gzip\"")),
        (&[("if-match", "\"1-gzip\"")], 200, Some("\"1\"")),
        (&[packing, ("if-match", "W/\"1-gzip\"")], 412, None),
        (&[packing, ("if-match", "\"2-gzip\"")], 412, None),
        (&[packing, ("if-match", "\"1-gzip-gzip\"")], 412, None),
        (&[packing, ("if-match", "\"1-br\"")], 412, None),
    ] {
        let response = ask(Method::GET, headers).await.unwrap();
        let answered = (response.status().as_u16(), response.headers().get("etag"));
        assert_eq!((answered.0, answered.1.map(|tag| tag.to_str().unwrap())), (status, tag), "{headers:?}");
        if status == 304 {
            assert_eq!(header(response.headers(), "vary"), "accept-encoding");
        }
    }

    let buy = |tag: &'static str| server.post("/products/p/buy").header("if-match", tag).send();
    assert_eq!(buy("\"1-gzip\"").await.unwrap().status(), 200);
    problem(buy("\"1-gzip\"").await.unwrap(), 412).await;
    assert_eq!(buy("\"9\", \"2-gzip\"").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_list_is_packed_while_it_is_sent() {
    let (sender, receiver) = mpsc::unbounded_channel::<Result<u32, aws_event_sourcing_core::StoreError>>();
    let items = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    sender.send(Ok(1)).unwrap();
    let array = JsonArray::begin(items).await.unwrap().into_response();
    let array = std::sync::Arc::new(std::sync::Mutex::new(Some(array)));
    let answer = move || async move { array.lock().unwrap().take().unwrap() };
    let server = Server::start(Router::new().route("/", get(answer))).await;
    let mut response = server.get("/").header("accept-encoding", "gzip").send().await.unwrap();
    assert!(is_packed(&response));
    let mut packed = Vec::new();
    // The first item comes before there is a second.
    for (item, text) in [(Some(2), "[1"), (Some(3), "[1,2"), (None, "[1,2,3")] {
        while begun(&packed).await != text.as_bytes() {
            packed.extend(response.chunk().await.unwrap().unwrap());
        }
        if let Some(item) = item {
            sender.send(Ok(item)).unwrap();
        }
    }
    drop(sender);
    while let Some(chunk) = response.chunk().await.unwrap() {
        packed.extend(chunk);
    }
    assert_eq!(unpack(&packed).await.unwrap(), b"[1,2,3]");
}

/// What can be read of something that is not whole yet.
async fn begun(packed: &[u8]) -> Vec<u8> {
    let (mut decoder, mut read) = (GzipDecoder::new(packed), Vec::new());
    while let Ok(count) = decoder.read_buf(&mut read).await
        && count > 0
    {}
    read
}

#[tokio::test]
async fn a_packed_list_that_breaks_off_is_cut_like_any_other() {
    let store = Faulty::default();
    let (_, products) = shop_on(store.clone()).await;
    for _ in 0..500 {
        products.create(ProductRestocked { amount: 1 }).await.unwrap();
    }
    let (server, _) = shop_on(Faulty { breaks_off_after: Some(450), ..store }).await;
    let response = server.get("/products").header("accept-encoding", "gzip").send().await.unwrap();
    assert!(response.status() == 200 && is_packed(&response));
    response.bytes().await.expect_err("the rest is missing");
}

#[tokio::test]
async fn many_small_pieces_are_one_packed_answer() {
    let pieces = || async {
        Body::from_stream(stream::iter(0..20_000).map(|piece| Ok::<_, Infallible>(format!("{piece:05}\n"))))
    };
    let typed = move || async move { ([("content-type", "text/plain")], pieces().await) };
    let server = Server::start(Router::new().route("/", get(typed))).await;
    let response = server.get("/").header("accept-encoding", "gzip").send().await.unwrap();
    let packed = response.bytes().await.unwrap();
    let text = String::from_utf8(unpack(&packed).await.unwrap()).unwrap();
    assert_eq!((text.len(), text.lines().nth(12_345)), (120_000, Some("12345")));
    assert!(packed.len() < 60_000, "{}", packed.len());
}
