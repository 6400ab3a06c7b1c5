//! [`Path`]: what a route captures, like axum's, with a [`Problem`] where that answers with plain text.

use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// What a route captures, percent-decoded: `Path<ResourceId>` for `/{id}`, a tuple or a struct for several.
///
/// Rejects with 400 what is not percent-encoded UTF-8 or not of the type, and with 500 (a mistake in the program) a
/// number of captures that the route does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, state).await;
        if !is_percent_encoded(uri.path()) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "the path: a % has to be followed by two hexadecimal digits; % itself is written %25",
            ));
        }
        let value = axum::extract::Path::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value.0))
    }
}

fn is_percent_encoded(path: &str) -> bool {
    let mut behind_percent = path.split('%').skip(1);
    behind_percent
        .all(|text| text.as_bytes().get(..2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)))
}
