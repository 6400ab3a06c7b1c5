//! `GET /{id}`: a resource, now or as of a version.

use aws_event_sourcing_core::Aggregate;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{ResourceRoutes, id::Id};
use crate::{ETag, Links, Problem, Query, etag::is_known_to_client, json::encoded, query::whole_number};

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    version: Option<String>,
}

pub(super) async fn find<A: Aggregate>(
    State(routes): State<ResourceRoutes<A>>,
    Id(id): Id,
    Query(parameters): Query<Parameters>,
    links: Links,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let resource = match parameters.version {
        Some(version) => routes.repository.find_one_at(id, whole_number("version", &version)?).await?,
        None => routes.repository.find_one(id).await?,
    };
    let tag = ETag::of(&resource);
    if is_known_to_client(&headers, resource.version()) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, encoded(routes.show(&resource, &links)?)).into_response())
}
