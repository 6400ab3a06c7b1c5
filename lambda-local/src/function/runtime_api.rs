//! [`RuntimeApi`]: [where a program gets its calls](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), in front of
//! the emulator's own.
//!
//! The emulator has all of the runtime API but one thing: it hands the program no trace, whatever it was called with. So a
//! program could not be seen to take the way that it takes on AWS, where the trace is a header of each call. This hands
//! everything on in both directions, and adds that header. The rest stays the emulator's: how a program starts, what its
//! errors and its end mean, deadlines, and time-outs.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Request, Response,
        header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    },
};
use hyper::body::Incoming;

use crate::{Error, server::Server};

/// What a program asks for its next call by.
const NEXT: &str = "/2018-06-01/runtime/invocation/next";

const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");

/// That of one process of a function. Stops when it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    server: Server,
    trace: Trace,
}

/// The trace of the call that is made: there is one at a time.
type Trace = Arc<Mutex<Option<HeaderValue>>>;

impl RuntimeApi {
    /// Starts it in front of the one that is, or will be, at an address.
    pub(super) async fn start(emulator: String) -> Result<Self, Error> {
        let trace = Trace::default();
        let client =
            reqwest::Client::builder().no_proxy().build().expect("a client without TLS needs nothing");
        let (shared, emulator) = (trace.clone(), Arc::<str>::from(emulator));
        let answer = move |request, _| hand_on(client.clone(), emulator.clone(), shared.clone(), request);
        Ok(Self { server: Server::start(0, answer).await?, trace })
    }

    /// Host and port.
    pub(super) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Says which trace the next call is part of: the value of a header `X-Amzn-Trace-Id`.
    pub(super) fn set_trace(&self, trace: &str) {
        *self.trace.lock().unwrap_or_else(PoisonError::into_inner) = HeaderValue::try_from(trace).ok();
    }
}

async fn hand_on(
    client: reqwest::Client,
    emulator: Arc<str>,
    trace: Trace,
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let is_next = head.uri.path() == NEXT;
    for name in [CONNECTION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    let asked = async {
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.ok()?;
        let request = client.request(head.method, format!("http://{emulator}{}", head.uri));
        let answer = request.headers(head.headers).body(body).send().await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Some((status, headers, answer.bytes().await.ok()?))
    };
    let mut response = Response::new(Body::empty());
    let Some((status, mut headers, body)) = asked.await else {
        // The emulator has ended, and ends the program as well.
        *response.status_mut() = axum::http::StatusCode::BAD_GATEWAY;
        return response;
    };
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let trace = trace.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(trace) = trace.filter(|_| is_next) {
        headers.insert(TRACE_ID, trace);
    }
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    *response.body_mut() = body.into();
    response
}
