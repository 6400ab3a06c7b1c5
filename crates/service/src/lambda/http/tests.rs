//! The documented events as requests, and the answers to them.

mod framing;
mod sender;

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use aws_event_sourcing_core::TraceParent;
use aws_event_sourcing_http::Path;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, OriginalUri},
    http::{HeaderMap, Method, Uri},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{any, get},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::lambda::fixture::{Fixture, event};

/// What a request was, as an answer.
async fn echo(
    method: Method,
    uri: Uri,
    OriginalUri(original): OriginalUri,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()])).collect();
    let echo = json!({
        "method": method.as_str(),
        "uri": uri.to_string(),
        "original": original.to_string(),
        "client": client.to_string(),
        "headers": headers,
        "body": body.to_vec(),
        "trace": TraceParent::current().map(|trace| trace.to_string()),
    });
    axum::Json(echo).into_response()
}

fn echoing() -> Fixture {
    Fixture::of_api(Router::new().fallback(any(echo)))
}

/// What the router saw of one of the documented requests.
async fn seen(name: &str) -> Value {
    let answer = echoing().answer(&event(name)).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)), "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// The values of a header that the router saw.
fn values<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let lines = seen["headers"].as_array().unwrap().iter();
    lines.filter(|line| line[0] == name).map(|line| line[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_router_sees_what_it_would_see_on_a_laptop() {
    for (name, method, uri, original) in [
        (
            "rest-api",
            "GET",
            "/products?limit=2&tag=1%2B1%3D2%20%26%20%C3%BC&tag=%2541",
            "/dev/products?limit=2&tag=1%2B1%3D2%20%26%20%C3%BC&tag=%2541",
        ),
        ("rest-api-domain", "POST", "/products", "/products"),
        ("rest-api-mapping", "GET", "/products/a%2Fb%20c", "/v1/catalog/products/a%2Fb%20c"),
        ("http-api-1.0", "GET", "/products/a/b%20c%2541", "/dev/products/a/b%20c%2541"),
        ("http-api", "POST", "/products", "/products"),
        (
            "http-api-stage",
            "GET",
            "/products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541",
            "/dev/products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541",
        ),
        (
            "http-api-mapping",
            "GET",
            "/products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541",
            "/catalog/products/a/b%20c%2541?limit=2&tag=1%2B1&tag=%2541",
        ),
        ("function-url", "POST", "/products/a%2Fb%20c", "/products/a%2Fb%20c"),
        ("alb", "GET", "/products/a%2Fb?limit=2&tag=%2541%20%26", "/products/a%2Fb?limit=2&tag=%2541%20%26"),
        (
            "alb-multi-value",
            "GET",
            "/products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
            "/products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
        ),
        (
            "vpc-lattice-1",
            "GET",
            "/products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
            "/products/a%2Fb?limit=2&tag=1%2B1&tag=%2541%20%26",
        ),
        ("vpc-lattice-2", "POST", "/products?limit=2", "/products?limit=2"),
    ] {
        let seen = seen(name).await;
        assert_eq!(seen["method"], method, "{name}");
        assert_eq!(seen["uri"], uri, "{name}");
        assert_eq!(seen["original"], original, "{name}");
        assert_eq!(seen["client"], "203.0.113.7:0", "{name}");
    }
}

#[tokio::test]
async fn headers_keep_all_their_values_and_bodies_their_bytes() {
    let rest = seen("rest-api").await;
    assert_eq!(values(&rest, "x-tag"), ["one", "two"]);
    assert_eq!(values(&rest, "cookie"), ["a=1; b=2"]);
    let http = seen("http-api").await;
    assert_eq!(values(&http, "cookie"), ["a=1; b=2"]);
    assert_eq!(values(&http, "idempotency-key"), ["k-1"]);
    assert_eq!(http["body"], json!(b"{\"amount\": 5}"));
    assert_eq!(seen("function-url").await["body"], json!(b"\x00\xff\xfe{}"));
    assert_eq!(values(&seen("alb").await, "x-tag"), ["two"]);
    assert_eq!(values(&seen("alb-multi-value").await, "x-tag"), ["one", "two"]);
    assert_eq!(values(&seen("vpc-lattice-1").await, "x-tag"), ["one,two"]);
    let lattice = seen("vpc-lattice-2").await;
    assert_eq!(values(&lattice, "x-tag"), ["one", "two"]);
    assert_eq!(lattice["body"], json!(b"{\"amount\": 5}"));
}

/// No path of VPC Lattice's examples has a query, and it is not said that it cannot come without.
#[tokio::test]
async fn parameters_that_are_not_in_the_path_are_of_the_query() {
    for (name, path, uri) in [
        ("vpc-lattice-1", "raw_path", "/products?limit=2&tag=1%2B1"),
        ("vpc-lattice-2", "path", "/products?limit=2"),
    ] {
        let mut request = event(name);
        request[path] = "/products".into();
        let answer = echoing().answer(&request).await.unwrap();
        let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(seen["uri"], uri, "{name}");
    }
}

#[tokio::test]
async fn a_load_balancer_that_asks_for_itself_is_answered() {
    let mut check = event("alb");
    check["path"] = "/".into();
    check["queryStringParameters"] = json!({});
    check["headers"] = json!({ "user-agent": "ELB-HealthChecker/2.0" });
    let answer = echoing().answer(&check).await.unwrap();
    let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!((&seen["uri"], &seen["client"]), (&json!("/"), &json!("0.0.0.0:0")));
}

#[tokio::test]
async fn a_path_is_decoded_once() {
    async fn id(Path(id): Path<String>) -> String {
        id
    }

    let api = Router::new().route("/products/{id}", any(id));
    let answer = Fixture::of_api(api.clone()).answer(&event("function-url")).await.unwrap();
    assert_eq!(answer["body"], "a/b c");
    let mut decoded = event("http-api");
    decoded["rawPath"] = "/products/100%41 ü?#".into();
    assert_eq!(Fixture::of_api(api).answer(&decoded).await.unwrap()["body"], "100%41 ü?#");
}

#[tokio::test]
async fn a_stage_is_taken_away_where_it_is_one() {
    for (stage, domain, path, uri, original) in [
        ("dev", "id.execute-api.us-east-1.amazonaws.com", "/dev", "/", "/dev/"),
        ("dev", "id.execute-api.us-east-1.amazonaws.com", "/dev/", "/", "/dev/"),
        ("dev", "id.execute-api.us-east-1.amazonaws.com", "/developers", "/developers", "/developers"),
        ("products", "shop.example.com", "/products/7", "/products/7", "/products/7"),
        ("$default", "id.execute-api.us-east-1.amazonaws.com", "/$default/7", "/$default/7", "/$default/7"),
    ] {
        let mut request = event("http-api");
        request["rawPath"] = path.into();
        request["requestContext"]["stage"] = stage.into();
        request["requestContext"]["domainName"] = domain.into();
        let answer = echoing().answer(&request).await.unwrap();
        let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&seen["uri"], &seen["original"]), (&json!(uri), &json!(original)), "{path}");
    }
    for (client_path, original) in [("/dev", "/dev/"), ("/dev/", "/dev/"), ("/", "/")] {
        let mut request = event("rest-api-domain");
        request["path"] = "/".into();
        request["requestContext"]["path"] = client_path.into();
        let answer = echoing().answer(&request).await.unwrap();
        let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&seen["uri"], &seen["original"]), (&json!("/"), &json!(original)), "{client_path}");
    }
}

