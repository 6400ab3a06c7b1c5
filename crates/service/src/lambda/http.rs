//! HTTP requests as API Gateway, function URLs, load balancers and VPC Lattice hand them over, and the answers that these understand.
//!
//! A router sees what it would see on a laptop: the path without the stage and the base path, percent-encoded; each header line
//! and each parameter, however often there is one of a name; the body as bytes; the client's address as axum's `ConnectInfo`. The
//! path as the client has it is axum's `OriginalUri`, which links are made of.
//!
//! An answer is what hyper would send, without what is about one connection.

mod encode;
mod request;
mod route;

mod lattice;
mod load_balancer;
mod version1;
mod version2;

mod body;
mod fit;
mod hop;

use aws_event_sourcing_core::TraceParent;
use axum::{
    body::to_bytes,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_LENGTH},
    },
};
use serde_json::value::RawValue;
use tower::ServiceExt as _;

pub(crate) use self::fit::fit;
use self::{body::Body, fit::Bounds};
use super::{InvocationError, Lambda, RequestContext, invocation::Invocation, xray};
use crate::framing::frame;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a request is written, and how its answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A REST API of API Gateway, or an HTTP API with payloads of version 1.0.
    Version1,
    /// An HTTP API of API Gateway, or a function URL.
    Version2,
    /// An Application Load Balancer.
    LoadBalancer,
    /// A service of VPC Lattice.
    Lattice,
}

/// An answer on its way out.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

/// Has the router answer a request.
pub(super) async fn handle(
    lambda: &Lambda,
    format: Format,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Box<RawValue>, InvocationError> {
    let payload = payload.get();
    let (arrived, bytes) = match format {
        Format::Version1 => (version1::read(payload)?, fit::MOST),
        Format::Version2 => (version2::read(payload)?, fit::MOST),
        Format::LoadBalancer => (load_balancer::read(payload)?, fit::MOST_OF_A_LOAD_BALANCER),
        Format::Lattice => (lattice::read(payload)?, fit::MOST),
    };
    let has_multi_value_headers = arrived.has_multi_value_headers;
    let mut request = arrived.into_request(lambda.base_path.as_ref())?;
    if let Some(context) = RequestContext::of(payload) {
        request.extensions_mut().insert(context);
    }
    name(request.headers_mut(), invocation);
    if format == Format::Version1 {
        // A REST API hands on what is no text only if it was told to. It can pack answers itself.
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    request.extensions_mut().insert(Bounds { bytes, until: invocation.give_up() });

    let has_no_body = request.method() == Method::HEAD;
    let Ok(response) = lambda.api.clone().oneshot(request).await;
    let (mut parts, body) = frame(response).into_parts();
    // It fits already, or is a short answer of a layer around those that do not.
    let body = to_bytes(body, fit::MOST).await.map_err(InvocationError::malformed("the router's answer"))?;
    hop::remove(&mut parts.headers);
    if !has_no_body && parts.headers.contains_key(CONTENT_LENGTH) {
        // Whatever the handler says.
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let answer = Answer { status: parts.status, headers: parts.headers, body: Body::of(body) };
    let written = match format {
        Format::Version1 => version1::write(&answer),
        Format::Version2 => version2::write(&answer),
        Format::LoadBalancer if has_multi_value_headers => load_balancer::write_multi_value(&answer),
        Format::LoadBalancer | Format::Lattice => load_balancer::write(&answer),
    };
    written.map_err(InvocationError::Answer)
}

/// Gives a request that has none a trace and an id: those of the invocation, so that Lambda's own lines in the log, the
/// client and every commit have the same.
fn name(headers: &mut HeaderMap, invocation: &Invocation) {
    let text = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned))
    };
    let is_traced = text(headers, TRACEPARENT).is_some_and(|value| value.parse::<TraceParent>().is_ok());
    let of_amazon = || xray::trace(&text(headers, X_AMZN_TRACE_ID)?);
    if !is_traced && let Some(trace) = invocation.known_trace().or_else(of_amazon) {
        let value = HeaderValue::try_from(trace.to_string()).expect("digits and hyphens");
        headers.insert(TRACEPARENT, value);
    }
    if let Ok(id) = HeaderValue::try_from(&invocation.id) {
        headers.entry(X_REQUEST_ID).or_insert(id);
    }
}

/// The value of a header as text. Values in other encodings than UTF-8 have no JSON.
fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
