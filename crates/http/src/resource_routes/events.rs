//! `GET /{id}/events`: a resource's events as they are stored, also those that this code cannot read.

use std::{future::ready, pin::pin};

use aws_event_sourcing_core::{
    Aggregate, Commit, CommitId, CommitStream, EncodedEvent, FindError, Json, Repository, ResourceId,
    StoreError, Timestamp, codec,
};
use axum::{
    extract::State,
    http::{HeaderMap, header::LINK},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{ResourceRoutes, id::Id, page};
use crate::{
    JsonArray, Links, Problem, Query, etag::check_reading_of_a_list, json::encoded, listed::UnreadableEvent,
    problem::not_found, query::whole_number,
};

/// A page that has so many bytes is full, so that every host can send one: events may be large.
const FULL_BYTES: usize = 512 << 10;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    limit: Option<String>,
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

impl Recorded {
    fn unreadable(event: UnreadableEvent) -> Self {
        Self { number: event.number(), unreadable: Some(event), ..Self::default() }
    }
}

pub(super) async fn events<A: Aggregate>(
    State(routes): State<ResourceRoutes<A>>,
    Id(id): Id,
    Query(parameters): Query<Parameters>,
    links: Links,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = parameters.limit.as_deref().map(page::limit).transpose()?;
    let after = parameters.after.map_or(Ok(Some(0)), |after| whole_number("after", &after))?;
    // Nothing is behind a number that is beyond all.
    let after = after.unwrap_or(u64::MAX);
    let path = links.events(&id);
    let commits = commits_after(&routes.repository, id, after).await?;
    check_reading_of_a_list(&headers)?;
    let mut next = Some(after.saturating_add(1));
    let events = commits.map(move |read| stream::iter(recorded::<A>(read, after, &mut next))).flatten();
    match limit {
        Some(limit) => one_page(events, limit, &path).await,
        None => Ok(JsonArray::begin(events).await?.into_response()),
    }
}

/// The first of the events, and where the others are.
async fn one_page(
    events: impl Stream<Item = Result<Recorded, StoreError>>,
    limit: usize,
    path: &str,
) -> Result<Response, Problem> {
    let mut events = pin!(events);
    let (mut shown, mut bytes, mut last, mut next) = (Vec::new(), 0, None, None);
    while let Some(event) = events.try_next().await? {
        // Behind an event whose number is not known no page can begin.
        if (shown.len() >= limit || bytes >= FULL_BYTES) && last.is_some() {
            next = last;
            break;
        }
        last = event.number;
        let event = serde_json::to_vec(&event).map_err(Problem::internal)?;
        bytes += event.len();
        shown.push(event);
    }
    let mut response = encoded([b"[", &*shown.join(&b','), b"]"].concat());
    if let Some(last) = next {
        response.headers_mut().insert(LINK, page::next(path, limit, last));
    }
    Ok(response)
}

/// The events of a commit behind a number, or that they cannot be read. `next` is the number that the next event has to have,
/// where that is known: those up to it are missing if it has another one, and the first of them is shown in their place.
fn recorded<A: Aggregate>(
    read: Result<Commit, StoreError>,
    after: u64,
    next: &mut Option<u64>,
) -> Vec<Result<Recorded, StoreError>> {
    let expected = next.take();
    let Commit { number: first, events, at, id, .. } = match read {
        Ok(commit) => {
            *next = Some(commit.last_number().saturating_add(1));
            commit
        }
        Err(error) => {
            let Some(unreadable) = error.unreadable() else { return vec![Err(error)] };
            let unreadable = UnreadableEvent::of(unreadable);
            let number = unreadable.number();
            if number.is_some_and(|number| number <= after) {
                return Vec::new();
            }
            return vec![Ok(Recorded::unreadable(unreadable))];
        }
    };
    let missing = expected.filter(|expected| *expected < first).map(UnreadableEvent::missing);
    let numbered = (first..).zip(events).filter(move |(number, _)| *number > after);
    let recorded = numbered.map(|(number, event)| {
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
    });
    missing.map(Recorded::unreadable).map(Ok).into_iter().chain(recorded).collect()
}

/// The commits that hold any event behind a number, which need not be the last one of a commit.
async fn commits_after<A: Aggregate>(
    repository: &Repository<A>,
    id: ResourceId,
    after: u64,
) -> Result<CommitStream, Problem> {
    let resource = repository.key(id);
    let mut back = 0;
    if after > 0 {
        match repository.find_one(&resource.id).await {
            Ok(found) if found.version() <= after => return Ok(stream::empty().boxed()),
            Ok(_) => {}
            // It is shown all the same, from wherever it can be read.
            Err(FindError::Unreadable(_)) => back = after,
            Err(error) => return Err(error.into()),
        }
    }
    // Further and further back, until there is the commit that has the first of these events.
    loop {
        let from = after.saturating_sub(back);
        let mut commits = repository.store().read(&resource, from);
        match commits.next().await {
            Some(first) if from == 0 || begins_by(&first, after.saturating_add(1)) => {
                let is_behind = move |read: &Result<Commit, StoreError>| {
                    ready(read.as_ref().map_or(true, |commit| commit.last_number() > after))
                };
                return Ok(stream::iter([first]).chain(commits).filter(is_behind).boxed());
            }
            None if from == 0 => return Err(not_found(format!("{resource} does not exist"))),
            Some(Err(error)) if error.unreadable().is_none() => return Err(error.into()),
            _ => back = if back == 0 { 16 } else { back * 16 },
        }
    }
}

/// Whether a commit begins with that event or an earlier one.
fn begins_by(read: &Result<Commit, StoreError>, number: u64) -> bool {
    match read {
        Ok(commit) => commit.number <= number,
        Err(error) => {
            error.unreadable().and_then(|unreadable| unreadable.number).is_some_and(|first| first <= number)
        }
    }
}
