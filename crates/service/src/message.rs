//! What a request that came over a connection has to be, beyond what hyper sees to: with one valid `Host`, and with a body in
//! no transfer coding but `chunked`.

use aws_event_sourcing_http::Problem;
use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode, Version,
        header::{CONNECTION, HOST, TRANSFER_ENCODING},
        uri::Authority,
    },
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};

/// Has a router asked only by requests that are well formed.
pub(crate) fn well_formed(router: Router) -> Router {
    router.layer(middleware::from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    match check_host(request.version(), request.headers()).and_then(|()| check_coding(request.headers())) {
        Ok(()) => next.run(request).await,
        // Whoever sends this may understand by it something else than what was read: nothing more is read behind it.
        Err(problem) => ([(CONNECTION, HeaderValue::from_static("close"))], problem).into_response(),
    }
}

/// RFC 9112, section 3.2: one `Host`, which is an address without a user, or empty.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    let mut lines = headers.get_all(HOST).iter();
    match (lines.next(), lines.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => refused("the request has no Host"),
        (Some(_), Some(_)) => refused("the request has more than one Host"),
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => refused("the Host of the request is no host, with or without a port"),
    }
}

fn is_host(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    if host.is_empty() {
        return true;
    }
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let port = host.strip_prefix(authority.host());
    let is_port = |port: &str| {
        port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !host.contains('@') && port.is_some_and(is_port)
}

/// RFC 9112, section 6.1. Hyper refuses a body whose last coding is not `chunked`, and passes on what is packed inside of it.
fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let lines: Vec<_> = headers.get_all(TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    match lines.as_slice() {
        [] => Ok(()),
        [coding] if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "the only transfer coding of a body is chunked; one that is packed says so by Content-Encoding",
        )),
    }
}
