//! What the rejections of axum's extractors become: the same in words that a client can use.

use std::error::Error;

use axum::{
    extract::{
        path::ErrorKind,
        rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};

use super::Problem;

impl From<JsonRejection> for Problem {
    /// 400 for JSON that is malformed or of the wrong shape, with serde's message; 415; 413.
    fn from(rejection: JsonRejection) -> Self {
        match &rejection {
            JsonRejection::JsonDataError(error) => bad_request("the body", error),
            JsonRejection::JsonSyntaxError(error) => bad_request("the body is not JSON", error),
            JsonRejection::MissingJsonContentType(_) => no_json(),
            JsonRejection::BytesRejection(error) => body(error.status(), error.body_text()),
            _ => other(rejection.status(), rejection.body_text()),
        }
    }
}

impl From<BytesRejection> for Problem {
    /// 413 for a body above the limit, 400 for one that did not arrive.
    fn from(rejection: BytesRejection) -> Self {
        body(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    /// 400, with serde's message.
    fn from(rejection: QueryRejection) -> Self {
        match &rejection {
            QueryRejection::FailedToDeserializeQueryString(error) => bad_request("the query", error),
            _ => other(rejection.status(), rejection.body_text()),
        }
    }
}

impl From<PathRejection> for Problem {
    /// 400 for a segment that does not decode or does not parse; 500 for a handler that asks for other captures than
    /// its route has.
    fn from(rejection: PathRejection) -> Self {
        let PathRejection::FailedToDeserializePathParams(error) = &rejection else {
            return other(rejection.status(), rejection.body_text());
        };
        let detail = match error.kind() {
            ErrorKind::ParseErrorAtKey { key, value, .. } => format!("the path: {value:?} is no valid {key}"),
            ErrorKind::DeserializeError { key, value, message } => {
                format!("the path: {value:?} is no valid {key}: {message}")
            }
            ErrorKind::ParseError { value, .. } | ErrorKind::ParseErrorAtIndex { value, .. } => {
                format!("the path: {value:?} is not valid here")
            }
            ErrorKind::InvalidUtf8InPathParam { key } => {
                format!("the path: the {key} is not percent-encoded UTF-8")
            }
            ErrorKind::Message(message) => format!("the path: {message}"),
            _ => return other(error.status(), error.body_text()),
        };
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

/// What serde says, without what axum puts in front of it.
fn bad_request(what: &str, rejection: &dyn Error) -> Problem {
    let reason = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
    Problem::new(StatusCode::BAD_REQUEST, format!("{what}: {reason}"))
}

fn body(status: StatusCode, text: String) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Problem::new(StatusCode::BAD_REQUEST, "the body did not arrive in full").caused_by(text)
}

pub(crate) fn no_json() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the body has to be JSON and to say so: Content-Type: application/json",
    )
}

pub(crate) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this service takes in")
}

fn other(status: StatusCode, text: String) -> Problem {
    if status.is_server_error() { Problem::internal(text) } else { Problem::new(status, text) }
}
