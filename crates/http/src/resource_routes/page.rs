//! What pages of resources and pages of events have in common: `?limit=`, and the address of the next one.

use axum::http::{HeaderValue, StatusCode};

use crate::{Problem, query::whole_number};

/// The most that a page has.
const MAX_LIMIT: u64 = 1000;

/// How many a client wants in a page.
pub(super) fn limit(text: &str) -> Result<usize, Problem> {
    match whole_number("limit", text)?.unwrap_or(MAX_LIMIT).min(MAX_LIMIT) {
        0 => Err(Problem::new(StatusCode::BAD_REQUEST, "the query: limit has to be at least 1")),
        limit => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
    }
}

/// The value of `Link`: the page behind this place.
pub(super) fn next(path: &str, limit: usize, after: impl std::fmt::Display) -> HeaderValue {
    let link = format!("<{path}?limit={limit}&after={after}>; rel=\"next\"");
    HeaderValue::try_from(link).expect("a percent-encoded path, a number and a cursor are visible ASCII")
}
