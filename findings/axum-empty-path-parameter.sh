#!/usr/bin/env bash
# axum 0.8.9, whose router is matchit 0.8.4.
#
# Guess:     a path parameter stands for a segment with at least one character in it, as `/things/` does not match
#            `/things/{id}`: so `/things//events` does not match `/things/{id}/events`.
# Behaviour: a parameter may be empty, except at the end of the path. Whoever puts an id that happens to be empty in an
#            address reaches the handler, not a 404, and the handler gets the id "".
# Seen:      /things/7/events : 200 "7"; /things//events : 200 ""; /things/7 : 200 "7"; /things/ : 404
#
# Needs Cargo. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
cd "$FOLDER"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
axum = { version = "=0.8.9", default-features = false }
matchit = "=0.8.4"
tokio = { version = "=1.54.1", features = ["macros", "rt"] }
tower = { version = "=0.5.3", features = ["util"] }
TOML
cat >src/main.rs <<'RUST'
use std::process::ExitCode;

use axum::{
    body::{to_bytes, Body},
    extract::Path,
    http::Request,
    routing::get,
    Router,
};
use tower::ServiceExt;

async fn show(Path(id): Path<String>) -> String {
    format!("{id:?}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let router = Router::new().route("/things/{id}", get(show)).route("/things/{id}/events", get(show));
    let mut as_described = true;
    for (path, expected) in [
        ("/things/7/events", r#"200 "7""#),
        ("/things//events", r#"200 """#),
        ("/things/7", r#"200 "7""#),
        ("/things/", "404 "),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        let seen = format!("{status} {}", String::from_utf8_lossy(&body));
        println!("{path} : {seen}");
        as_described &= seen == expected;
    }
    ExitCode::from(u8::from(!as_described))
}
RUST
CARGO_TARGET_DIR=target cargo run --quiet
