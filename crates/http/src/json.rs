//! [`Json`]: JSON in and out, like axum's, with a [`Problem`] where that answers with plain text.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Problem, strict::Strict};

/// A JSON body: of the request as an extractor, of the response when it is returned.
///
/// As an extractor it wants `application/json` or `application/…+json`, and rejects with 415 (another media type or
/// none), 413 (above the limit) or 400 (no JSON, or of another shape; `detail` has serde's message and the path of the
/// field). Fields that `T` does not have are ignored. A struct is an object: an array of its fields is refused, but for the
/// structs that serde reads into memory first, which are those in an enum that is `untagged` or has a `tag` inside, and those
/// in a field of a struct that is `flatten`ed. A whole number may be written `5.0`.
///
/// `Option<Json<T>>` is none when the body is empty or absent, whatever the media type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let value = <axum::Json<Strict<T>> as FromRequest<S>>::from_request(request, state).await?;
        Ok(Self(value.0.0))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => encoded(json),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// A response of JSON that is text already.
pub(crate) fn encoded(json: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json.into()).into_response()
}
