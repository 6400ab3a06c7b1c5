//! [`Created`] and [`Representation`]: a resource as a response. [`Location`]: where a new one is.

use std::convert::Infallible;

use aws_event_sourcing_core::{Aggregate, Resource, ResourceId};
use axum::{
    http::StatusCode,
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};
use serde::Serialize;

use crate::{ETag, Json};

/// 200, with the resource as JSON (`id`, `version` and its state) and its version as [`ETag`].
#[derive(Debug, Clone)]
pub struct Representation<A: Aggregate>(pub Resource<A>);

/// 201, with the resource as JSON, its version as [`ETag`], and its [`Location`].
#[derive(Debug, Clone)]
pub struct Created<A: Aggregate>(pub Resource<A>);

/// The header `Location` of a resource that has been created by a request to the collection: the path of the request,
/// and the id, percent-encoded. Part of a response, as in `(StatusCode::CREATED, Location::of(&product), body)`.
///
/// Only [`harden`](crate::harden()) knows the path; it leaves a `Location` alone that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location(pub ResourceId);

impl Location {
    /// Where that resource is.
    #[must_use]
    pub fn of<A: Aggregate>(resource: &Resource<A>) -> Self {
        Self(resource.id().clone())
    }
}

impl<A: Aggregate + Serialize> IntoResponse for Representation<A> {
    fn into_response(self) -> Response {
        (ETag::of(&self.0), Json(self.0)).into_response()
    }
}

impl<A: Aggregate + Serialize> IntoResponse for Created<A> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Location::of(&self.0), ETag::of(&self.0), Json(self.0)).into_response()
    }
}

impl IntoResponseParts for Location {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.extensions_mut().insert(self);
        Ok(response)
    }
}
