//! [`Query`]: the query string, like axum's, with a [`Problem`] where that answers with plain text.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The query string. Parameters that `T` does not have are ignored; one that does not parse is rejected with 400.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let value = axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value.0))
    }
}

/// A whole number in a query. One that is beyond all bounds is the largest.
pub(crate) fn whole_number(name: &str, text: &str) -> Result<u64, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let detail = format!("the query: {name} has to be a whole number, not {text:?}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}
