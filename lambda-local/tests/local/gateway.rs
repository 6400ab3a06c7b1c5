//! Requests become calls of a function, and its answers become theirs.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::common::function;
use futures_util::future::join_all;
use lambda_local::{Api, Builder, Error, Gateway};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn gateway(builder: Builder, api: Api) -> Gateway {
    let function = Arc::new(builder.build().expect("a function"));
    Gateway::start(function, api, 0).await.expect("a gateway")
}

fn request(gateway: &Gateway, method: Method, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.request(method, format!("{}{path}", gateway.url()))
}

async fn send(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_an_http_api_is_a_call_in_version_2() {
    let gateway = gateway(function(), Api::Http).await;
    let request = request(&gateway, Method::POST, "/a/b?c=d").header("cookie", "e=f").json(&json!({"g": 1}));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    let answer: Value = answer.json().await.expect("JSON");
    let event = &answer["event"];
    assert_eq!(
        (&event["version"], &event["rawPath"], &event["rawQueryString"]),
        (&json!("2.0"), &json!("/a/b"), &json!("c=d"))
    );
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!((&event["cookies"], &answer["answer"]), (&json!(["e=f"]), &json!({"g": 1})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_a_rest_api_is_a_call_in_version_1() {
    let gateway = gateway(function(), Api::Rest).await;
    let (status, answer) = send(request(&gateway, Method::PUT, "/a?b=c").body(r#"{"d":1}"#)).await;
    assert_eq!((status.as_u16(), &answer["answer"]), (200, &json!({"d": 1})));
    let event = &answer["event"];
    assert_eq!((&event["httpMethod"], &event["path"]), (&json!("PUT"), &json!("/a")));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"b": ["c"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_brings_the_trace_of_its_request_and_its_deadline() {
    let gateway = gateway(function().timeout(Duration::from_secs(20)), Api::Http).await;
    let mut parents = BTreeSet::new();
    for root in ["1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272794"] {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
        let traced = request(&gateway, Method::GET, "/").header("x-amzn-trace-id", format!("Root={root}"));
        let (_, answer) = send(traced).await;
        let trace = answer["trace"].as_str().expect("a trace");
        let parent = trace.strip_prefix(&format!("Root={root};Parent=")).expect("its own").to_owned();
        assert!(parents.insert(parent), "{trace}");
        let deadline = u128::from(answer["deadline"].as_u64().expect("a time"));
        assert!((begun..begun + 40_000).contains(&deadline), "{begun} {deadline}");
    }
    // Who brings none gets one.
    let (_, answer) = send(request(&gateway, Method::GET, "/")).await;
    assert!(answer["trace"].as_str().is_some_and(|trace| trace.starts_with("Root=1-")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_domain_of_ones_own_a_mapping_is_part_of_the_path() {
    for (api, path, status) in [(Api::Http, "rawPath", 404), (Api::Rest, "path", 403)] {
        let function = Arc::new(function().build().expect("a function"));
        let gateway = Gateway::mapped("/v1/catalog", function, api, 0).await.expect("a gateway");
        let (_, answer) = send(request(&gateway, Method::GET, "/products/7")).await;
        let event = &answer["event"];
        assert_eq!(event[path], "/v1/catalog/products/7");
        assert_eq!(event["pathParameters"], json!({"proxy": "products/7"}));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let elsewhere = client.get(format!("http://{}/v1/catalogue", gateway.address()));
        assert_eq!(send(elsewhere).await.0, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_fails_at_is_answered_as_api_gateway_does() {
    for (api, status, text) in
        [(Api::Http, 500, "Internal Server Error"), (Api::Rest, 502, "Internal server error")]
    {
        let gateway = gateway(function().timeout(Duration::from_secs(1)), api).await;
        for order in [json!({"fail": "on purpose"}), json!({"exit": 1}), json!({"sleep": 60_000})] {
            let (answered, body) = send(request(&gateway, Method::POST, "/").json(&order)).await;
            assert_eq!((answered.as_u16(), &body), (status, &json!({ "message": text })), "{order}");
        }
        let (answered, _) = send(request(&gateway, Method::POST, "/").body(vec![b'x'; 7 << 20])).await;
        assert_eq!(answered, 413);
        let (answered, _) = send(request(&gateway, Method::GET, "/")).await;
        assert_eq!(answered, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_answered_by_several_processes() {
    let gateway = gateway(function().instances(4), Api::Http).await;
    // Each takes longer than all processes need to start.
    let order = json!({"sleep": 1_000});
    let answers = (0..4).map(|_| send(request(&gateway, Method::POST, "/").json(&order)));
    let answers = join_all(answers).await;
    let processes: BTreeSet<_> =
        answers.iter().filter_map(|(_, answer)| answer["process"].as_u64()).collect();
    assert_eq!(processes.len(), 4);
    let more = join_all((0..64).map(|_| send(request(&gateway, Method::GET, "/")))).await;
    assert!(more.iter().all(|(status, _)| status.is_success()));
    let all = answers.iter().chain(&more).filter_map(|(_, answer)| answer["process"].as_u64());
    assert_eq!(all.collect::<BTreeSet<_>>(), processes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_dropped_does_not_answer() {
    let gateway = gateway(function(), Api::Http).await;
    let port = gateway.address().port();
    let function = Arc::new(function().build().expect("a function"));
    let taken = Gateway::start(Arc::clone(&function), Api::Http, port).await.expect_err("the port is taken");
    assert!(matches!(taken, Error::PortInUse(refused) if refused == port), "{taken}");
    drop(gateway);
    loop {
        // The task that listens ends in a moment.
        match Gateway::start(Arc::clone(&function), Api::Http, port).await {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, Error::PortInUse(_)), "{error}"),
        }
        tokio::task::yield_now().await;
    }
}