/// What the router of a service with that base path saw of a request.
async fn seen_at(base_path: &str, name: &str, path: Option<(&str, &str)>) -> (String, String) {
    let mut request = event(name);
    if let Some((member, path)) = path {
        request[member] = path.into();
    }
    let answer = echoing().at(base_path).answer(&request).await.unwrap();
    let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let text = |member: &str| seen[member].as_str().unwrap().to_owned();
    (text("uri"), text("original"))
}

#[tokio::test]
async fn a_base_path_is_known_by_the_setting_where_the_event_does_not_tell() {
    for (base_path, name, path, uri, original) in [
        // The route `$default` has no parameters, and neither has what is in front of a function without an API.
        ("/catalog", "http-api", Some(("rawPath", "/catalog/products")), "/products", "/catalog/products"),
        ("/my%20shop", "http-api", Some(("rawPath", "/my shop/a b")), "/a%20b", "/my%20shop/a%20b"),
        ("/catalog", "function-url", Some(("rawPath", "/catalog/p/a%2Fb")), "/p/a%2Fb", "/catalog/p/a%2Fb"),
        (
            "/products",
            "vpc-lattice-1",
            Some(("raw_path", "/products/products?a=b")),
            "/products?a=b",
            "/products/products?a=b",
        ),
        // What somebody on the way has taken away is in the links all the same.
        ("/catalog", "http-api", None, "/products", "/catalog/products"),
        // What is routed by an API is not taken away twice, and what clients see is what the setting says.
        ("/products", "rest-api-domain", None, "/products", "/products/products"),
        ("/shop", "http-api-1.0", None, "/products/a/b%20c%2541", "/shop/products/a/b%20c%2541"),
        ("/", "rest-api-mapping", None, "/products/a%2Fb%20c", "/products/a%2Fb%20c"),
    ] {
        let seen = seen_at(base_path, name, path).await;
        assert_eq!(seen, (uri.to_owned(), original.to_owned()), "{base_path} {name}");
    }
}

