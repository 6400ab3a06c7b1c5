//! What a write answers with, and the terms that a client can put it on.

use aws_event_sourcing_core::{MemoryStore, Repository, ResourceId};
use aws_event_sourcing_http::{IdempotencyScope, Settings};
use axum::{
    extract::Request,
    middleware::{Next, from_fn},
};
use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    domain::{Product, api},
    server::{Server, header, problem, shop, shop_on},
    stores::Faulty,
};

/// Two processes that share a store.
async fn two_shops() -> [(Server, Repository<Product>); 2] {
    let store = Faulty { memory: MemoryStore::new(), ..Faulty::default() };
    [shop_on(store.clone()).await, shop_on(store).await]
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

async fn answer(request: RequestBuilder) -> (StatusCode, String, Option<String>, String) {
    let response = request.send().await.unwrap();
    let headers = response.headers();
    let tag = header(headers, "etag").to_owned();
    let location = headers.get("location").map(|location| location.to_str().unwrap().to_owned());
    (response.status(), tag, location, response.text().await.unwrap())
}

async fn version(products: &Repository<Product>, path: &str) -> u64 {
    products.find_one(id(path)).await.unwrap().version()
}

#[tokio::test]
async fn what_is_created_is_there_at_its_location() {
    let (server, _) = shop().await;
    let created = server.post("/products").json(&json!({"amount": 5})).send().await.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(header(created.headers(), "etag"), "\"1\"");
    assert_eq!(header(created.headers(), "content-type"), "application/json");
    let location = header(created.headers(), "location").to_owned();
    let product: Value = created.json().await.unwrap();
    assert_eq!(product, json!({"id": id(&location), "version": 1, "quantity": 5}));
    assert_eq!(location, format!("/products/{}", id(&location)));
    let found: Value = server.get(&location).send().await.unwrap().json().await.unwrap();
    assert_eq!(found, product);
}

#[tokio::test]
async fn a_change_answers_with_the_resource_and_its_new_version() {
    let (server, _) = shop().await;
    let product = server.product(5).await;
    let (status, tag, location, body) =
        answer(server.post(&format!("{product}/buy")).json(&json!({"amount": 2}))).await;
    assert_eq!((status.as_u16(), &*tag, location), (200, "\"3\"", None));
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({"id": id(&product), "version": 3, "quantity": 3})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_buyers_of_40_items_40_get_one_each() {
    let shops = two_shops().await;
    let buy = format!("{}/buy", shops[0].0.product(40).await);
    let buyers = (0..64).map(|buyer| shops[buyer % 2].0.post(&buy).send());
    let statuses: Vec<_> =
        join_all(buyers).await.into_iter().map(|response| response.unwrap().status()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 40, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 24, "{statuses:?}");
    let product = shops[0].1.find_one(id(buy.strip_suffix("/buy").unwrap())).await.unwrap();
    assert_eq!((product.quantity, product.version()), (0, 41));
}

#[tokio::test]
async fn a_request_repeated_with_its_key_gets_the_first_answer_whatever_has_happened_since() {
    let (server, products) = shop().await;
    let create = || server.post("/products").header("idempotency-key", "new").json(&json!({"amount": 5}));
    let created = answer(create()).await;
    assert_eq!((created.0.as_u16(), &*created.1), (201, "\"1\""));
    let product = created.2.clone().unwrap();

    let buy = || server.post(&format!("{product}/buy")).header("idempotency-key", "buy");
    let restock = || {
        let request = server.post(&format!("{product}/restock")).header("idempotency-key", "restock");
        request.json(&json!({"amount": 3}))
    };
    let (bought, restocked) = (answer(buy()).await, answer(restock()).await);
    assert_eq!((&*bought.1, &*restocked.1), ("\"2\"", "\"3\""));
    answer(server.post(&format!("{product}/buy"))).await;

    for _ in 0..2 {
        assert_eq!(answer(create()).await, created);
        assert_eq!(answer(buy()).await, bought);
        assert_eq!(answer(restock()).await, restocked);
    }
    assert_eq!(version(&products, &product).await, 4);
    let commits: Vec<_> =
        products.events(id(&product)).map_ok(|event| event.commit.to_string()).try_collect().await.unwrap();
    assert_eq!(commits[..3], ["new", "buy", "restock"]);
}

#[tokio::test]
async fn a_repeated_request_is_not_judged_by_its_old_if_match() {
    let (server, _) = shop().await;
    let buy = format!("{}/buy", server.product(5).await);
    let buy = || server.post(&buy).header("idempotency-key", "k").header("if-match", "\"1\"");
    assert_eq!(answer(buy()).await, answer(buy()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_with_one_key_at_one_time_are_carried_out_once_and_answered_alike() {
    let shops = two_shops().await;
    for round in 0..20 {
        let key = format!("create-{round}");
        let create = |index: usize| {
            let request = shops[index % 2].0.post("/products").header("idempotency-key", &key);
            answer(request.json(&json!({"amount": 5})))
        };
        let created = join_all((0..6).map(create)).await;
        assert_eq!(created[0].0, 201);
        assert!(created.iter().all(|answer| *answer == created[0]), "{created:?}");

        let product = created[0].2.clone().unwrap();
        let buy = |index: usize| {
            answer(shops[index % 2].0.post(&format!("{product}/buy")).header("idempotency-key", "buy"))
        };
        let bought = join_all((0..6).map(buy)).await;
        assert!(bought.iter().all(|answer| *answer == bought[0]), "{bought:?}");
        assert_eq!((bought[0].0.as_u16(), version(&shops[0].1, &product).await), (200, 2));
    }
}

#[tokio::test]
async fn a_key_may_be_a_token_or_the_same_in_quotes() {
    let (server, products) = shop().await;
    let buy = format!("{}/buy", server.product(5).await);
    let buy_with = |key: &str| answer(server.post(&buy).header("idempotency-key", key));
    assert_eq!(buy_with("order-7").await, buy_with("\"order-7\"").await);
    assert_eq!(buy_with(r"a\b").await, buy_with(r#""a\\b""#).await);
    let longest = "k".repeat(1024);
    assert_eq!(buy_with(&longest).await, buy_with(&format!("\"{longest}\"")).await);
    assert_eq!(version(&products, buy.strip_suffix("/buy").unwrap()).await, 4);
}

#[tokio::test]
async fn a_key_that_is_none_is_400_and_nothing_is_written() {
    let (server, products) = shop().await;
    let product = server.product(5).await;
    let buy = || server.post(&format!("{product}/buy"));
    let long = "k".repeat(1025);
    for key in
        ["", "\"\"", "two words", "\"open", "open\"\u{7f}", "ü", "\"a\"b", &long, &format!("\"{long}\"")]
    {
        // The client library refuses what the server has to.
        let Ok(key) = reqwest::header::HeaderValue::from_bytes(key.as_bytes()) else { continue };
        let refused = problem(buy().header("idempotency-key", key).send().await.unwrap(), 400).await;
        assert!(refused["detail"].as_str().unwrap().starts_with("Idempotency-Key "));
    }
    let twice = buy().header("idempotency-key", "a").header("idempotency-key", "a");
    let refused = problem(twice.send().await.unwrap(), 400).await;
    assert_eq!(refused["detail"], "Idempotency-Key is there more than once");
    assert_eq!(version(&products, &product).await, 1);
}

#[tokio::test]
async fn if_match_lets_through_what_names_the_version_and_nothing_else() {
    let (server, products) = shop().await;
    let product = server.product(9).await;
    let buy = |tags: &[&str]| {
        let request = server.post(&format!("{product}/buy"));
        tags.iter().fold(request, |request, tag| request.header("if-match", *tag)).send()
    };
    let passes: [&[&str]; 7] = [
        &["\"1\""],
        &["*"],
        &["\"99\", \"3\", \"1\""],
        &["\"1\"", "\"4\""],
        &["W/\"9\", \"5\""],
        &["\"not,ours\" , \"6\",, "],
        &[" \"7\" "],
    ];
    for (bought, tags) in (2..).zip(passes) {
        let response = buy(tags).await.unwrap();
        assert_eq!(response.status(), 200, "{tags:?}");
        assert_eq!(header(response.headers(), "etag"), format!("\"{bought}\""));
    }
    let fails: [&[&str]; 9] = [
        &["\"7\""],
        &["\"9\""],
        &["W/\"8\""],
        &["\"08\""],
        &["\"+8\""],
        &["\"0\""],
        &["\"\""],
        &["\"2\", \"3\""],
        &["\"99999999999999999999\"", "\"elsewhere\""],
    ];
    for tags in fails {
        let mismatch = problem(buy(tags).await.unwrap(), 412).await;
        assert_eq!(mismatch["type"], "urn:aws-event-sourcing:problem:version-mismatch");
        assert_eq!((&mismatch["version"], &mismatch["detail"]), (&json!(8), &json!("it is at version 8")));
    }
    for tags in [&["8"][..], &["\"8"], &[""], &["*, \"8\""], &["*", "\"8\""], &["w/\"8\""], &["\"8\" \"8\""]]
    {
        let refused = problem(buy(tags).await.unwrap(), 400).await;
        assert!(refused["detail"].as_str().unwrap().starts_with("If-Match has to be"), "{refused}");
    }
    assert_eq!(version(&products, &product).await, 8);
}

#[tokio::test]
async fn if_match_holds_for_a_resource_at_hand_too() {
    let (server, _) = shop().await;
    let product = server.product(9).await;
    let describe = |tag: &str| {
        let request = server.post(&format!("{product}/describe")).json(&json!({"text": "red"}));
        request.header("if-match", tag).send()
    };
    assert_eq!(describe("\"1\"").await.unwrap().status(), 200);
    problem(describe("\"1\"").await.unwrap(), 412).await;
    assert_eq!(describe("*").await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_is_to_be_created_matches_nothing() {
    let (server, products) = shop().await;
    for tag in ["\"1\"", "*", "\"0\""] {
        let create = server.post("/products").json(&json!({"amount": 1})).header("if-match", tag);
        assert_eq!(problem(create.send().await.unwrap(), 412).await["type"], "about:blank");
    }
    assert_eq!(products.find_all().count().await, 0);
}

#[tokio::test]
async fn if_none_match_of_a_write_can_only_ask_for_absence() {
    let (server, products) = shop().await;
    let create = server.post("/products").json(&json!({"amount": 1})).header("if-none-match", "*");
    let created = create.send().await.unwrap();
    assert_eq!(created.status(), 201);
    let product = header(created.headers(), "location").to_owned();
    let buy = |tag: &str| server.post(&format!("{product}/buy")).header("if-none-match", tag).send();
    problem(buy("*").await.unwrap(), 412).await;
    for tags in ["\"7\"", "7"] {
        problem(buy(tags).await.unwrap(), 400).await;
    }
    assert_eq!(version(&products, &product).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_requests_with_one_if_match_one_is_carried_out() {
    let shops = two_shops().await;
    let product = shops[0].0.product(100).await;
    for version in 1..=10 {
        let buy = |index: usize| {
            let request = shops[index % 2].0.post(&format!("{product}/buy"));
            request.header("if-match", format!("\"{version}\"")).send()
        };
        let responses: Vec<Response> =
            join_all((0..20).map(buy)).await.into_iter().map(Result::unwrap).collect();
        let count = |status: u16| responses.iter().filter(|response| response.status() == status).count();
        assert_eq!((count(200), count(412)), (1, 19));
    }
}

#[tokio::test]
async fn an_id_of_any_characters_leads_from_its_location_back_to_itself() {
    let (server, _) = shop().await;
    let ids = [
        "a/b",
        "50%",
        "%2F",
        "a b",
        "a+b",
        "a?b#c",
        "ünïcödé 🦀",
        "\"<>\\^`{|}",
        "a\u{0}\n",
        ";=&",
        "..a",
        "x%zz",
    ];
    let longest = "é".repeat(1024);
    for id in ids.into_iter().chain([&*longest]) {
        let create = server.post("/products").json(&json!({"id": id, "amount": 2}));
        let created = create.send().await.unwrap();
        assert_eq!(created.status(), 201, "{id}");
        let location = header(created.headers(), "location").to_owned();
        assert_eq!(location.matches('/').count(), 2, "{location}");
        for (request, version) in [
            (server.get(&location), 1),
            (server.post(&format!("{location}/buy")), 2),
            (server.get(&format!("{location}?version=2")), 2),
        ] {
            let product: Value = request.send().await.unwrap().json().await.unwrap();
            assert_eq!((&product["id"], &product["version"]), (&json!(id), &json!(version)), "{location}");
        }
        let events: Value =
            server.get(&format!("{location}/events")).send().await.unwrap().json().await.unwrap();
        assert_eq!(events.as_array().unwrap().len(), 2);
    }
    let listed: Vec<Value> = server.get("/products?limit=1000").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed.len(), 13);
    let missing = format!("/products/{}", "i".repeat(2049));
    problem(server.get(&missing).send().await.unwrap(), 404).await;
    let _: ResourceId = longest.into();
}

#[tokio::test]
async fn a_location_begins_with_the_path_of_the_request() {
    use aws_event_sourcing_http::{Created, Problem};
    use axum::{Router, extract::State, http::header::LOCATION, response::IntoResponse, routing::post};

    use crate::domain::{ProductEvent::ProductRestocked, api};

    async fn create(State(products): State<Repository<Product>>) -> Result<Created<Product>, Problem> {
        Ok(Created(products.create(ProductRestocked { amount: 1 }).id("a b").await?))
    }
    async fn elsewhere(products: State<Repository<Product>>) -> impl IntoResponse {
        ([(LOCATION, "/elsewhere")], create(products).await)
    }
    let store = || Repository::<Product>::new(MemoryStore::new());
    let own = Router::new()
        .route("/slash/", post(create).with_state(store()))
        .route("/own", post(elsewhere).with_state(store()));
    let root = Router::new().route("/", post(create).with_state(store()));
    let server = Server::start(root.nest("/v1/eu", own.merge(api(store())))).await;
    for (path, location) in [
        ("/", "/a%20b"),
        ("/v1/eu/slash/?x=1", "/v1/eu/slash/a%20b"),
        ("/v1/eu/own", "/elsewhere"),
        ("/v1/eu/products", "/v1/eu/products/a%20b"),
    ] {
        let created = server.post(path).json(&json!({"id": "a b", "amount": 1})).send().await.unwrap();
        assert_eq!(header(created.headers(), "location"), location);
    }
}

/// Who sent a request, as the layer of a service finds out that checks who they are.
#[derive(Clone)]
struct Customer(String);

/// The shop, which knows its customers by a token, and whose the keys are.
async fn shop_with_customers() -> (Server, Repository<Product>) {
    let products = Repository::new(MemoryStore::new());
    let identify = |mut request: Request, next: Next| async move {
        let token = request.headers().get("authorization").and_then(|token| token.to_str().ok());
        let customer =
            token.and_then(|token| token.strip_prefix("Bearer ")).map(|token| Customer(token.into()));
        if let Some(customer) = customer {
            request.extensions_mut().insert(customer);
        }
        next.run(request).await
    };
    let settings = Settings {
        idempotency_scope: Some(IdempotencyScope::of(|request| {
            request.extensions.get::<Customer>().map(|customer| customer.0.clone())
        })),
        ..Settings::default()
    };
    let router = api(products.clone()).layer(from_fn(identify));
    (Server::start_with(router, &settings).await, products)
}

#[tokio::test]
async fn equal_keys_of_two_customers_are_two_keys() {
    let (server, products) = shop_with_customers().await;
    let create = |customer: &str, key: &str, amount: u32| {
        let request = server.post("/products").bearer_auth(customer).header("idempotency-key", key);
        request.json(&json!({ "amount": amount }))
    };
    let (north, south) = (answer(create("north", "1", 5)).await, answer(create("south", "1", 7)).await);
    assert_eq!((north.0.as_u16(), south.0.as_u16()), (201, 201));
    assert_ne!(north.2, south.2);
    for (customer, amount, first) in [("north", 5, &north), ("south", 7, &south)] {
        assert_eq!(answer(create(customer, "1", amount)).await, *first);
        problem(create(customer, "1", amount + 1).send().await.unwrap(), 422).await;
    }

    // To one product, too; and what the history shows of a customer is no key for anybody else.
    let product = north.2.unwrap();
    let buy = |customer: &str, key: &str| {
        answer(server.post(&format!("{product}/buy")).bearer_auth(customer).header("idempotency-key", key))
    };
    let (mine, yours) = (buy("north", "2").await, buy("south", "2").await);
    assert_eq!((&*mine.1, &*yours.1), ("\"2\"", "\"3\""));
    assert_eq!((buy("north", "2").await, buy("south", "2").await), (mine, yours));
    let commits: Vec<_> =
        products.events(id(&product)).map_ok(|event| event.commit.to_string()).try_collect().await.unwrap();
    for (version, commit) in (4..).zip(&commits[1..]) {
        assert_eq!(buy("east", commit).await.1, format!("\"{version}\""));
        assert!(!commit.contains("north") && !commit.contains("south"), "{commit}");
    }
}

#[tokio::test]
async fn a_refused_request_is_judged_anew_with_its_key() {
    let (server, _) = shop_with_customers().await;
    let product = answer(server.post("/products").json(&json!({"amount": 1}))).await.2.unwrap();
    let buy = || {
        let request =
            server.post(&format!("{product}/buy")).bearer_auth("north").header("idempotency-key", "1");
        request.json(&json!({"amount": 2}))
    };
    problem(buy().send().await.unwrap(), 409).await;
    answer(server.post(&format!("{product}/restock")).json(&json!({"amount": 1}))).await;
    let bought = answer(buy()).await;
    assert_eq!((bought.0.as_u16(), answer(buy()).await), (200, bought));
}

#[tokio::test]
async fn a_key_of_nobody_or_beyond_what_its_scope_leaves_is_400() {
    let (server, products) = shop_with_customers().await;
    let product = answer(server.post("/products").json(&json!({"amount": 5}))).await.2.unwrap();
    let buy = |key: &str| server.post(&format!("{product}/buy")).header("idempotency-key", key);
    let refused = problem(buy("1").send().await.unwrap(), 400).await;
    assert_eq!(refused["detail"], "Idempotency-Key is taken only from clients that the service knows");
    let long = buy(&"k".repeat(987)).bearer_auth("north").send().await.unwrap();
    let refused = problem(long, 400).await;
    assert_eq!(refused["detail"], "Idempotency-Key is 987 bytes long; the limit is 986");
    let empty = buy("\"\"").bearer_auth("north").send().await.unwrap();
    assert_eq!(problem(empty, 400).await["detail"], "Idempotency-Key is empty");
    assert_eq!(version(&products, &product).await, 1);
    let longest = buy(&"k".repeat(986)).bearer_auth("north".repeat(200)).send().await.unwrap();
    assert_eq!(longest.status(), 200);
}
