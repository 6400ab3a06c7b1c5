//! A path with a slash at its end.

use aws_event_sourcing_http::{Settings, harden};
use axum::{
    Router,
    http::StatusCode,
    response::IntoResponse,
    routing::{any, get, post},
};
use reqwest::{Method, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::server::{Server, header, problem, shop};

/// Follows nothing.
async fn ask(server: &Server, method: Method, path: &str) -> Response {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    client.request(method, format!("http://{}{path}", server.address)).send().await.unwrap()
}

#[tokio::test]
async fn leads_to_the_one_without() {
    let (server, _) = shop().await;
    for (method, path, location) in [
        (Method::GET, "/products/", "/products"),
        (Method::HEAD, "/products/", "/products"),
        (Method::POST, "/products/", "/products"),
        (Method::DELETE, "/products/", "/products"),
        (Method::GET, "/products///", "/products"),
        (Method::GET, "/products/?limit=1&after=%20", "/products?limit=1&after=%20"),
        (Method::GET, "/products/a%2Fb/", "/products/a%2Fb"),
        (Method::GET, "/products/7/events/?after=1", "/products/7/events?after=1"),
        (Method::POST, "/products/7/buy/", "/products/7/buy"),
    ] {
        let response = ask(&server, method, path).await;
        assert_eq!(
            (response.status().as_u16(), header(response.headers(), "location")),
            (308, location),
            "{path}"
        );
        assert!(response.headers().contains_key("x-request-id"));
    }
    let created = server.post("/products/").json(&json!({"amount": 3})).send().await.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.json::<Value>().await.unwrap()["quantity"], 3);
}

#[tokio::test]
async fn leads_nowhere_where_there_is_nothing() {
    let (server, _) = shop().await;
    for path in ["/", "/nowhere/", "/products/7/sell/", "//", "///"] {
        problem(ask(&server, Method::GET, path).await, 404).await;
    }
}

#[tokio::test]
async fn never_leads_to_another_host() {
    let everything = || any(|| async {});
    let router = Router::new()
        .route("/{a}", everything())
        .nest("/{a}", Router::new().route("/{b}", everything()).route("/{b}/{c}", everything()));
    let server = Server::start(router).await;
    for path in ["//other.example/", "///other.example/", "/\\other.example/", "//other.example/%2e%2e/"] {
        let answer = server
            .say(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
        assert!(location.is_none_or(|to| to.starts_with("/%5C")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn belongs_to_who_has_a_route_for_it() {
    let router = Router::new()
        .route("/docs/", get(|| async { "with" }))
        .route("/files/{*path}", get(|| async { "file" }))
        .route("/both", get(|| async { "without" }))
        .route("/both/", get(|| async { "with" }))
        .nest_service("/pages", any(|| async { (StatusCode::NOT_FOUND, "no page").into_response() }))
        .route("/command", post(|| async {}))
        .fallback(|| async { "fallback" });
    let server = Server::start(router).await;
    for (path, status, text) in [
        ("/docs/", 200, "with"),
        ("/docs", 200, "fallback"),
        ("/files/a/", 200, "file"),
        ("/both/", 200, "with"),
        ("/both", 200, "without"),
        ("/elsewhere/", 200, "fallback"),
        ("/pages/a/", 404, "no page"),
        ("/command/", 308, ""),
    ] {
        let response = ask(&server, Method::GET, path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.text().await.unwrap().contains(text), "{path}");
    }
}

#[tokio::test]
async fn keeps_what_stands_before_the_router() {
    let inner = harden(Router::new().route("/products", get(|| async { "here" })), &Settings::default());
    let server = Server::start(Router::new().nest("/v1", inner)).await;
    let response = ask(&server, Method::GET, "/v1/products/?a=b").await;
    assert_eq!(
        (response.status().as_u16(), header(response.headers(), "location")),
        (308, "/v1/products?a=b")
    );
}
