#!/usr/bin/env bash
# axum 0.8.9 on hyper 1.12.0.
#
# Guess:     a handler that answers 304 or 204 gives the same header fields to HEAD as to GET, and no Content-Length: 204
#            must not have one, and in a 304 it would be that of the 200 that is spared (RFC 9110, 8.6).
# Behaviour: the answer to HEAD has `content-length: 0`, so whoever keeps the header fields of a 304 takes the resource for
#            empty. axum puts it on every answer with an empty body; hyper leaves it out for GET, but not for HEAD.
# Seen:      GET /304: HTTP/1.1 304 Not Modified, content-length: none
#            HEAD /304: HTTP/1.1 304 Not Modified, content-length: 0
#            GET /204: HTTP/1.1 204 No Content, content-length: none
#            HEAD /204: HTTP/1.1 204 No Content, content-length: 0
#            With a body of 4 bytes and 200: 4 for both.
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
axum = { version = "=0.8.9", default-features = false, features = ["http1", "tokio"] }
hyper = "=1.12.0"
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }
TOML
cat >src/main.rs <<'RUST'
use std::process::ExitCode;

use axum::{http::StatusCode, routing::get, Router};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let router = Router::new()
        .route("/304", get(|| async { StatusCode::NOT_MODIFIED }))
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/200", get(|| async { "text" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let expected = [("/304", "none", "0"), ("/204", "none", "0"), ("/200", "4", "4")];
    let mut as_described = true;
    for (path, of_get, of_head) in expected {
        for (method, expected) in [("GET", of_get), ("HEAD", of_head)] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).await.unwrap();
            let length = response.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("none");
            println!("{method} {path}: {}, content-length: {length}", response.lines().next().unwrap());
            as_described &= length == expected && response.starts_with(&format!("HTTP/1.1 {}", &path[1..]));
        }
    }
    ExitCode::from(u8::from(!as_described))
}
RUST
CARGO_TARGET_DIR=target cargo run --quiet
