//! [`Recorded`]: an event of the past, with everything that is known about it.

use serde::de::DeserializeOwned;

use crate::{Commit, CommitId, Json, ResourceKey, Timestamp, TraceParent, Unreadable, codec};

/// An event as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E> {
    /// The resource that it happened to.
    pub resource: ResourceKey,
    /// Its number within the resource: 1, 2, 3, …
    pub number: u64,
    /// What happened.
    pub event: E,
    /// When it was committed.
    pub at: Timestamp,
    /// The commit that it is part of: the caller's idempotency key, or a UUID v7.
    pub commit: CommitId,
    /// The trace that it was committed in.
    pub trace: Option<TraceParent>,
    /// What led to it, when a subscription's handler did.
    pub cause: Option<Box<str>>,
    /// The caller's own: a JSON object.
    pub meta: Option<Json>,
}

impl<E: DeserializeOwned> Recorded<E> {
    /// The event of that index in a commit.
    pub(crate) fn of(commit: &Commit, index: usize) -> Result<Self, Unreadable> {
        let (stored, number) = (&commit.events[index], commit.number + index as u64);
        let event = codec::decode(stored).map_err(|source| {
            Unreadable::new(commit.resource.clone(), Some(number), Some(&stored.event_type), source)
        })?;
        Ok(Self {
            resource: commit.resource.clone(),
            number,
            event,
            at: commit.at,
            commit: commit.id.clone(),
            trace: commit.trace,
            cause: commit.cause.clone(),
            meta: commit.meta.clone(),
        })
    }
}
