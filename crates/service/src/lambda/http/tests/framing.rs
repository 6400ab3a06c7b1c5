//! What an answer is on a laptop, it is on AWS, whatever has called the function: the same router, through hyper over a socket
//! and through each form of an event.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::stream;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    lambda::fixture::{Fixture, event},
    logging::Log,
    server::{HEAD_TIMEOUT, Server},
    signals::Signals,
};

fn with(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, body.into()).into_response()
}

fn streamed() -> Body {
    Body::from_stream(stream::iter(["[1,", "2]"].map(Ok::<_, Infallible>)))
}

fn said<const N: usize>(headers: [(HeaderName, &'static str); N], body: impl Into<Body>) -> Response {
    (AppendHeaders(headers), body.into()).into_response()
}

fn in_chunks() -> Response {
    said([(header::TRANSFER_ENCODING, "chunked")], streamed())
}

/// Paths with what is hard about an answer.
fn api() -> Router {
    use StatusCode as Is;

    Router::new()
        .route("/empty", get(async || ()))
        .route("/text", get(async || "text"))
        .route("/binary", get(async || vec![0xff_u8, 0, 1]))
        .route("/streamed", get(async || streamed()))
        .route("/created", get(async || with(Is::CREATED, "")))
        .route("/no-content", get(async || Is::NO_CONTENT))
        .route("/no-content-with-one", get(async || with(Is::NO_CONTENT, "text")))
        .route("/no-content-but-a-stream", get(async || with(Is::NO_CONTENT, streamed())))
        .route("/reset", get(async || Is::RESET_CONTENT))
        .route("/reset-with-a-body", get(async || with(Is::RESET_CONTENT, "text")))
        .route("/not-modified", get(async || Is::NOT_MODIFIED))
        .route("/not-modified-with-a-body", get(async || with(Is::NOT_MODIFIED, "text")))
        .route("/not-modified-but-a-stream", get(async || with(Is::NOT_MODIFIED, streamed())))
        .route("/no-content-in-chunks", get(async || (Is::NO_CONTENT, in_chunks())))
        .route("/reset-in-chunks", get(async || (Is::RESET_CONTENT, in_chunks())))
        .route("/not-modified-in-chunks", get(async || (Is::NOT_MODIFIED, in_chunks())))
        .route("/early", get(async || Is::EARLY_HINTS))
        .route("/switching", get(async || Is::SWITCHING_PROTOCOLS))
        .route("/missing", get(async || Is::NOT_FOUND))
        .route("/broken", get(async || Is::INTERNAL_SERVER_ERROR))
        .route("/chunked", get(async || in_chunks()))
        .route(
            "/for-one-connection",
            get(async || {
                let keep_alive = HeaderName::from_static("keep-alive");
                let own = HeaderName::from_static("x-own");
                let connection = (header::CONNECTION, "close, X-Own");
                said([connection, (keep_alive, "timeout=5"), (own, "1"), (header::TE, "gzip")], "text")
            }),
        )
        .route("/dated", get(async || said([(header::DATE, "Thu, 01 Jan 1970 00:00:00 GMT")], "text")))
}

const PATHS: [&str; 23] = [
    "/empty",
    "/text",
    "/binary",
    "/streamed",
    "/created",
    "/no-content",
    "/no-content-with-one",
    "/no-content-but-a-stream",
    "/reset",
    "/reset-with-a-body",
    "/not-modified",
    "/not-modified-with-a-body",
    "/not-modified-but-a-stream",
    "/no-content-in-chunks",
    "/reset-in-chunks",
    "/not-modified-in-chunks",
    "/early",
    "/switching",
    "/missing",
    "/broken",
    "/chunked",
    "/for-one-connection",
    "/dated",
];

/// An answer as a client reads it.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    /// Without what is another with each request, or about the connection.
    fn new(status: u16, headers: impl IntoIterator<Item = (String, String)>, body: Vec<u8>) -> Self {
        let mut headers: BTreeMap<_, _> = headers.into_iter().collect();
        headers.remove("x-request-id");
        Self { status, headers, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Over a socket: one request on a connection of its own.
async fn over_a_socket(method: &Method, path: &str, router: Router) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(router, HEAD_TIMEOUT, Default::default());
    let mut signals = Signals::listen(Duration::ZERO, &Log::new()).await.unwrap();
    let client = async {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::select! {
        answer = client => answer,
        () = server.accept(listener, &mut signals) => unreachable!("nobody stops it"),
    };
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("the end of a head");
    let (head, body) = (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec());
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let headers = lines.map(|line| line.split_once(": ").expect("a header"));
    Answer::new(status, headers.map(|(name, value)| (name.to_owned(), value.to_owned())), body)
}

/// As the form of one of the documented events says it.
async fn through_an_event(name: &str, method: &Method, path: &str, function: &Fixture) -> Answer {
    let mut request = event(name);
    let members = ["path", "rawPath", "raw_path"].into_iter().filter(|member| request[*member].is_string());
    for member in members.collect::<Vec<_>>() {
        request[member] = path.into();
    }
    for member in ["httpMethod", "method"] {
        if request[member].is_string() {
            request[member] = method.as_str().into();
        }
    }
    if request["requestContext"]["http"].is_object() {
        request["requestContext"]["http"]["method"] = method.as_str().into();
    }
    for member in ["body", "isBase64Encoded", "is_base64_encoded", "pathParameters"] {
        request.as_object_mut().unwrap().remove(member);
    }
    let answer = function.answer(&request).await.unwrap();
    let single = answer["headers"].as_object().into_iter().flatten();
    let single = single.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    let multiple = answer["multiValueHeaders"].as_object().into_iter().flatten();
    let multiple = multiple.map(|(name, values)| {
        let values = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap());
        (name.clone(), values.collect::<Vec<_>>().join(", "))
    });
    let text = answer["body"].as_str().unwrap();
    let body = match answer["isBase64Encoded"] == json!(true) {
        true => BASE64_STANDARD.decode(text).unwrap(),
        false => text.into(),
    };
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    if let Some(description) = answer["statusDescription"].as_str() {
        assert!(description.starts_with(&format!("{} ", status.unwrap())), "{description}");
    }
    Answer::new(status.unwrap(), single.chain(multiple), body)
}

/// What the forms of an event are.
const FORMS: [&str; 8] = [
    "rest-api",
    "http-api-1.0",
    "http-api",
    "function-url",
    "alb",
    "alb-multi-value",
    "vpc-lattice-1",
    "vpc-lattice-2",
];

#[tokio::test]
async fn an_answer_has_the_same_length_and_body_as_on_a_laptop() {
    let packed = aws_event_sourcing_http::compress(api());
    let hardened = aws_event_sourcing_http::harden(packed, &Default::default());
    let function = Fixture::of_api(api());
    for method in [Method::GET, Method::HEAD] {
        for path in PATHS {
            let mut socket = over_a_socket(&method, path, hardened.clone()).await;
            let what = format!("{method} {path}: {socket:?}");
            assert!(socket.headers.remove("date").is_some(), "{what}");
            let is_bodiless = matches!(socket.status, 204 | 304) || method == Method::HEAD;
            assert!(!is_bodiless || socket.body.is_empty(), "{what}");
            assert!(
                !matches!(socket.status, 204 | 304) || socket.header("content-length").is_none(),
                "{what}"
            );
            assert!(socket.status != 205 || socket.header("content-length") == Some("0"), "{what}");
            let is_chunked = socket.headers.remove("transfer-encoding").is_some();
            assert!(!matches!(socket.status, 204 | 205 | 304) || !is_chunked, "{what}");
            // A stream has no length there, and is whole by then here.
            if is_chunked {
                socket.body = b"[1,2]".to_vec();
            }
            for name in ["connection", "keep-alive", "x-own", "te"] {
                socket.headers.remove(name);
            }
            for form in FORMS {
                let mut answer = through_an_event(form, &method, path, &function).await;
                answer.headers.remove("date");
                if is_chunked || (method == Method::HEAD && ["/streamed", "/chunked"].contains(&path)) {
                    assert_eq!(
                        answer.headers.remove("content-length").as_deref(),
                        Some("5"),
                        "{form} {what}"
                    );
                }
                assert_eq!(answer, socket, "{form} {what}");
            }
        }
    }
}

#[tokio::test]
async fn the_length_is_that_of_the_body_whatever_a_handler_says() {
    let lies = Router::new().route("/", get(async || said([(header::CONTENT_LENGTH, "100")], "text")));
    let function = Fixture::of_api(lies);
    for form in FORMS {
        let answer = through_an_event(form, &Method::GET, "/", &function).await;
        assert_eq!((answer.header("content-length"), &*answer.body), (Some("4"), &b"text"[..]), "{form}");
        // Nobody knows better of an answer that is not there.
        let head = through_an_event(form, &Method::HEAD, "/", &function).await;
        assert_eq!((head.header("content-length"), &*head.body), (Some("100"), &b""[..]), "{form}");
    }
}
