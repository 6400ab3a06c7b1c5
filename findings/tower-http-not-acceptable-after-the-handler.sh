#!/usr/bin/env bash
# tower-http 0.7.1, CompressionLayer.
#
# Guess:     the layer picks the encoding from the request's headers, so a request that takes none that there is gets its
#            406 before the service is called, or is answered without compression, as by 0.6. 406 says that nothing was done.
# Behaviour: the service is called first, whatever the method. Then its status, and nothing but that, becomes 406: a POST has
#            been carried out, and its answer comes as it is, with its Location and with its body, uncompressed. A client
#            that repeats the request with another Accept-Encoding does it all again. A 404 becomes 406, too.
# Seen:      POST with `Accept-Encoding: identity;q=0`
#            0.6.11 /things: 201 Created, location Some("/things/1"), body b"text", called 1 time(s)
#            0.7.1 /things: 406 Not Acceptable, location Some("/things/1"), body b"text", called 1 time(s)
#            0.7.1 /nothing: 406 Not Acceptable, location None, body b"text", called 1 time(s)
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
bytes = "=1.12.2"
http = "=1.5.0"
http-body-util = "=0.1.5"
tokio = { version = "=1.54.1", features = ["macros", "rt"] }
tower = { version = "=0.5.3", features = ["util"] }
tower-http = { version = "=0.7.1", features = ["compression-gzip"] }
tower-http-0-6 = { package = "tower-http", version = "=0.6.11", features = ["compression-gzip"] }
TOML
cat >src/main.rs <<'RUST'
use std::{
    convert::Infallible,
    process::ExitCode,
    sync::atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{service_fn, Layer, ServiceExt};

static CALLED: AtomicU32 = AtomicU32::new(0);

async fn make(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = CALLED.fetch_add(1, Ordering::SeqCst) + 1;
    let response = match request.uri().path() {
        "/things" => Response::builder().status(StatusCode::CREATED).header("location", format!("/things/{number}")),
        _ => Response::builder().status(StatusCode::NOT_FOUND),
    };
    Ok(response.body(Full::from("text")).unwrap())
}

macro_rules! ask {
    ($version:literal, $layer:expr, $path:literal) => {{
        CALLED.store(0, Ordering::SeqCst);
        let request = Request::post($path).header("accept-encoding", "identity;q=0");
        let service = $layer.layer(service_fn(make));
        let response = service.oneshot(request.body(Full::default()).unwrap()).await.unwrap();
        let status = response.status();
        let location = response.headers().get("location").cloned();
        let body = response.into_body().collect().await.ok().unwrap().to_bytes();
        let called = CALLED.load(Ordering::SeqCst);
        let seen = format!("{status}, location {location:?}, body {body:?}, called {called} time(s)");
        println!("{} {}: {seen}", $version, $path);
        seen
    }};
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let seen = [
        ask!("0.6.11", tower_http_0_6::compression::CompressionLayer::new(), "/things"),
        ask!("0.7.1", tower_http::compression::CompressionLayer::new(), "/things"),
        ask!("0.7.1", tower_http::compression::CompressionLayer::new(), "/nothing"),
    ];
    let expected = [
        r#"201 Created, location Some("/things/1"), body b"text", called 1 time(s)"#,
        r#"406 Not Acceptable, location Some("/things/1"), body b"text", called 1 time(s)"#,
        r#"406 Not Acceptable, location None, body b"text", called 1 time(s)"#,
    ];
    ExitCode::from(u8::from(seen != expected))
}
RUST
CARGO_TARGET_DIR=target cargo run --quiet
