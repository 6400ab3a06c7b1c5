//! What the errors of the core become.

use std::{
    error::Error as _,
    fmt::{Debug, Display},
    time::Duration,
};

use aws_event_sourcing_core::{
    CommitError, FindError, InvalidCursor, StoreError, StoreErrorKind, Unreadable, limits::LimitExceeded,
};
use axum::http::StatusCode;

use super::Problem;
use crate::listed::UnreadableEvent;

/// After a lost race or a throttled request.
const SOON: Duration = Duration::from_secs(1);

/// Until somebody has made room on a full disk, or put files back.
const LATER: Duration = Duration::from_secs(60);

const FOR_THE_MOMENT: &str = "the event store is unavailable for the moment";

const LOST: &str = "the event store has lost its files, and an operator has to put them back or start the service again: \
                    whether this was stored is not known";

impl<E: Display + Debug> From<CommitError<E>> for Problem {
    fn from(error: CommitError<E>) -> Self {
        match error {
            CommitError::Rejected(reason) => named(
                StatusCode::CONFLICT,
                "urn:aws-event-sourcing:problem:rejected",
                "The resource does not permit this now",
                reason.to_string(),
            ),
            CommitError::NotFound { .. } => not_found(error.to_string()),
            // Nothing is expected of what does not exist: the answer is the one that it would be without If-Match
            // (RFC 9110, section 13.2.1).
            CommitError::Conflict { expected: 1.., actual: 0 } => not_found("it does not exist"),
            CommitError::Conflict { expected: 0, actual } => named(
                StatusCode::CONFLICT,
                "urn:aws-event-sourcing:problem:already-exists",
                "A resource with this id exists already",
                format!("its id is taken by a resource that is at version {actual}"),
            )
            .with("version", actual),
            CommitError::Conflict { actual, .. } => version_mismatch(actual),
            CommitError::Contended { .. } => named(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:aws-event-sourcing:problem:contended",
                "Others were faster",
                error.to_string(),
            )
            .retry_after(SOON),
            CommitError::KeyReused { .. } => named(
                StatusCode::UNPROCESSABLE_ENTITY,
                "urn:aws-event-sourcing:problem:key-reused",
                "The idempotency key was used for something else",
                error.to_string(),
            ),
            CommitError::Unreadable(unreadable) => unreadable.into(),
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<FindError> for Problem {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NotFound { .. } => not_found(error.to_string()),
            FindError::NoSuchVersion { actual, .. } => no_such_version(error.to_string(), actual),
            FindError::Unreadable(unreadable) => unreadable.into(),
            FindError::Store(error) => error.into(),
        }
    }
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        StoreError::from(unreadable).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.unreadable().is_some() {
            return unreadable(error);
        }
        match error.kind() {
            StoreErrorKind::Unavailable => unavailable(error, SOON, FOR_THE_MOMENT),
            StoreErrorKind::Full => unavailable(error, LATER, FOR_THE_MOMENT),
            StoreErrorKind::Lost => unavailable(error, LATER, LOST),
            StoreErrorKind::TooLarge => beyond_a_limit(error),
            _ => Self::internal(error),
        }
    }
}

impl From<InvalidCursor> for Problem {
    fn from(error: InvalidCursor) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("the query: after is {error}"))
    }
}

fn named(status: StatusCode, type_uri: &'static str, title: &'static str, detail: String) -> Problem {
    Problem::new(status, detail).of_type(type_uri, title)
}

pub(crate) fn not_found(detail: impl Into<String>) -> Problem {
    named(
        StatusCode::NOT_FOUND,
        "urn:aws-event-sourcing:problem:not-found",
        "The resource does not exist",
        detail.into(),
    )
}

pub(crate) fn version_mismatch(actual: u64) -> Problem {
    named(
        StatusCode::PRECONDITION_FAILED,
        "urn:aws-event-sourcing:problem:version-mismatch",
        "The resource is at another version",
        format!("it is at version {actual}"),
    )
    .with("version", actual)
}

pub(crate) fn no_such_version(detail: String, actual: u64) -> Problem {
    named(
        StatusCode::NOT_FOUND,
        "urn:aws-event-sourcing:problem:no-such-version",
        "The resource does not have this version",
        detail,
    )
    .with("version", actual)
}

/// The server's fault. Which event it is, the client may know: it is the same that the resource's events show.
fn unreadable(error: StoreError) -> Problem {
    let unreadable = error.unreadable().expect("the caller has seen it");
    named(
        StatusCode::INTERNAL_SERVER_ERROR,
        "urn:aws-event-sourcing:problem:unreadable",
        "The resource cannot be read",
        format!("{unreadable} by this version of the service; its log has the reason under this answer's X-Request-Id"),
    )
    .with("unreadable", UnreadableEvent::of(unreadable).to_value())
    .caused_by(error)
}

fn unavailable(error: StoreError, pause: Duration, detail: &str) -> Problem {
    named(
        StatusCode::SERVICE_UNAVAILABLE,
        "urn:aws-event-sourcing:problem:unavailable",
        "The service cannot do this for the moment",
        detail.to_owned(),
    )
    .retry_after(pause)
    .caused_by(error)
}

/// A store that has limits of its own may name another source, which is none of the client's business.
fn beyond_a_limit(error: StoreError) -> Problem {
    let limit = error.source().and_then(|source| source.downcast_ref::<LimitExceeded>());
    if let Some(limit @ LimitExceeded::Empty { .. }) = limit {
        return Problem::new(StatusCode::BAD_REQUEST, limit.to_string());
    }
    let detail = limit.map_or_else(|| error.to_string(), ToString::to_string);
    named(
        StatusCode::PAYLOAD_TOO_LARGE,
        "urn:aws-event-sourcing:problem:too-large",
        "More than can be stored at once",
        detail,
    )
    .caused_by(error)
}
