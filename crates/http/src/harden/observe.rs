//! The outermost layer: names the request, puts it into a trace, and writes the access log.

use std::{sync::Arc, time::Instant};

use aws_event_sourcing_core::{Clock as _, SystemClock, TraceParent};
use axum::{
    extract::{OriginalUri, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::X_CONTENT_TYPE_OPTIONS},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::{
    quiet::Quiet,
    request_id::{RequestId, X_REQUEST_ID},
};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What every line about a request says.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) request_id: RequestId,
    pub(super) trace: TraceParent,
    pub(super) method: Method,
    /// As the client sent it, percent-encoded; without the query, which may hold what is not for the log.
    pub(super) path: Arc<str>,
}

impl Subject {
    /// What is known of it already, or what it brings along.
    pub(super) fn of(request: &Request) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return known.clone();
        }
        let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
        Self {
            request_id: RequestId::of(request.headers()),
            trace: trace(request.headers()),
            method: request.method().clone(),
            path: uri.path().into(),
        }
    }
}

/// A child of the trace that the request is part of, or a trace of its own.
fn trace(headers: &HeaderMap) -> TraceParent {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let (first, second) = (lines.next(), lines.next());
    let parent = first.filter(|_| second.is_none()).and_then(|line| line.to_str().ok()?.parse().ok());
    parent.map_or_else(|| TraceParent::new_root(SystemClock.now()), TraceParent::child)
}

pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let subject = Subject::of(&request);
    let Subject { request_id, trace, method, path } = subject.clone();
    request.extensions_mut().insert(request_id.clone());
    request.extensions_mut().insert(subject.clone());

    // At the level that no filter leaves out: the lines of a handler are of little use without their request.
    let trace_id = trace.trace_id();
    let span = tracing::error_span!("request", %request_id, trace_id, %method, path = &*path);
    let access = Access { subject, begun: Instant::now(), status: None, is_quiet: false };
    let mut response = trace.scope(next.run(request)).instrument(span).await;
    let is_quiet = response.extensions().get::<Quiet>().is_some();
    access.answered(response.status(), is_quiet);

    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, request_id.to_header());
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

/// The request's line in the access log, written when this is dropped: also when the client goes away before there is
/// an answer.
struct Access {
    subject: Subject,
    begun: Instant,
    status: Option<StatusCode>,
    is_quiet: bool,
}

impl Access {
    fn answered(mut self, status: StatusCode, is_quiet: bool) {
        (self.status, self.is_quiet) = (Some(status), is_quiet);
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let Subject { request_id, trace, method, path } = &self.subject;
        let trace_id = trace.trace_id();
        let duration_ms = self.begun.elapsed().as_micros() as f64 / 1000.0;
        match self.status.map(|status| status.as_u16()) {
            Some(status) if self.is_quiet => {
                tracing::debug!(%method, path = &**path, status, duration_ms, %request_id, trace_id, "answered");
            }
            Some(status) => {
                tracing::info!(%method, path = &**path, status, duration_ms, %request_id, trace_id, "answered");
            }
            None => tracing::info!(%method, path = &**path, duration_ms, %request_id, trace_id, "abandoned"),
        }
    }
}
