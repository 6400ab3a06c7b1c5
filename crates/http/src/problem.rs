//! [`Problem`]: an error as a client sees it, by RFC 9457. What every handler and extractor fails with.

mod domain;
mod rejection;

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use aws_event_sourcing_core::ErrorChain;
use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use self::{
    domain::{no_such_version, not_found, version_mismatch},
    rejection::{no_json, too_large},
};

/// An error as `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)): `type`, `title`,
/// `status`, `detail`, `instance`, and members of your own.
///
/// ```
/// # use aws_event_sourcing_http::Problem;
/// # use axum::http::StatusCode;
/// let problem = Problem::new(StatusCode::PAYMENT_REQUIRED, "the wallet holds 3 €")
///     .of_type("https://shop.example/problems/too-poor", "Not enough money")
///     .with("balance", 3);
/// # assert_eq!(problem.type_uri(), "https://shop.example/problems/too-poor");
/// ```
///
/// # What an error of the library becomes
///
/// `?` turns the errors of a [`Repository`](aws_event_sourcing_core::Repository) into these. A type is
/// `urn:aws-event-sourcing:problem:` and the name below; it is the same in every release. Where there is no name, the
/// type is `about:blank`: the status says it all.
///
/// | error | status | type | |
/// |---|---|---|---|
/// | [`Rejected`] | 409 | `rejected` | `detail` is what the aggregate's error says |
/// | [`NotFound`] | 404 | `not-found` | |
/// | [`NoSuchVersion`] | 404 | `no-such-version` | `version`: the one that it has |
/// | [`Conflict`] | 412 | `version-mismatch` | `version`: the one that it has |
/// | `Conflict` of a new resource | 409 | `already-exists` | `version`: the one that it has |
/// | [`KeyReused`] | 422 | `key-reused` | |
/// | [`Contended`] | 503 | `contended` | with `Retry-After` |
/// | [`Unreadable`] | 500 | `unreadable` | `unreadable`: the `number` and the `type` of the event |
/// | [`Unavailable`], [`Full`], [`Lost`] | 503 | `unavailable` | with `Retry-After` |
/// | [`TooLarge`] | 413 | `too-large` | `detail` names the limit and the size |
/// | `TooLarge`, for a name is empty | 400 | | |
/// | any other [`StoreError`](aws_event_sourcing_core::StoreError) | 500 | | |
///
/// Where a rejection of yours means something else, say so before `?`:
///
/// ```
/// # use aws_event_sourcing_core::CommitError;
/// # use aws_event_sourcing_http::Problem;
/// # use axum::http::StatusCode;
/// # #[derive(Debug)] struct SoldOut;
/// # impl std::fmt::Display for SoldOut {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("sold out") }
/// # }
/// # fn example(bought: Result<u64, CommitError<SoldOut>>) -> Result<u64, Problem> {
/// let version = bought.map_err(|error| match error {
///     CommitError::Rejected(SoldOut) => Problem::new(StatusCode::GONE, "it was the last one"),
///     error => error.into(),
/// })?;
/// # Ok(version)
/// # }
/// ```
///
/// # What a client never sees
///
/// A status of 500 and above says nothing about its cause: that is the [source](Error::source), and goes to the log
/// together with the sources behind it. [`harden`](crate::harden()) writes that line and fills in `instance`, the path
/// of the request; a router without it answers with problems that lack the two.
///
/// [`Rejected`]: aws_event_sourcing_core::CommitError::Rejected
/// [`NotFound`]: aws_event_sourcing_core::CommitError::NotFound
/// [`NoSuchVersion`]: aws_event_sourcing_core::FindError::NoSuchVersion
/// [`Conflict`]: aws_event_sourcing_core::CommitError::Conflict
/// [`KeyReused`]: aws_event_sourcing_core::CommitError::KeyReused
/// [`Contended`]: aws_event_sourcing_core::CommitError::Contended
/// [`Unavailable`]: aws_event_sourcing_core::StoreErrorKind::Unavailable
/// [`Unreadable`]: aws_event_sourcing_core::Unreadable
/// [`Full`]: aws_event_sourcing_core::StoreErrorKind::Full
/// [`Lost`]: aws_event_sourcing_core::StoreErrorKind::Lost
/// [`TooLarge`]: aws_event_sourcing_core::StoreErrorKind::TooLarge
pub struct Problem(Box<Contents>);

#[derive(Debug)]
struct Contents {
    type_uri: Cow<'static, str>,
    title: Cow<'static, str>,
    status: StatusCode,
    detail: String,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The members that the RFC names, in its order; then those of the problem's own.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

const STANDARD_MEMBERS: [&str; 5] = ["type", "title", "status", "detail", "instance"];

impl Problem {
    /// A problem of type `about:blank`, whose title is that of the status. `detail` is shown to the client.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            type_uri: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Unknown Status")),
            status,
            detail: detail.into(),
            members: Map::new(),
            retry_after: None,
            cause: None,
        }))
    }

    /// A failure of the server, 500. Its cause is logged and not shown.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::failed(StatusCode::INTERNAL_SERVER_ERROR).caused_by(cause)
    }

    /// A failure of which the client learns nothing.
    pub(crate) fn failed(status: StatusCode) -> Self {
        Self::new(status, "the server failed; its log has the reason under this answer's X-Request-Id")
    }

    /// Says which kind of problem it is: a URI that stays the same for good, and what it means in a few words.
    #[must_use]
    pub fn of_type(
        mut self,
        type_uri: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.0.type_uri = type_uri.into();
        self.0.title = title.into();
        self
    }

    /// Adds a member of your own. The five names of the RFC are taken: such a member is left out.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if !STANDARD_MEMBERS.contains(&&*name) {
            self.0.members.insert(name, value.into());
        }
        self
    }

    /// Tells the client when to try again, in the header `Retry-After`: whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// What led to it. Logged and not shown.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The URI of the kind of problem.
    #[must_use]
    pub fn type_uri(&self) -> &str {
        &self.0.type_uri
    }

    /// What went wrong this time, for the client.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the log says: the cause and the sources behind it, or else what the client is told.
    pub(crate) fn reason(&self) -> impl fmt::Display {
        ErrorChain::of(self.0.cause.as_deref().map_or(self as &dyn Error, |cause| cause as _))
    }

    /// The body, for the request with that path.
    pub(crate) fn to_json(&self, instance: Option<&str>) -> Vec<u8> {
        let Contents { type_uri, title, status, detail, members, .. } = &*self.0;
        let status = status.as_u16();
        let document = Document { r#type: type_uri, title, status, detail, instance, members };
        serde_json::to_vec(&document).expect("strings, a number and JSON values have a JSON")
    }

    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(pause) = self.0.retry_after {
            let whole = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, whole.max(1).into());
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_json(None)).into_response();
        self.write_headers(response.headers_mut());
        // What `harden` logs, and fills the instance into.
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
