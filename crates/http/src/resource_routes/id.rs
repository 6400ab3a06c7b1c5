//! The `{id}` of a route, wherever the route is nested.

use aws_event_sourcing_core::ResourceId;
use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{Path, Problem};

/// The last capture of this name: the path that the routes are nested under may capture something too.
#[derive(Debug)]
pub(super) struct Id(pub(super) ResourceId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(captures) = Path::<Vec<(String, ResourceId)>>::from_request_parts(parts, state).await?;
        let last = captures.into_iter().rfind(|(name, _)| name == "id");
        last.map(|(_, id)| Self(id)).ok_or_else(|| Problem::internal("the route has no capture {id}"))
    }
}
