//! What a body may look like for the type that it is read as: a struct is an object.

use std::collections::BTreeMap;

use aws_event_sourcing_http::Json;
use axum::{Router, routing::post};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::server::{Server, problem};

#[derive(Debug, Deserialize)]
struct Amount {
    amount: u32,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Empty {}

#[derive(Debug, Deserialize)]
struct Unit;

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Pair(u32, u32);

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Newtype(Amount);

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read")]
enum Order {
    Nothing,
    Of(Amount),
    Pair(u32, Amount),
    Exactly { amount: u32 },
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "only read")]
struct Everything {
    one: Option<Amount>,
    many: Vec<Amount>,
    named: BTreeMap<u32, Amount>,
    pair: (u32, Option<Amount>),
    boxed: Option<Box<Amount>>,
    order: Option<Order>,
    raw: Option<Box<RawValue>>,
    any: serde_json::Value,
}

impl Default for Everything {
    fn default() -> Self {
        Self {
            one: None,
            many: Vec::new(),
            named: BTreeMap::new(),
            pair: (0, None),
            boxed: None,
            order: None,
            raw: None,
            any: serde_json::Value::Null,
        }
    }
}

/// Whether each body is taken.
async fn taken<T: DeserializeOwned + std::fmt::Debug + Send + 'static>(bodies: &[(&'static str, bool)]) {
    let router = Router::new().route("/", post(|Json(value): Json<T>| async move { format!("{value:?}") }));
    let server = Server::start(router).await;
    for (body, is_taken) in bodies {
        let request = server.post("/").header("content-type", "application/json").body(*body);
        let response = request.send().await.unwrap();
        if *is_taken {
            assert_eq!(response.status(), 200, "{body}");
        } else {
            let told = problem(response, 400).await;
            assert!(told["detail"].as_str().unwrap().starts_with("the body"), "{body}: {told}");
        }
    }
}

#[tokio::test]
async fn a_struct_is_no_array_of_its_fields() {
    taken::<Amount>(&[
        ("{\"amount\": 2}", true),
        ("[2]", false),
        ("[]", false),
        ("2", false),
        ("null", false),
    ])
    .await;
    taken::<Empty>(&[("{}", true), ("{\"x\": 1}", true), ("[]", false), ("null", false)]).await;
    taken::<Newtype>(&[("{\"amount\": 2}", true), ("[2]", false), ("[[2]]", false)]).await;
    taken::<Option<Amount>>(&[("{\"amount\": 2}", true), ("null", true), ("[2]", false)]).await;
    taken::<Vec<Amount>>(&[("[{\"amount\": 2}]", true), ("[[2]]", false), ("[2]", false)]).await;
}

#[tokio::test]
async fn what_is_an_array_stays_one() {
    taken::<Pair>(&[("[1, 2]", true), ("[1]", false), ("[1, 2, 3]", false), ("{\"0\": 1, \"1\": 2}", false)])
        .await;
    taken::<Vec<u32>>(&[("[]", true), ("[1]", true), ("{}", false)]).await;
    taken::<Unit>(&[("null", true), ("[]", false), ("{}", false)]).await;
    taken::<Box<RawValue>>(&[("[2]", true), ("{\"a\": [2]}", true)]).await;
    taken::<serde_json::Value>(&[("[2]", true), ("{\"a\": [2]}", true)]).await;
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
    taken::<u32>(&[("5.0", true), ("5e0", true), ("0.0", true), ("-0.0", true), ("4294967295.0", true)])
        .await;
    taken::<u32>(&[
        ("5.5", false),
        ("-5.0", false),
        ("4294967296.0", false),
        ("1e300", false),
        ("\"5\"", false),
    ])
    .await;
    taken::<i64>(&[("-5.0", true), ("9007199254740991.0", true), ("9007199254740993.0", false)]).await;
    taken::<Amount>(&[("{\"amount\": 2.0}", true), ("{\"amount\": 2.5}", false)]).await;
    taken::<f64>(&[("5.0", true), ("5", true)]).await;
}

#[tokio::test]
async fn a_struct_is_an_object_wherever_it_is() {
    taken::<Everything>(&[
        ("{}", true),
        (
            "{\"one\": {\"amount\": 1}, \"many\": [{\"amount\": 1}], \"named\": {\"7\": {\"amount\": 1}}}",
            true,
        ),
        ("{\"pair\": [1, {\"amount\": 1}], \"boxed\": {\"amount\": 1}, \"raw\": [2], \"any\": [2]}", true),
        ("{\"order\": \"Nothing\"}", true),
        ("{\"order\": {\"Of\": {\"amount\": 1}}}", true),
        ("{\"order\": {\"Pair\": [1, {\"amount\": 1}]}}", true),
        ("{\"order\": {\"Exactly\": {\"amount\": 1}}}", true),
        ("{\"one\": [1]}", false),
        ("{\"many\": [[1]]}", false),
        ("{\"named\": {\"7\": [1]}}", false),
        ("{\"pair\": [1, [1]]}", false),
        ("{\"boxed\": [1]}", false),
        ("{\"order\": {\"Of\": [1]}}", false),
        ("{\"order\": {\"Pair\": [1, [1]]}}", false),
        ("{\"order\": {\"Exactly\": [1]}}", false),
        ("[null, [], {}, [0, null], null, null, null, null]", false),
    ])
    .await;
    assert_eq!(serde_json::from_str::<Amount>("[2]").unwrap().amount, 2, "what serde does by itself");
}
