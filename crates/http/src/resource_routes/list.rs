//! `GET /`: all resources, or a page of them.

use std::future::ready;

use aws_event_sourcing_core::{Aggregate, Cursor, FindError, Resource};
use axum::{
    extract::State,
    http::{HeaderMap, header::LINK},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::{ResourceRoutes, page};
use crate::{JsonArray, Links, Listed, Problem, Query, etag::check_reading_of_a_list, json::encoded};

const DEFAULT_LIMIT: usize = 100;

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
        let limit = parameters.limit.as_deref().map_or(Ok(DEFAULT_LIMIT), page::limit)?;
        let after = parameters.after.map(|after| after.parse::<Cursor>()).transpose()?;
        one_page(&routes, &links, limit, after.as_ref()).await?
    };
    check_reading_of_a_list(&headers)?;
    Ok(response)
}

async fn all<A: Aggregate>(routes: ResourceRoutes<A>, links: Links) -> Result<JsonArray, Problem> {
    let found = routes.repository.find_all();
    JsonArray::begin_encoded(found.filter_map(move |found| ready(entry(&routes, &links, found)))).await
}

async fn one_page<A: Aggregate>(
    routes: &ResourceRoutes<A>,
    links: &Links,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Response, Problem> {
    let page = routes.repository.find_page(limit, after).await?;
    let entries = page.resources.into_iter().filter_map(|found| entry(routes, links, found));
    let shown: Vec<_> = entries.collect::<Result<_, _>>()?;

    let mut response = encoded([b"[", &*shown.join(&b','), b"]"].concat());
    if let Some(next) = page.next {
        let path = if links.collection().is_empty() { "/" } else { links.collection() };
        response.headers_mut().insert(LINK, page::next(path, limit, next));
    }
    Ok(response)
}

/// What was found as JSON, unless it is left out. Whether one is to be left out that cannot be read, nobody knows.
fn entry<A: Aggregate>(
    routes: &ResourceRoutes<A>,
    links: &Links,
    found: Result<Resource<A>, impl Into<FindError>>,
) -> Option<Result<Vec<u8>, Problem>> {
    match found {
        Ok(resource) => (routes.listed)(&resource).then(|| routes.show(&resource, links)),
        Err(error) => Some(
            Listed::<()>::of(Err(error))
                .and_then(|entry| serde_json::to_vec(&entry).map_err(Problem::internal)),
        ),
    }
}
