//! `GET /{id}/events`: a resource's events as they are stored, without a look at what they mean.

use std::future::ready;

use aws_event_sourcing_core::{
    Aggregate, Commit, CommitId, CommitStream, EncodedEvent, FindError, Json, Repository, ResourceId,
    StoreError, StoreErrorKind, Timestamp,
};
use axum::{extract::State, http::HeaderMap};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::{ResourceRoutes, id::Id};
use crate::{
    JsonArray, Problem, Query, etag::check_reading_of_a_list, problem::not_found, query::whole_number,
};

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Recorded {
    number: u64,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
    at: Timestamp,
    commit: CommitId,
}

pub(super) async fn events<A: Aggregate>(
    State(routes): State<ResourceRoutes<A>>,
    Id(id): Id,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<JsonArray, Problem> {
    let after = parameters.after.map_or(Ok(Some(0)), |after| whole_number("after", &after))?;
    // Nothing is behind a number that is beyond all.
    let after = after.unwrap_or(u64::MAX);
    let commits = commits_after(&routes.repository, id, after).await?;
    check_reading_of_a_list(&headers)?;
    let events = commits.map_ok(move |commit| stream::iter(recorded(commit, after)).map(Ok::<_, StoreError>));
    JsonArray::begin(events.try_flatten()).await
}

fn recorded(commit: Commit, after: u64) -> impl Iterator<Item = Recorded> {
    let Commit { number: first, events, at, id, .. } = commit;
    let numbered = (first..).zip(events).filter(move |(number, _)| *number > after);
    numbered.map(move |(number, EncodedEvent { event_type, data })| Recorded {
        number,
        r#type: event_type.into_owned(),
        data,
        at,
        commit: id.clone(),
    })
}

/// The commits that hold any event behind a number, which need not be the last one of a commit.
async fn commits_after<A: Aggregate>(
    repository: &Repository<A>,
    id: ResourceId,
    after: u64,
) -> Result<CommitStream, Problem> {
    let resource = repository.key(id);
    if after > 0 {
        match repository.find_one(&resource.id).await {
            Ok(found) if found.version() <= after => return Ok(stream::empty().boxed()),
            Ok(_) => {
                let mut commits = repository.store().read(&resource, after);
                if let Some(first) = commits.try_next().await?.filter(|first| first.number == after + 1) {
                    return Ok(stream::iter([Ok(first)]).chain(commits).boxed());
                }
            }
            // Events of a type that this code does not know, which are shown all the same.
            Err(FindError::Store(error)) if error.kind() == StoreErrorKind::Undecodable => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut commits = repository.store().read(&resource, 0);
    let Some(first) = commits.try_next().await? else {
        return Err(not_found(format!("{resource} does not exist")));
    };
    let commits = stream::iter([Ok(first)]).chain(commits);
    Ok(commits.try_filter(move |commit| ready(commit.last_number() > after)).boxed())
}
