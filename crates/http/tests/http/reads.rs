//! What `ResourceRoutes` show: one resource, its events, all resources, and pages of them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use aws_event_sourcing_core::{
    Commit, EncodedEvent, EventStore as _, Json, MemoryStore, Repository, ResourceId, StoreError,
    StoreErrorKind, Timestamp,
};
use aws_event_sourcing_http::{JsonArray, ResourceRoutes};
use axum::{
    Router,
    response::IntoResponse as _,
    routing::{get, post},
};
use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    domain::{
        Product,
        ProductEvent::{ProductReserved, ProductRestocked},
        api,
    },
    log::Log,
    server::{Server, header, problem, shop, shop_on},
    stores::{Endless, Faulty, SECRET},
};

pub(crate) async fn json_of(server: &Server, path: &str) -> Value {
    let response = server.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(header(response.headers(), "content-type"), "application/json");
    response.json().await.unwrap()
}

pub(crate) fn ids(products: &Value) -> Vec<&str> {
    products.as_array().unwrap().iter().map(|product| product["id"].as_str().unwrap()).collect()
}

/// Products p0, p1, … in a store, each created a millisecond after the last.
pub(crate) async fn stocked(store: Faulty, count: u32) -> Repository<Product> {
    let now = AtomicU64::new(1_700_000_000_000);
    let clock = move || Timestamp::from_unix_millis(now.fetch_add(1, SeqCst));
    let products = Repository::builder(store).clock(clock).build();
    for index in (0..count).rev() {
        products.create(ProductRestocked { amount: index }).id(format!("p{index}")).await.unwrap();
    }
    products
}

