//! [`Json`]: JSON in and out, like axum's, with a [`Problem`] where that answers with plain text.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use mime::Mime;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Problem, problem::no_json, strict::Strict};

/// A JSON body: of the request as an extractor, of the response when it is returned.
///
/// As an extractor it wants `application/json` or `application/…+json`, and rejects with 415 (another media type or
/// none, or a `charset` that is not UTF-8), 413 (above the limit) or 400 (no UTF-8, no JSON, or of another shape; `detail` has
/// serde's message and the path of the field). Fields that `T` does not have are ignored. A struct is an object: an array of its fields is refused, but for the
/// structs that serde reads into memory first, which are those in an enum that is `untagged` or has a `tag` inside, and those
/// in a field of a struct that is `flatten`ed. A whole number may be written `5.0`.
///
/// `Option<Json<T>>` is none when the body is empty or absent, whatever the media type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        let bytes = Bytes::from_request(request, state).await?;
        decode(&bytes)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        check_media_type(&headers)?;
        decode(&bytes).map(Some)
    }
}

/// The media type of JSON, which is UTF-8 whatever else is said of it (RFC 8259, section 8.1): who says something else means
/// something else.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let stated = lines.next().filter(|_| lines.next().is_none());
    let media_type = stated.and_then(|stated| stated.to_str().ok()?.parse::<Mime>().ok());
    let is_json = |media_type: &Mime| {
        media_type.type_() == mime::APPLICATION
            && (media_type.subtype() == mime::JSON || media_type.suffix() == Some(mime::JSON))
    };
    let media_type = media_type.filter(is_json).ok_or_else(no_json)?;
    let mut charsets = media_type.params().filter(|(name, _)| *name == mime::CHARSET);
    match charsets.find(|(_, charset)| !["utf-8", "utf8", "us-ascii"].iter().any(|utf8| charset == utf8)) {
        None => Ok(()),
        Some((_, charset)) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("the body has to be JSON in UTF-8 (charset=utf-8, or none), not in {charset}"),
        )),
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, Problem> {
    // All of it: what nobody reads, serde passes over as it is.
    if let Err(error) = str::from_utf8(bytes) {
        let detail = format!("the body is not UTF-8 behind byte {}", error.valid_up_to());
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let axum::Json(Strict(value)) = axum::Json::<Strict<T>>::from_bytes(bytes)?;
    Ok(Json(value))
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
