//! A router that knows nothing of this crate: what `harden` makes of its errors, and what it leaves alone.

use std::time::Duration;

use aws_event_sourcing_http::Problem;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query},
    http::StatusCode,
    middleware::map_response,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    log::Log,
    server::{Server, header, problem},
};

#[derive(Deserialize)]
struct Number {
    number: u32,
}

async fn foreign() -> Server {
    let router = Router::new()
        .route("/json", post(|Json(Number { number }): Json<Number>| async move { number.to_string() }))
        .route("/query", get(|Query(Number { number }): Query<Number>| async move { number.to_string() }))
        .route("/path/{number}", get(|Path(number): Path<u32>| async move { number.to_string() }))
        .route(
            "/empty/{status}",
            get(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }),
        )
        .route(
            "/text/{status}",
            get(|Path(status): Path<u16>| async move {
                (
                    StatusCode::from_u16(status).unwrap(),
                    [("retry-after", "7"), ("x-own", "kept")],
                    "password=hunter2",
                )
            }),
        );
    Server::start(router).await
}

#[tokio::test]
async fn the_rejections_of_axum_become_problems() {
    let server = foreign().await;
    let post = |body: &'static str| {
        server.post("/json").header("content-type", "application/json").body(body).send()
    };
    for (response, status, detail) in [
        (post("{").await, 400, "EOF while parsing"),
        (post("{\"number\": \"x\"}").await, 422, "number: invalid type"),
        (server.post("/json").body("1").send().await, 415, "application/json"),
        (server.get("/query?number=x").send().await, 400, "number: invalid digit"),
        (server.get("/path/x").send().await, 400, "Cannot parse `x`"),
        (server.get("/empty/404").send().await, 404, "there is nothing at this path"),
        (server.get("/empty/403").send().await, 403, "the request was refused"),
        (server.get("/elsewhere").send().await, 404, "there is nothing at this path"),
        (server.request(Method::PATCH, "/json").send().await, 405, "PATCH is not possible here"),
    ] {
        let problem = problem(response.unwrap(), status).await;
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert_eq!(problem["type"], "about:blank");
    }
    assert_eq!(problem(server.get("/empty/418").send().await.unwrap(), 418).await["title"], "I'm a teapot");
}

#[tokio::test]
async fn a_text_about_the_failure_of_the_server_goes_to_the_log_only() {
    let (log, _guard) = Log::capture();
    let server = foreign().await;
    for (status, message) in [(500, "failed"), (502, "failed"), (503, "unavailable")] {
        let response = server.get(&format!("/text/{status}")).send().await.unwrap();
        assert_eq!(header(response.headers(), "x-own"), "kept");
        assert_eq!(header(response.headers(), "retry-after"), "7");
        assert!(!problem(response, status).await.to_string().contains("hunter2"));
        assert_eq!(log.lines(message).last().unwrap()["fields"]["error"], "password=hunter2");
        problem(server.get(&format!("/empty/{status}")).send().await.unwrap(), status).await;
        assert_eq!(log.lines(message).last().unwrap()["fields"]["error"], "the handler does not say why");
    }
    let response = server.get("/text/402").send().await.unwrap();
    assert_eq!(problem(response, 402).await["detail"], "password=hunter2");
}

