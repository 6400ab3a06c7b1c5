//! `GET /{id}`: a resource, now or as of a version or a time.

use aws_event_sourcing_core::{Aggregate, Resource, ResourceId};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_LOCATION},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{ResourceRoutes, id::Id};
use crate::{
    ETag, Links, Problem, Query,
    etag::{Reading, condition_of_reading},
    json::encoded,
    problem::no_such_version,
    query::{moment, whole_number},
};

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    version: Option<String>,
    at: Option<String>,
}

pub(super) async fn find<A: Aggregate>(
    State(routes): State<ResourceRoutes<A>>,
    Id(id): Id,
    Query(Parameters { version, at }): Query<Parameters>,
    links: Links,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let resource = match (&version, &at) {
        (None, None) => routes.repository.find_one(id).await?,
        (Some(version), None) => of_version(&routes, id, version).await?,
        (None, Some(at)) => routes.repository.find_one_at_time(id, moment("at", at)?).await?,
        (Some(_), Some(_)) => {
            let detail = "the query: version and at exclude each other";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
    };
    let tag = ETag::of(&resource);
    let mut response = match condition_of_reading(&headers, resource.version())? {
        Reading::NotModified => (StatusCode::NOT_MODIFIED, tag).into_response(),
        Reading::Whole => (tag, encoded(routes.show(&resource, &links)?)).into_response(),
    };
    if at.is_some() {
        // Where this state is for good: later commits may still have been made by that time.
        let path = format!("{}?version={}", links.resource(resource.id()), resource.version());
        let path = HeaderValue::try_from(path).expect("a percent-encoded path is visible ASCII");
        response.headers_mut().insert(CONTENT_LOCATION, path);
    }
    Ok(response)
}

async fn of_version<A: Aggregate>(
    routes: &ResourceRoutes<A>,
    id: ResourceId,
    text: &str,
) -> Result<Resource<A>, Problem> {
    if let Some(version) = whole_number("version", text)? {
        return Ok(routes.repository.find_one_at(id, version).await?);
    }
    let found = routes.repository.find_one(id).await?;
    let (resource, actual) = (routes.repository.key(found.id().clone()), found.version());
    Err(no_such_version(format!("{resource} has no version {text}; its version is {actual}"), actual))
}
