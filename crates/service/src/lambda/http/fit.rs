//! [`fit`]: the layer next to the user's handlers that makes their answers ones that Lambda can carry: whole, small enough and
//! in time.

use std::time::Duration;

use aws_event_sourcing_http::Problem;
use axum::{
    Extension, Router,
    body::{self, Bytes, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::body::Body;

/// What stays for the head of an answer. A larger one is at the body's expense.
const HEAD: usize = 64 << 10;

/// The most bytes that the JSON of a body may have, by Lambda's limit of 6 MB for an answer:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub(super) const MOST: usize = (6 << 20) - HEAD;

/// The same for a load balancer, which takes 1 MB:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.
pub(super) const MOST_OF_A_LOAD_BALANCER: usize = (1 << 20) - HEAD;

/// What an answer has to fit into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The JSON of its body may have so many bytes.
    pub(super) bytes: usize,
    /// It has to be whole by then.
    pub(super) until: Instant,
}

/// Has a router answer with what fits, or else with a problem that says what did not. Goes inside of `harden`, which logs it.
pub(crate) fn fit(router: Router) -> Router {
    router.layer(middleware::from_fn(into_bounds))
}

async fn into_bounds(Extension(bounds): Extension<Bounds>, request: Request, next: Next) -> Response {
    let whole = async { whole(next.run(request).await, bounds.bytes).await };
    match timeout_at(bounds.until, whole).await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => late().into_response(),
    }
}

/// The response with all of its body, which may be a stream.
async fn whole(response: Response, most: usize) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let for_body = most.saturating_sub(size_of_head(&parts.headers).saturating_sub(HEAD));
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > for_body {
        return Err(too_large(most));
    }
    let mut bytes = Vec::with_capacity(expected);
    let mut data = body.into_data_stream();
    while let Some(data) = data.next().await {
        let data: Bytes = data.map_err(Problem::internal)?;
        // The JSON of bytes is never shorter than these.
        if bytes.len() + data.len() > for_body {
            return Err(too_large(most));
        }
        bytes.extend_from_slice(&data);
    }
    if Body::size_of(&bytes) > for_body {
        return Err(too_large(most));
    }
    Ok(Response::from_parts(parts, body::Body::from(bytes)))
}

/// How many bytes of JSON these will be, with a comma each and whatever else the formats put between them.
fn size_of_head(headers: &HeaderMap) -> usize {
    let of_one = |(name, value): (&HeaderName, &HeaderValue)| {
        Body::size_of(name.as_str().as_bytes()) + Body::size_of(value.as_bytes()) + 4
    };
    headers.iter().map(of_one).sum()
}

fn too_large(most: usize) -> Problem {
    let megabytes = most.div_ceil(1 << 20);
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "the answer is larger than the {megabytes} MB that AWS Lambda can send: ask for less at once"
        ),
    )
    .of_type("urn:aws-event-sourcing:problem:answer-too-large", "The answer is too large")
    .with("limit", most)
}

fn late() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "there was no answer within the time that the function has for a request",
    )
    .retry_after(Duration::from_secs(1))
}