#[tokio::test]
async fn documents_of_the_users_own_are_left_as_they_are() {
    fn long() -> Response {
        (StatusCode::BAD_REQUEST, "x".repeat(5000)).into_response()
    }
    fn streamed() -> Response {
        let text = stream::iter(["a", "b"].map(Ok::<_, std::io::Error>));
        (StatusCode::BAD_REQUEST, [("content-type", "text/plain")], Body::from_stream(text)).into_response()
    }
    fn packed() -> Response {
        (StatusCode::BAD_REQUEST, [("content-encoding", "zip")], "pk").into_response()
    }
    let router = Router::new()
        .route("/json", get(|| async { (StatusCode::BAD_REQUEST, Json(json!({"error": 7}))) }))
        .route("/html", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, Html("<h1>oh</h1>")) }))
        .route("/long", get(|| async { long() }))
        .route("/streamed", get(|| async { streamed() }))
        .route("/packed", get(|| async { packed() }))
        .route("/fine", get(|| async { "text" }));
    let (log, _guard) = Log::capture();
    let server = Server::start(router).await;
    for (path, status, media_type, body) in [
        ("/json", 400, "application/json", "{\"error\":7}".to_owned()),
        ("/html", 500, "text/html; charset=utf-8", "<h1>oh</h1>".to_owned()),
        ("/long", 400, "text/plain; charset=utf-8", "x".repeat(5000)),
        ("/streamed", 400, "text/plain", "ab".to_owned()),
        ("/packed", 400, "text/plain; charset=utf-8", "pk".to_owned()),
        ("/fine", 200, "text/plain; charset=utf-8", "text".to_owned()),
    ] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), header(response.headers(), "content-type")),
            (status, media_type)
        );
        assert_eq!(response.text().await.unwrap(), body);
    }
    assert_eq!(log.line("failed")["fields"]["path"], "/html");
}

#[tokio::test]
async fn a_length_that_the_text_had_is_not_the_problems() {
    let text = || async { (StatusCode::BAD_REQUEST, [("content-length", "5")], "wrong") };
    let server = Server::start(Router::new().route("/", get(text))).await;
    assert_eq!(problem(server.get("/").send().await.unwrap(), 400).await["detail"], "wrong");
}

#[tokio::test]
async fn a_problem_that_a_layer_has_turned_into_something_else_is_left_as_it_is() {
    async fn refuse() -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "wrong")
    }
    async fn in_html(mut response: Response) -> Response {
        *response.body_mut() = "<h1>wrong</h1>".into();
        response.headers_mut().insert("content-type", "text/html".parse().unwrap());
        response
    }
    async fn packed(mut response: Response) -> Response {
        *response.body_mut() = "pk".into();
        response.headers_mut().insert("content-encoding", "zip".parse().unwrap());
        response
    }
    let router = Router::new()
        .route("/html", get(refuse).layer(map_response(in_html)))
        .route("/packed", get(refuse).layer(map_response(packed)));
    let (log, _guard) = Log::capture();
    let server = Server::start(router).await;
    for (path, body) in [("/html", "<h1>wrong</h1>"), ("/packed", "pk")] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &*response.text().await.unwrap()), (400, body));
    }
    assert!(log.lines("refused").iter().all(|line| line["fields"]["error"] == "wrong"));
}

#[tokio::test]
async fn a_fallback_of_the_users_own_is_asked() {
    let router =
        Router::new().route("/", get(|| async {})).fallback(|| async { (StatusCode::GONE, "long ago") });
    let server = Server::start(router).await;
    assert_eq!(problem(server.get("/x").send().await.unwrap(), 410).await["detail"], "long ago");
}

#[tokio::test]
async fn a_problem_of_the_users_own_has_what_the_user_gives_it() {
    async fn refuse() -> Problem {
        Problem::new(StatusCode::PAYMENT_REQUIRED, "the wallet holds 3 €")
            .of_type("https://shop.example/too-poor", "Not enough money")
            .with("balance", 3)
            .with("status", 200)
            .with("instance", "/elsewhere")
            .retry_after(Duration::from_millis(1001))
            .caused_by("nobody paid")
    }
    let (log, _guard) = Log::capture();
    let server = Server::start(Router::new().nest("/v1", Router::new().route("/buy", get(refuse)))).await;
    let response = server.get("/v1/buy?x=1").send().await.unwrap();
    assert_eq!(header(response.headers(), "retry-after"), "2");
    assert_eq!(
        problem(response, 402).await,
        json!({
            "type": "https://shop.example/too-poor", "title": "Not enough money", "status": 402,
            "detail": "the wallet holds 3 €", "instance": "/v1/buy", "balance": 3,
        })
    );
    assert_eq!(log.line("refused")["fields"]["error"], "nobody paid");
    let text = server.get("/v1/buy").send().await.unwrap().text().await.unwrap();
    assert!(text.starts_with(
        r#"{"type":"https://shop.example/too-poor","title":"Not enough money","status":402,"detail":"#
    ));
}
