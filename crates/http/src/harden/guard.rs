//! The layer around the handlers: bounds what a request may take, catches panics, and makes every error a problem.

use std::{fmt::Display, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, LOCATION},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;

use super::{
    body::{Intake, bounded, discard, unpacked},
    observe::Subject,
    quiet::Quiet,
};
use crate::{
    Links, Location, Problem,
    panic::Panicked,
    problem::{PROBLEM_JSON, too_large},
};

/// A text that is longer is no message of axum's.
const LONGEST_TEXT: usize = 4096;

#[derive(Debug)]
pub(super) struct Limits {
    pub(super) body: usize,
    pub(super) time: Duration,
}

pub(super) async fn guard(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let subject = Subject::of(&request);
    let (mut parts, body) = request.into_parts();
    let coding = if body.is_end_stream() { Coding::None } else { Coding::take_off(&mut parts.headers) };
    // What is packed is not much larger than what is in it.
    let is_too_large = body.size_hint().lower() > limits.body as u64;
    let (body, intake) = match coding {
        _ if is_too_large => (body, Intake::default()),
        Coding::Gzip => unpacked(body, limits.body),
        Coding::None | Coding::Other => bounded(body, limits.body),
    };
    let mut request = Request::from_parts(parts, body);
    // Ours holds for every route; axum's own 2 MB would come on top of it.
    DefaultBodyLimit::disable().apply(&mut request);

    let answer = async {
        if is_too_large {
            return refused(request, too_large().into_response()).await;
        }
        if coding == Coding::Other {
            return refused(request, unknown_coding()).await;
        }
        next.run(request).await
    };
    let answer = tokio::time::timeout(limits.time, AssertUnwindSafe(answer).catch_unwind());
    let mut response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(Panicked::with(&*panic)).into_response(),
        Err(_) if is_too_large => too_large().into_response(),
        Err(_) if coding == Coding::Other => unknown_coding(),
        Err(_) => late(limits.time, &intake).into_response(),
    };
    if response.status().is_informational() {
        response = no_answer(response.status()).into_response();
    }
    let location = response.extensions_mut().remove::<Location>();
    if let Some(Location(id)) = location
        && !response.headers().contains_key(LOCATION)
    {
        let path = Links::at(&subject.path).resource(&id);
        let path = HeaderValue::try_from(path).expect("a percent-encoded path is visible ASCII");
        response.headers_mut().insert(LOCATION, path);
    }
    match response.status().as_u16() {
        ..400 => response,
        _ => explained(response, &subject, &intake).await,
    }
}

/// How the body of a request is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Gzip,
    Other,
}

impl Coding {
    /// What the headers say, which then say that it is not packed.
    fn take_off(headers: &mut HeaderMap) -> Self {
        let lines = headers.get_all(CONTENT_ENCODING).iter().map(|line| line.to_str().unwrap_or("?"));
        let codings: Vec<_> = lines
            .flat_map(|line| line.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !matches!(&**coding, "" | "identity"))
            .collect();
        let coding = match codings.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Self::None,
            ["gzip" | "x-gzip"] => Self::Gzip,
            _ => return Self::Other,
        };
        headers.remove(CONTENT_ENCODING);
        if coding == Self::Gzip {
            headers.remove(CONTENT_LENGTH);
        }
        coding
    }
}

fn unknown_coding() -> Response {
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the body may be packed by gzip, once, or not at all: Content-Encoding",
    );
    ([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))], problem).into_response()
}

/// Answers a request whose head says that its body cannot be taken.
async fn refused(request: Request, answer: Response) -> Response {
    // Who asks first has sent nothing yet.
    if !request.headers().contains_key(EXPECT) {
        discard(request.into_body().into_data_stream()).await;
    }
    answer
}

/// A status that stands before an answer. No host can send it as one.
fn no_answer(status: StatusCode) -> Problem {
    Problem::internal(format!("the handler has answered with {status}, which is not the status of an answer"))
}

fn late(time: Duration, intake: &Intake) -> Problem {
    if intake.is_awaited() {
        return Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body of the request did not arrive within {time:?}"),
        );
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("there was no answer within {time:?}"))
        .retry_after(Duration::from_secs(1))
}

fn damaged() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the body is not what Content-Encoding says: gzip")
}

/// An error as a problem, unless it is a document of the user's own; and logged in any case.
async fn explained(response: Response, subject: &Subject, intake: &Intake) -> Response {
    let (mut parts, body) = response.into_parts();
    let stated = parts.extensions.remove::<Arc<Problem>>().filter(|problem| problem.status() == parts.status);
    let is_ours = match stated {
        Some(_) => has_media_type(&parts.headers, PROBLEM_JSON),
        None => is_plain(&parts.headers, &body),
    };
    if !is_ours {
        match stated {
            None if parts.extensions.get::<Quiet>().is_some() => {}
            Some(problem) => log(subject, parts.status, problem.reason()),
            None => log(subject, parts.status, "a document of its own"),
        }
        return Response::from_parts(parts, body);
    }
    let problem = match stated {
        // Whatever the handler made of it, this is why.
        _ if intake.is_too_large() => Arc::new(too_large()),
        _ if intake.is_damaged() => Arc::new(damaged()),
        Some(problem) => problem,
        None => Arc::new(of_text(parts.status, &text(body).await, subject)),
    };
    log(subject, problem.status(), problem.reason());
    parts.status = problem.status();
    parts.headers.remove(CONTENT_LENGTH);
    problem.write_headers(&mut parts.headers);
    Response::from_parts(parts, problem.to_json(Some(&subject.path)).into())
}

/// Whether this is nothing, or a short plain text.
fn is_plain(headers: &HeaderMap, body: &Body) -> bool {
    let is_short = body.size_hint().upper().is_some_and(|bytes| bytes <= LONGEST_TEXT as u64);
    is_short && (!headers.contains_key(CONTENT_TYPE) || has_media_type(headers, "text/plain"))
}

/// Whether the body is of that type, as it is and not compressed, say.
fn has_media_type(headers: &HeaderMap, media_type: &str) -> bool {
    let stated = headers.get(CONTENT_TYPE).and_then(|stated| stated.to_str().ok()?.split(';').next());
    stated == Some(media_type) && !headers.contains_key(CONTENT_ENCODING)
}

async fn text(body: Body) -> String {
    let bytes = to_bytes(body, LONGEST_TEXT).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// A text about the server's own failure is for the log, not for the client.
fn of_text(status: StatusCode, text: &str, subject: &Subject) -> Problem {
    match status {
        _ if status.is_server_error() => {
            let reason = if text.is_empty() { "the handler does not say why" } else { text };
            Problem::failed(status).caused_by(reason)
        }
        _ if !text.is_empty() => Problem::new(status, text),
        StatusCode::NOT_FOUND => Problem::new(status, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, format!("{} is not possible here", subject.method))
        }
        _ => Problem::new(status, "the request was refused"),
    }
}

fn log(subject: &Subject, status: StatusCode, reason: impl Display) {
    let Subject { request_id, trace, method, path } = subject;
    let (trace_id, path, status) = (trace.trace_id(), &**path, status.as_u16());
    match status {
        503 => {
            tracing::warn!(%method, path, status, %request_id, trace_id, error = %reason, "unavailable");
        }
        500.. => tracing::error!(%method, path, status, %request_id, trace_id, error = %reason, "failed"),
        _ => tracing::info!(%method, path, status, %request_id, trace_id, error = %reason, "refused"),
    }
}