#[tokio::test]
async fn a_request_has_the_trace_and_the_id_of_its_invocation_unless_it_brings_its_own() {
    let seen = seen("http-api").await;
    let trace = seen["trace"].as_str().unwrap();
    assert!(trace.starts_with("00-5bdb40ca556d8b0c50dc66f0511bf520-"), "{trace}");
    assert_eq!(values(&seen, "x-request-id"), ["8476a536-e9f4-11e8-9739-2dfe598c3fcd"]);

    let mut traced = event("http-api");
    traced["headers"]["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into();
    traced["headers"]["x-request-id"] = "mine".into();
    let answer = echoing().answer(&traced).await.unwrap();
    assert!(answer["body"].as_str().unwrap().contains("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{answer}");
    assert_eq!(answer["headers"]["x-request-id"], "mine");
}

/// An answer with what is hard to write.
async fn cookies() -> Response {
    let headers =
        AppendHeaders([("set-cookie", "a=1, 2"), ("set-cookie", "b=2"), ("link", "<1>"), ("link", "<2>")]);
    (headers, vec![0xff_u8, 0, 1]).into_response()
}

#[tokio::test]
async fn an_answer_is_written_as_each_of_them_reads_it() {
    let function = Fixture::of_api(Router::new().fallback(get(cookies)));
    let answer = |name: &'static str| {
        let function = &function;
        async move {
            let mut request = event(name);
            if request["requestContext"]["http"].is_object() {
                request["requestContext"]["http"]["method"] = "GET".into();
            }
            let answer = function.answer(&request).await.unwrap();
            assert_eq!(
                (&answer["statusCode"], &answer["body"]),
                (&json!(200), &json!("/wAB")),
                "{name}: {answer}"
            );
            assert_eq!(answer["isBase64Encoded"], true, "{name}");
            answer
        }
    };
    let version1 = answer("rest-api").await;
    assert_eq!(version1["multiValueHeaders"]["set-cookie"], json!(["a=1, 2", "b=2"]));
    assert_eq!(version1["multiValueHeaders"]["link"], json!(["<1>", "<2>"]));
    let version2 = answer("http-api").await;
    assert_eq!(version2["cookies"], json!(["a=1, 2", "b=2"]));
    assert_eq!(
        (&version2["headers"]["link"], &version2["headers"]["set-cookie"]),
        (&json!("<1>, <2>"), &Value::Null)
    );
    let single = answer("alb").await;
    assert_eq!(single["statusDescription"], "200 OK");
    assert_eq!(
        (&single["headers"]["set-cookie"], &single["headers"]["link"]),
        (&json!("b=2"), &json!("<1>, <2>"))
    );
    let multiple = answer("alb-multi-value").await;
    assert_eq!(multiple["multiValueHeaders"]["set-cookie"], json!(["a=1, 2", "b=2"]));
    assert_eq!(multiple["headers"], Value::Null);
}

/// As many bytes, in several parts.
fn stream_of(byte: &'static [u8], bytes: usize) -> Body {
    let parts = stream::iter(0..bytes / (64 * 1024)).map(move |_| byte.repeat(64 * 1024));
    Body::from_stream(parts.map(Ok::<_, Infallible>))
}

#[tokio::test]
async fn an_answer_is_packed_where_it_arrives_as_it_is() {
    // Larger than what Lambda carries, and much smaller when it is packed.
    let long = async || ([("etag", "\"3\"")], "x".repeat(20 << 20));
    let function = Fixture::of_api(Router::new().fallback(get(long)));
    for (name, is_packed) in [
        ("http-api", true),
        ("function-url", true),
        ("alb", true),
        ("alb-multi-value", true),
        ("rest-api", false),
        ("http-api-1.0", false),
    ] {
        let mut request = event(name);
        if request["requestContext"]["http"].is_object() {
            request["requestContext"]["http"]["method"] = "GET".into();
        }
        for headers in ["headers", "multiValueHeaders"] {
            if let Some(headers) = request[headers].as_object_mut() {
                let values = headers.values().next().is_some_and(Value::is_array);
                let value = if values { json!(["br, gzip"]) } else { json!("br, gzip") };
                headers.insert("accept-encoding".to_owned(), value);
            }
        }
        let answer = function.answer(&request).await.unwrap();
        assert_eq!(answer["isBase64Encoded"], is_packed, "{name}");
        assert_eq!(answer["statusCode"], if is_packed { 200 } else { 500 }, "{name}");
        let headers = [&answer["headers"], &answer["multiValueHeaders"]].map(Value::to_string).concat();
        assert_eq!(
            headers.contains(r#""content-encoding":"gzip""#)
                || headers.contains(r#""content-encoding":["gzip"]"#),
            is_packed,
            "{name}: {headers}"
        );
        assert_eq!(headers.contains(r#"\"3-gzip\""#), is_packed, "{name}: {headers}");
    }
}

#[tokio::test]
async fn an_answer_that_lambda_cannot_carry_is_a_problem() {
    let api = Router::new()
        .route("/text", get(async || stream_of(b"x", 5 << 20)))
        .route("/quotes", get(async || stream_of(b"\"", 4 << 20)))
        .route("/binary", get(async || stream_of(b"\xff", 5 << 20)))
        .route("/large", get(async || stream_of(b"x", 6 << 20)))
        .route("/head", get(async || ([("x-large", "\"".repeat(1 << 20))], stream_of(b"x", 5 << 20))))
        .route("/broken", get(async || Body::from_stream(stream::iter([Ok("a"), Err("lost")]))));
    let function = Fixture::of_api(api);
    for (name, path, status, text) in [
        ("http-api", "/text", 200, "xxx"),
        ("http-api", "/quotes", 500, "6 MB"),
        ("http-api", "/binary", 500, "6 MB"),
        ("http-api", "/large", 500, "6 MB"),
        ("http-api", "/head", 500, "6 MB"),
        ("vpc-lattice-1", "/text", 200, "xxx"),
        ("vpc-lattice-1", "/large", 500, "6 MB"),
        ("alb", "/text", 500, "1 MB"),
        ("http-api", "/broken", 500, "its log has the reason"),
    ] {
        let mut request = event(name);
        let place = match name {
            "alb" => "path",
            "vpc-lattice-1" => "raw_path",
            _ => "rawPath",
        };
        request[place] = path.into();
        if name == "http-api" {
            request["requestContext"]["http"]["method"] = "GET".into();
        }
        let answer = function.answer(&request).await.unwrap();
        let body = answer["body"].as_str().unwrap();
        let start: String = body.chars().take(300).collect();
        assert_eq!(answer["statusCode"], status, "{name} {path}: {start}");
        assert!(start.contains(text), "{name} {path}: {start}");
        if status == 500 {
            assert_eq!(answer["headers"]["content-type"], "application/problem+json");
            let problem: Value = serde_json::from_str(body).unwrap();
            assert_eq!(problem["instance"], path);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_problem_before_the_invocation_is_cut_off() {
    async fn late_head() {
        tokio::time::sleep(Duration::from_secs(28)).await;
    }

    async fn late_body() -> Body {
        Body::from_stream(stream::once(async { Ok::<_, Infallible>("a") }).chain(stream::pending()))
    }

    let api = Router::new().route("/head", get(late_head)).route("/body", get(late_body));
    let function = Fixture::of_api(api);
    for (path, time, status) in [("/head", 29_000, 200), ("/head", 28_400, 503), ("/body", 3_000, 503)] {
        let mut request = event("alb");
        request["path"] = path.into();
        let begun = tokio::time::Instant::now();
        let answer = function.answer_within(Duration::from_millis(time), &request).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{path}: {answer}");
        assert!(begun.elapsed() <= Duration::from_millis(time - 499), "{path}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_an_error_that_says_why() {
    let function = echoing();
    for (member, value, why) in [
        ("body", json!("§"), "cannot read a request: Invalid symbol"),
        ("rawPath", json!(7), "cannot read a request: invalid type"),
    ] {
        let mut request = event("function-url");
        request[member] = value;
        let error = function.answer(&request).await.unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
}
