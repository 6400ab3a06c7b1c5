//! `GET /`: all resources, or a page of them.

use std::future::ready;

use aws_event_sourcing_core::{Aggregate, Cursor, FindError, ResourceId};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::LINK},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::ResourceRoutes;
use crate::{
    JsonArray, Links, Problem, Query, etag::check_reading_of_a_list, json::encoded, query::whole_number,
};

const DEFAULT_LIMIT: usize = 100;

const MAX_LIMIT: u64 = 1000;

/// Resources of a page that are read side by side.
const SIDE_BY_SIDE: usize = 16;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    limit: Option<String>,
    after: Option<String>,
}

pub(super) async fn list<A: Aggregate>(
    State(routes): State<ResourceRoutes<A>>,
    Query(parameters): Query<Parameters>,
    links: Links,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let response = if let Parameters { limit: None, after: None } = parameters {
        all(routes, links).await?.into_response()
    } else {
        let limit = parameters.limit.as_deref().map_or(Ok(DEFAULT_LIMIT), limit)?;
        let after = parameters.after.map(|after| after.parse::<Cursor>()).transpose()?;
        page(&routes, &links, limit, after.as_ref()).await?
    };
    check_reading_of_a_list(&headers)?;
    Ok(response)
}

fn limit(text: &str) -> Result<usize, Problem> {
    match whole_number("limit", text)?.unwrap_or(MAX_LIMIT).min(MAX_LIMIT) {
        0 => Err(Problem::new(StatusCode::BAD_REQUEST, "the query: limit has to be at least 1")),
        limit => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
    }
}

async fn all<A: Aggregate>(routes: ResourceRoutes<A>, links: Links) -> Result<JsonArray, Problem> {
    let resources = routes.repository.find_all().map_err(Problem::from);
    JsonArray::begin_encoded(resources.try_filter_map(move |resource| {
        let listed = (routes.listed)(&resource);
        ready(listed.then(|| routes.show(&resource, &links)).transpose())
    }))
    .await
}

async fn page<A: Aggregate>(
    routes: &ResourceRoutes<A>,
    links: &Links,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Response, Problem> {
    let page = routes.repository.list(limit, after).await?;
    let shown = stream::iter(page.ids).map(|id| shown(routes, links, id)).buffered(SIDE_BY_SIDE);
    let shown: Vec<_> = shown.try_collect().await?;
    let shown: Vec<_> = shown.into_iter().flatten().collect();

    let mut response = encoded([b"[", &*shown.join(&b','), b"]"].concat());
    if let Some(next) = page.next {
        let path = if links.collection().is_empty() { "/" } else { links.collection() };
        let link = format!("<{path}?limit={limit}&after={next}>; rel=\"next\"");
        let link =
            HeaderValue::try_from(link).expect("a percent-encoded path and a cursor are visible ASCII");
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// A listed resource as JSON, unless it is left out.
async fn shown<A: Aggregate>(
    routes: &ResourceRoutes<A>,
    links: &Links,
    id: ResourceId,
) -> Result<Option<Vec<u8>>, Problem> {
    let resource = match routes.repository.find_one(id).await {
        // A listing may be behind: somebody has removed it from the store.
        Err(FindError::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    (routes.listed)(&resource).then(|| routes.show(&resource, links)).transpose()
}
