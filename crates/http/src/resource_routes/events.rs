//! `GET /{id}/events`: a resource's events as they are stored, also those that this code cannot read.

use std::future::ready;

use aws_event_sourcing_core::{
    Aggregate, Commit, CommitId, CommitStream, EncodedEvent, FindError, Json, Repository, ResourceId,
    StoreError, Timestamp, codec,
};
use axum::{extract::State, http::HeaderMap};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{ResourceRoutes, id::Id};
use crate::{
    JsonArray, Problem, Query, etag::check_reading_of_a_list, listed::UnreadableEvent, problem::not_found,
    query::whole_number,
};

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    after: Option<String>,
}

/// An event as it is stored. What a commit has that cannot be read is not known.
#[derive(Debug, Default, Serialize)]
struct Recorded {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<CommitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<UnreadableEvent>,
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
    let events = commits.map(move |read| stream::iter(recorded::<A>(read, after)));
    JsonArray::begin(events.flatten()).await
}

/// The events of a commit behind a number, or that they cannot be read.
fn recorded<A: Aggregate>(read: Result<Commit, StoreError>, after: u64) -> Vec<Result<Recorded, StoreError>> {
    let Commit { number: first, events, at, id, .. } = match read {
        Ok(commit) => commit,
        Err(error) => {
            let Some(unreadable) = error.unreadable() else { return vec![Err(error)] };
            let unreadable = UnreadableEvent::of(unreadable);
            let number = unreadable.number();
            if number.is_some_and(|number| number <= after) {
                return Vec::new();
            }
            return vec![Ok(Recorded { number, unreadable: Some(unreadable), ..Recorded::default() })];
        }
    };
    let numbered = (first..).zip(events).filter(move |(number, _)| *number > after);
    numbered
        .map(|(number, event)| {
            let unreadable = codec::decode::<A::Event>(&event).is_err();
            let unreadable = unreadable.then(|| UnreadableEvent::new(number, &event.event_type));
            let EncodedEvent { event_type, data } = event;
            Ok(Recorded {
                number: Some(number),
                r#type: Some(event_type.into_owned()),
                // Somebody may have stored what is no JSON.
                data: data.filter(|data| unreadable.is_none() || data.decode::<IgnoredAny>().is_ok()),
                at: Some(at),
                commit: Some(id.clone()),
                unreadable,
            })
        })
        .collect()
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
            // It is shown all the same.
            Err(FindError::Unreadable(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut commits = repository.store().read(&resource, 0);
    let Some(first) = commits.next().await else {
        return Err(not_found(format!("{resource} does not exist")));
    };
    let is_behind = move |read: &Result<Commit, StoreError>| {
        ready(read.as_ref().map_or(true, |commit| commit.last_number() > after))
    };
    Ok(stream::iter([first]).chain(commits).filter(is_behind).boxed())
}