/// The address of the next page.
pub(crate) fn next(headers: &reqwest::header::HeaderMap) -> Option<String> {
    let link = headers.get("link")?.to_str().unwrap();
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

#[tokio::test]
async fn a_resource_is_shown_with_its_version_as_etag() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    let response = server.get(&product).send().await.unwrap();
    assert_eq!(header(response.headers(), "etag"), "\"1\"");
    assert_eq!(header(response.headers(), "x-content-type-options"), "nosniff");
    let text = response.text().await.unwrap();
    let id = product.rsplit('/').next().unwrap();
    assert_eq!(text, format!(r#"{{"id":"{id}","version":1,"quantity":5}}"#));
}

#[tokio::test]
async fn a_version_is_shown_as_its_event_left_it() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    for _ in 0..3 {
        server.post(&format!("{product}/buy")).send().await.unwrap();
    }
    for version in 1..=4 {
        let response = server.get(&format!("{product}?version={version}")).send().await.unwrap();
        assert_eq!(header(response.headers(), "etag"), format!("\"{version}\""));
        let past: Value = response.json().await.unwrap();
        assert_eq!((&past["version"], &past["quantity"]), (&json!(version), &json!(6 - version)));
    }
}

#[tokio::test]
async fn what_the_client_has_already_is_304_without_a_body() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    server.post(&format!("{product}/buy")).send().await.unwrap();
    for (method, path, tags, status) in [
        (Method::GET, &*product, &["\"2\""][..], 304),
        (Method::HEAD, &product, &["\"2\""], 304),
        (Method::GET, &product, &["W/\"2\""], 304),
        (Method::GET, &product, &["*"], 304),
        (Method::GET, &product, &["\"a\", \"1\" ,\"2\""], 304),
        (Method::GET, &product, &["\"1\"", "\"2\""], 304),
        (Method::GET, &format!("{product}?version=1"), &["\"1\""], 304),
        (Method::GET, &product, &["\"1\""], 200),
        (Method::GET, &product, &["\"02\""], 200),
        (Method::GET, &product, &["2"], 200),
        (Method::GET, &format!("{product}?version=1"), &["\"2\""], 200),
    ] {
        let request = tags
            .iter()
            .fold(server.request(method, path), |request, tag| request.header("if-none-match", *tag));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path} {tags:?}");
        let version = if path.contains("?version=1") { "\"1\"" } else { "\"2\"" };
        assert_eq!(header(response.headers(), "etag"), version);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.bytes().await.unwrap().is_empty(), status == 304);
    }
    problem(server.get("/products/7").header("if-none-match", "*").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn what_is_not_as_the_client_expects_is_412_before_anything_else_is_asked() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    server.post(&format!("{product}/buy")).send().await.unwrap();
    let (now, past) = (product.clone(), format!("{product}?version=1"));
    for (path, if_match, if_none_match, status) in [
        (&now, "\"2\"", None, 200),
        (&now, "*", None, 200),
        (&now, "\"1\", \"2\"", None, 200),
        (&past, "\"1\"", None, 200),
        (&now, "\"2\"", Some("\"2\""), 304),
        (&now, "\"2\"", Some("\"1\""), 200),
        (&now, "\"1\"", None, 412),
        (&now, "\"1\"", Some("\"2\""), 412),
        (&now, "W/\"2\"", None, 412),
        (&now, "\"02\"", None, 412),
        (&now, "\"a\"", None, 412),
        (&now, "\"18446744073709551616\"", None, 412),
        (&now, "\"18446744073709551615\"", None, 412),
        (&past, "\"2\"", None, 412),
        (&now, "2", None, 400),
        (&now, "", None, 400),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let mut request = server.request(method, path).header("if-match", if_match);
            if let Some(tag) = if_none_match {
                request = request.header("if-none-match", tag);
            }
            assert_eq!(request.send().await.unwrap().status(), status, "{path} {if_match} {if_none_match:?}");
        }
    }
    let refused = server.get(&now).header("if-match", "\"1\"").send().await.unwrap();
    assert_eq!(problem(refused, 412).await["version"], 2);
    for list in ["/products", "/products?limit=1", &format!("{product}/events")] {
        let get = |tag: &'static str| server.get(list).header("if-match", tag).send();
        assert_eq!(get("*").await.unwrap().status(), 200);
        problem(get("\"2\"").await.unwrap(), 412).await;
        problem(get("2").await.unwrap(), 400).await;
    }
    for (path, status) in
        [("/products?limit=0", 400), ("/products?after=x", 400), ("/products/7/events", 404)]
    {
        problem(server.get(path).header("if-match", "\"2\"").send().await.unwrap(), status).await;
    }
    problem(server.get("/products/7").header("if-match", "*").send().await.unwrap(), 404).await;
    problem(server.get("/products/7").header("if-match", "\"1\"").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_resource_is_shown_as_it_was_at_a_time() {
    let store = MemoryStore::new();
    let (server, products) = shop_on(store.clone()).await;
    products.create(ProductRestocked { amount: 9 }).id("p").await.unwrap();
    let first = products.events("p").next().await.unwrap().unwrap().at;
    for (index, millis) in [(2, 1000), (3, 500), (4, 3000)] {
        let commit = Commit {
            resource: products.key("p"),
            number: index,
            events: vec![EncodedEvent { event_type: "ProductReserved".into(), data: None }],
            at: Timestamp::from_unix_millis(first.as_unix_millis() + millis),
            id: index.to_string().into(),
            follows: None,
            trace: None,
            cause: None,
            meta: None,
        };
        store.append(&commit).await.unwrap();
    }
    let at = |millis: i64| {
        let millis = first.as_unix_millis().checked_add_signed(millis).unwrap();
        Timestamp::from_unix_millis(millis).to_string()
    };
    // The third commit says that it was made before the second: it counts as made no earlier than that.
    for (time, version) in [
        (at(0), 1),
        (at(600), 1),
        (at(999), 1),
        (at(1000), 3),
        (at(2999), 3),
        (at(3000), 4),
        (at(1_000_000), 4),
        (at(1000).replace('Z', "%2B00:00"), 3),
        (at(1000).replace('Z', "-00:00").to_lowercase(), 3),
        // An hour and a half east of Greenwich the clock shows more, and west of it less.
        (at(5_401_000).replace('Z', "%2B01:30"), 3),
        (at(5_400_999).replace('Z', "%2B01:30"), 1),
        (at(-5_399_000).replace('Z', "-01:30"), 3),
        (at(-5_399_001).replace('Z', "-01:30"), 1),
        ("9999-12-31T23:59:59Z".to_owned(), 4),
        ("9999-12-31T23:59:59.999999999-23:59".to_owned(), 4),
    ] {
        let response = server.get(&format!("/products/p?at={time}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{time}");
        assert_eq!(header(response.headers(), "etag"), format!("\"{version}\""), "{time}");
        let forever = header(response.headers(), "content-location").to_owned();
        assert_eq!(forever, format!("/products/p?version={version}"));
        let then = response.text().await.unwrap();
        assert_eq!(then, server.get(&forever).send().await.unwrap().text().await.unwrap());
    }
    let known = server.get(&format!("/products/p?at={}", at(1000))).header("if-none-match", "\"3\"");
    assert_eq!(known.send().await.unwrap().status(), 304);
    let expected = server.get(&format!("/products/p?at={}", at(1000))).header("if-match", "\"4\"");
    problem(expected.send().await.unwrap(), 412).await;

    for early in [&*at(-1), "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "0000-02-29T00:00:00Z"] {
        let missing =
            problem(server.get(&format!("/products/p?at={early}")).send().await.unwrap(), 404).await;
        assert!(missing["type"].as_str().unwrap().ends_with(":not-found"), "{early}: {missing}");
    }
    for wrong in [
        "",
        "yesterday",
        "2026-11-23",
        "2026-11-23T09:30:00",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1767225600",
        "2026-11-23T09:30:00%2B1:00",
        "2026-11-23T09:30:00%2B24:00",
        "2026-11-23T09:30:00+01:00",
        "12026-11-23T09:30:00Z",
        "-2026-11-23T09:30:00Z",
        "%C3%BC026-11-23T09:30:00Z",
    ] {
        let refused =
            problem(server.get(&format!("/products/p?at={wrong}")).send().await.unwrap(), 400).await;
        assert!(refused["detail"].as_str().unwrap().starts_with("the query: at "), "{wrong}: {refused}");
    }
    for both in ["version=1&at=2026-11-23T09:30:00Z", "at=2026-11-23T09:30:00Z&at=2026-11-23T09:30:00Z"] {
        problem(server.get(&format!("/products/p?{both}")).send().await.unwrap(), 400).await;
    }
}

#[tokio::test]
async fn events_are_shown_as_they_are_stored() {
    let store = MemoryStore::new();
    let (server, products) = shop_on(store.clone()).await;
    let created =
        products.create(ProductRestocked { amount: 5 }).id("p").idempotency_key("first").await.unwrap();
    products.commit_all("p", [ProductReserved, ProductReserved]).meta(json!({"tenant": 1})).await.unwrap();
    // Written by newer code: another type, and JSON that no type of ours would write like that.
    let data = Json::parse(r#"{ "z": 1.50, "big": 12345678901234567890123456789, "a": "\u00fc" }"#).unwrap();
    let newer = Commit {
        resource: products.key("p"),
        number: 4,
        events: vec![EncodedEvent { event_type: "ProductPainted".into(), data: Some(data.clone()) }],
        at: Timestamp::from_unix_millis(1_700_000_000_007),
        id: "fourth".into(),
        follows: None,
        trace: None,
        cause: Some("painters/p/1".into()),
        meta: None,
    };
    store.append(&newer).await.unwrap();
    assert_eq!(created.version(), 1);

    let text = server.get("/products/p/events").send().await.unwrap().text().await.unwrap();
    let last = format!(
        r#"{{"number":4,"type":"ProductPainted","data":{data},"at":"2023-11-14T22:13:20.007Z","commit":"fourth","unreadable":{{"number":4,"type":"ProductPainted"}}}}"#
    );
    assert!(text.ends_with(&format!(",{last}]")), "{text}");
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let members: Vec<Vec<_>> =
        events.iter().map(|event| event.as_object().unwrap().keys().map(String::as_str).collect()).collect();
    assert_eq!(members[0], ["at", "commit", "data", "number", "type"]);
    assert_eq!(members[1], ["at", "commit", "number", "type"]);
    assert_eq!((&events[0]["commit"], &events[0]["data"]), (&json!("first"), &json!({"amount": 5})));
    assert_eq!(events[1]["commit"], events[2]["commit"]);

    for (after, numbers) in [
        ("0", &[1, 2, 3, 4][..]),
        ("1", &[2, 3, 4]),
        ("2", &[3, 4]),
        ("3", &[4]),
        ("4", &[]),
        ("99999999999999999999", &[]),
    ] {
        assert_eq!(numbers_after(&server, after).await, numbers, "{after}");
    }
}

async fn numbers_after(server: &Server, after: &str) -> Vec<u64> {
    let events = json_of(server, &format!("/products/p/events?after={after}")).await;
    events.as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn events_can_be_shown_from_every_number_on() {
    let (server, products) = shop().await;
    products.create(ProductRestocked { amount: 9 }).id("p").await.unwrap();
    products.commit_all("p", vec![ProductReserved; 3]).await.unwrap();
    products.commit("p", ProductReserved).await.unwrap();
    products.commit_all("p", vec![ProductReserved; 2]).await.unwrap();
    for after in 0..9 {
        assert_eq!(numbers_after(&server, &after.to_string()).await, (after + 1..=7).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn pages_of_events_lead_to_every_event_once() {
    let products: Repository<Product> = Repository::new(MemoryStore::new());
    products.create(ProductRestocked { amount: 99 }).id("a/b").await.unwrap();
    // Pages begin at events, wherever commits do.
    for events in [3, 1, 40, 2] {
        products.commit_all("a/b", vec![ProductReserved; events]).await.unwrap();
    }
    let server = Server::start(Router::new().nest("/v1", api(products))).await;
    let whole = json_of(&server, "/v1/products/a%2Fb/events").await;
    assert_eq!(whole.as_array().unwrap().len(), 47);
    for limit in [1, 2, 3, 5, 17, 46, 47, 48, 1000, 5000] {
        let (mut path, mut seen) = (format!("/v1/products/a%2Fb/events?limit={limit}"), Vec::new());
        loop {
            let response = server.get(&path).send().await.unwrap();
            let next = next(response.headers());
            let page: Vec<Value> = response.json().await.unwrap();
            assert!(page.len() == limit || next.is_none() && page.len() <= limit, "{path}");
            seen.extend(page);
            let Some(next) = next else { break };
            assert_eq!(next, format!("/v1/products/a%2Fb/events?limit={limit}&after={}", seen.len()));
            path = next;
        }
        assert_eq!(Value::from(seen), whole, "{limit} at a time");
    }
    for behind in ["limit=7&after=47", "after=48&limit=7", "limit=1&after=18446744073709551616"] {
        let response = server.get(&format!("/v1/products/a%2Fb/events?{behind}")).send().await.unwrap();
        assert_eq!(next(response.headers()), None);
        assert_eq!(response.text().await.unwrap(), "[]");
    }
    problem(server.get("/v1/products/none/events?limit=1").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_page_of_large_events_is_shorter_and_leads_to_the_next() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    for letter in ["a", "b", "c", "d"] {
        let text = letter.repeat(300_000);
        let response = server.post(&format!("{product}/describe")).json(&json!({ "text": text })).send();
        assert_eq!(response.await.unwrap().status(), 200);
    }
    let (mut path, mut lengths) = (format!("{product}/events?limit=10"), Vec::new());
    loop {
        let response = server.get(&path).send().await.unwrap();
        let next = next(response.headers());
        let page = response.text().await.unwrap();
        // What a load balancer takes from a function.
        assert!(page.len() < 1_000_000);
        lengths.push(serde_json::from_str::<Vec<Value>>(&page).unwrap().len());
        let Some(next) = next else { break };
        path = next;
    }
    assert_eq!(lengths, [3, 2]);
}

#[tokio::test]
async fn a_page_of_events_reads_no_more_than_it_shows() {
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let (server, _) = shop_on(Endless { dropped }).await;
    let response = server.get("/products/p/events?limit=1000").send().await.unwrap();
    assert!(next(response.headers()).unwrap().ends_with("/events?limit=1000&after=1000"));
    assert_eq!(response.json::<Vec<Value>>().await.unwrap().len(), 1000);
    was_dropped.recv().await.expect("who has a page reads no more");
}

#[tokio::test]
async fn a_client_that_asks_for_news_of_a_resource_costs_one_short_read() {
    let store = Faulty::default();
    let (server, products) = shop_on(store.clone()).await;
    products.create(ProductRestocked { amount: 9 }).id("p").await.unwrap();
    store.readers.all.store(0, SeqCst);
    assert!(numbers_after(&server, "1").await.is_empty());
    assert_eq!(store.readers.all.load(SeqCst), 1);
}

#[tokio::test]
async fn all_resources_are_one_array() {
    let (server, _) = shop().await;
    assert_eq!(server.get("/products").send().await.unwrap().text().await.unwrap(), "[]");
    server.product(1).await;
    assert_eq!(json_of(&server, "/products").await.as_array().unwrap().len(), 1);

    let many = Faulty::default();
    let products = stocked(many, 3000).await;
    let server = Server::start(api(products)).await;
    let all = json_of(&server, "/products").await;
    let mut shown = ids(&all);
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 3000);
}

#[tokio::test]
async fn pages_lead_to_every_resource_once_oldest_first() {
    let store = Faulty::default();
    let products = stocked(store.clone(), 7).await;
    let server = Server::start(Router::new().nest("/v1", api(products))).await;
    let (mut path, mut lengths, mut seen) = ("/v1/products?limit=3".to_owned(), Vec::new(), Vec::new());
    loop {
        let response = server.get(&path).send().await.unwrap();
        let next = next(response.headers());
        let page: Value = response.json().await.unwrap();
        lengths.push(page.as_array().unwrap().len());
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = next else { break };
        assert!(next.starts_with("/v1/products?limit=3&after="), "{next}");
        path = next;
    }
    assert_eq!(lengths, [3, 3, 1]);
    assert_eq!(seen, ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
}

#[tokio::test]
async fn a_page_has_100_resources_unless_asked_and_1000_at_the_most() {
    let server = Server::start(api(stocked(Faulty::default(), 1001).await)).await;
    let page = |path: &'static str| async {
        let response = server.get(path).send().await.unwrap();
        let next = next(response.headers());
        (response.json::<Vec<Value>>().await.unwrap().len(), next)
    };
    for (path, length, limit) in [
        ("/products?limit=1", 1, "limit=1&"),
        ("/products?limit=1000", 1000, "limit=1000&"),
        ("/products?limit=1001", 1000, "limit=1000&"),
        ("/products?limit=99999999999999999999999", 1000, "limit=1000&"),
    ] {
        let (count, next) = page(path).await;
        assert_eq!(count, length);
        assert!(next.unwrap().contains(limit));
    }
    let (_, first) = page("/products?limit=1").await;
    let after = first.unwrap().split_once("&after=").unwrap().1.to_owned();
    let second = server.get(&format!("/products?after={after}")).send().await.unwrap();
    assert!(next(second.headers()).unwrap().contains("limit=100&"));
    assert_eq!(second.json::<Vec<Value>>().await.unwrap().len(), 100);
    assert_eq!(page("/products").await, (1001, None));
}

#[tokio::test]
async fn the_resources_of_a_page_are_read_side_by_side_and_not_all_at_once() {
    let store = Faulty::default();
    stocked(store.clone(), 100).await;
    let (server, _) = shop_on(store.clone()).await;
    store.readers.most.store(0, SeqCst);
    assert_eq!(json_of(&server, "/products?limit=100").await.as_array().unwrap().len(), 100);
    let most = store.readers.most.load(SeqCst);
    assert!((2..=16).contains(&most), "{most}");
}

#[tokio::test]
async fn some_can_be_left_out_and_all_be_shown_in_another_way() {
    let products = stocked(Faulty::default(), 7).await;
    let routes = ResourceRoutes::new(products).list_only(|product| product.quantity % 2 == 0).represent(
        |product, links| {
            json!({
                "left": product.quantity,
                "links": {"resource": links.resource(product.id()), "events": links.events(product.id())},
            })
        },
    );
    let server = Server::start(Router::new().nest("/shops/{shop}/products", routes.into_router())).await;
    let p4 = json!({"left": 4, "links": {
        "resource": "/shops/7/products/p4",
        "events": "/shops/7/products/p4/events",
    }});
    let all = json_of(&server, "/shops/7/products").await;
    assert_eq!(all.as_array().unwrap().len(), 4);
    assert!(all.as_array().unwrap().contains(&p4));
    assert_eq!(json_of(&server, "/shops/7/products/p4").await, p4);
    assert_eq!(json_of(&server, "/shops/7/products/p5").await["left"], 5);
    assert_eq!(json_of(&server, p4["links"]["events"].as_str().unwrap()).await.as_array().unwrap().len(), 1);

    let (mut path, mut left) = ("/shops/7/products?limit=1".to_owned(), Vec::new());
    let mut pages = 0;
    loop {
        let response = server.get(&path).send().await.unwrap();
        let next = next(response.headers());
        let page: Vec<Value> = response.json().await.unwrap();
        left.extend(page.iter().map(|product| product["left"].as_u64().unwrap()));
        pages += 1;
        let Some(next) = next else { break };
        path = next;
    }
    assert_eq!((pages, &*left), (7, &[6, 4, 2, 0][..]));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    server.product(6).await;
    for path in [
        "/products",
        "/products?limit=1",
        "/products?limit=0",
        &*product,
        &format!("{product}/events"),
        &format!("{product}/events?limit=1"),
        &format!("{product}/events?x=1"),
        "/products/7",
        "/nowhere",
    ] {
        let request = |method| server.request(method, path).header("x-request-id", "same").send();
        let (get, head) = (request(Method::GET).await.unwrap(), request(Method::HEAD).await.unwrap());
        assert_eq!(get.status(), head.status());
        let headers = |response: &reqwest::Response| {
            let mut headers = response.headers().clone();
            headers.remove("date");
            headers.remove("transfer-encoding");
            headers
        };
        assert_eq!(headers(&get), headers(&head), "{path}");
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_later_is_cut_so_that_nobody_takes_it_for_complete() {
    let (log, _guard) = Log::capture();
    let store = Faulty::default();
    stocked(store.clone(), 500).await;
    for id in 0..500 {
        let products = Repository::<Product>::new(store.clone());
        products.commit("p1", ProductRestocked { amount: id }).await.unwrap();
    }
    let (server, _) = shop_on(Faulty { breaks_off_after: Some(450), ..store }).await;
    for (path, id) in [("/products", "cut-1"), ("/products/p1/events", "cut-2")] {
        let response = server.get(path).header("x-request-id", id).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.expect_err("the rest is missing");
        let lines = log.lines("the answer was cut off");
        let line = lines.iter().find(|line| line["span"]["request_id"] == id).unwrap();
        assert_eq!((&line["level"], &line["span"]["path"]), (&json!("ERROR"), &json!(path)));
        assert!(line["fields"]["error"].as_str().unwrap().contains(SECRET));
    }
    let request = "GET /products HTTP/1.1\r\nhost: x\r\n\r\n";
    let text = server.say(request.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 200 ") && !text.ends_with("0\r\n\r\n"));
    assert!(!text.contains(SECRET));
}

/// What is there at once, is one thing: good, or a problem.
#[tokio::test]
async fn an_array_that_breaks_off_among_its_first_items_is_a_problem() {
    let (log, _guard) = Log::capture();
    let breaking_off = |whole: usize| {
        get(async move || {
            let failure = StoreError::new(StoreErrorKind::Internal, "the disk said no");
            let items = stream::iter((0..whole).map(Ok)).chain(stream::iter([Err(failure)]));
            JsonArray::begin(items).await
        })
    };
    let router = Router::new().route("/first", breaking_off(2)).route("/later", breaking_off(100_000));
    let server = Server::start(router).await;
    problem(server.get("/first").header("x-request-id", "r-1").send().await.unwrap(), 500).await;
    assert_eq!(log.line("failed")["fields"]["request_id"], "r-1");
    assert!(log.lines("the answer was cut off").is_empty());

    // Too much has gone out: it does, and the client sees that it is not all.
    let text = server.say(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("99999") && !text.ends_with("0\r\n\r\n"));
    log.line("the answer was cut off");
    server.get("/later").send().await.unwrap().bytes().await.expect_err("the rest is missing");
}

#[tokio::test]
async fn an_array_that_is_there_at_once_tells_its_length() {
    let (server, products) = shop().await;
    for expected in ["[]", r#"[{"id":"p","version":1,"quantity":5}]"#] {
        let response = server.get("/products").send().await.unwrap();
        assert_eq!(header(response.headers(), "content-length"), expected.len().to_string());
        assert_eq!(response.text().await.unwrap(), expected);
        products.create(ProductRestocked { amount: 5 }).id("p").await.ok();
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_at_once_is_a_problem() {
    let store = Faulty { breaks_off_after: Some(0), ..Faulty::default() };
    stocked(store.clone(), 3).await;
    let (server, _) = shop_on(store).await;
    problem(server.get("/products").send().await.unwrap(), 500).await;
    problem(server.get("/products/p1/events").send().await.unwrap(), 500).await;
}

#[tokio::test]
async fn a_view_that_panics_half_way_cuts_the_list() {
    let (log, _guard) = Log::capture();
    let products = stocked(Faulty::default(), 900).await;
    let routes = ResourceRoutes::new(products).represent(|product, _| {
        assert!(product.quantity != 890, "what is 890?");
        product.clone()
    });
    let server = Server::start(routes.into_router()).await;
    async { server.get("/").send().await?.bytes().await }.await.expect_err("the rest is missing");
    assert_eq!(log.line("the answer was cut off")["fields"]["error"], "panicked: what is 890?");
    problem(server.get("/p890").send().await.unwrap(), 500).await;
    assert_eq!(server.get("/p7").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_list_without_an_end_is_read_as_far_as_the_client_reads() {
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let (server, _) = shop_on(Endless { dropped }).await;
    let mut response = server.get("/products").send().await.unwrap();
    let mut read = 0;
    while read < 3 << 20 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
    drop(response);
    was_dropped.recv().await.expect("whoever reads no more ends the scan");
    assert_eq!(server.get("/nowhere").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_array_takes_from_its_stream_only_what_it_sends() {
    let taken = Arc::new(AtomicU64::new(0));
    let items = stream::repeat_with({
        let taken = taken.clone();
        move || {
            taken.fetch_add(1, SeqCst);
            Ok::<_, aws_event_sourcing_core::StoreError>("x".repeat(1022))
        }
    });
    let body = JsonArray::begin(items).await.unwrap().into_response().into_body();
    // The first chunk, so that an error in it is told as one.
    assert_eq!(taken.load(SeqCst), 16);
    let mut body = body.into_data_stream();
    for chunk in 1..100 {
        let bytes = body.next().await.unwrap().unwrap();
        assert!((16 * 1024..18 * 1024).contains(&bytes.len()));
        assert_eq!(taken.load(SeqCst), 16 * chunk);
    }
}

#[tokio::test]
async fn an_array_does_not_wait_for_the_next_item_with_what_it_has() {
    let (sender, receiver) = mpsc::unbounded_channel::<Result<u32, aws_event_sourcing_core::StoreError>>();
    let items = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    sender.send(Ok(1)).unwrap();
    sender.send(Ok(2)).unwrap();
    let mut body = JsonArray::begin(items).await.unwrap().into_response().into_body().into_data_stream();
    assert_eq!(body.next().await.unwrap().unwrap(), "[1,2");
    sender.send(Ok(3)).unwrap();
    assert_eq!(body.next().await.unwrap().unwrap(), ",3");
    drop(sender);
    assert_eq!(body.next().await.unwrap().unwrap(), "]");
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn reading_routes_stand_beside_those_of_the_user() {
    let products: Repository<Product> = Repository::new(MemoryStore::new());
    let id = ResourceId::from("p");
    products.create(ProductRestocked { amount: 1 }).id(id).await.unwrap();
    let own = Router::new().route("/{id}", post(|| async { "own" }));
    let server = Server::start(ResourceRoutes::new(products).into_router().merge(own)).await;
    assert_eq!(server.post("/p").send().await.unwrap().text().await.unwrap(), "own");
    assert_eq!(server.get("/p").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn reading_routes_stand_under_any_path() {
    let products: Repository<Product> = Repository::new(MemoryStore::new());
    for id in ["p", "q"] {
        products.create(ProductRestocked { amount: 1 }).id(id).await.unwrap();
    }
    let routes = ResourceRoutes::new(products).represent(|product, links| links.resource(product.id()));
    let shops = Router::new().nest("/{id}/products", routes.into_router());
    let server = Server::start(Router::new().nest("/shops", shops)).await;
    assert_eq!(json_of(&server, "/shops/7/products/p").await, "/shops/7/products/p");
    assert_eq!(json_of(&server, "/shops/7/products/p/events").await.as_array().unwrap().len(), 1);
    let page = server.get("/shops/7/products?limit=1").send().await.unwrap();
    assert!(next(page.headers()).unwrap().starts_with("/shops/7/products?limit=1&after="));
    assert_eq!(page.text().await.unwrap(), "[\"/shops/7/products/p\"]");
}
