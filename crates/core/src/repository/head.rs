//! [`Head`]: a resource's state at one version, and how a commit moves it on.

use std::{mem::size_of, sync::Arc};

use super::{error::BrokenHistory, history::History};
use crate::{Aggregate, Commit, ResourceKey, StoreError, codec, recorded::UndecodableEvent};

/// What is known of a resource as of a version. Cheap to clone; clones share the state until one of them moves on.
#[derive(Debug)]
pub(crate) struct Head<A> {
    pub(crate) resource: ResourceKey,
    pub(crate) version: u64,
    pub(crate) state: Arc<A>,
    pub(crate) history: Arc<History>,
    /// Bytes of all events up to here. A state holds no more than what its events brought.
    event_bytes: usize,
    /// Whether `version` lies inside a commit, so that nothing can follow it.
    inside_commit: bool,
}

impl<A> Clone for Head<A> {
    fn clone(&self) -> Self {
        Self {
            resource: self.resource.clone(),
            version: self.version,
            state: self.state.clone(),
            history: self.history.clone(),
            event_bytes: self.event_bytes,
            inside_commit: self.inside_commit,
        }
    }
}

impl<A: Aggregate> Head<A> {
    /// A resource before its first event.
    pub(crate) fn new(resource: ResourceKey) -> Self {
        Self {
            resource,
            version: 0,
            state: Arc::default(),
            history: Arc::default(),
            event_bytes: 0,
            inside_commit: false,
        }
    }

    /// Applies a stored commit, which must be the next one.
    pub(super) fn apply(&mut self, commit: &Commit) -> Result<(), StoreError> {
        self.apply_until(commit, u64::MAX)
    }

    /// Applies the events of a stored commit up to number `last`.
    pub(super) fn apply_until(&mut self, commit: &Commit, last: u64) -> Result<(), StoreError> {
        let expected = self.version + 1;
        if commit.number != expected || self.inside_commit {
            let resource = self.resource.clone();
            return Err(BrokenHistory { resource, expected, found: commit.number }.into());
        }
        // Nothing is applied before everything is decoded: a head is never left inside a commit by an error.
        let mut events = Vec::with_capacity(commit.events.len());
        for (number, event) in commit.numbered().take_while(|(number, _)| *number <= last) {
            events.push(codec::decode::<A::Event>(event).map_err(|source| UndecodableEvent {
                resource: self.resource.clone(),
                number,
                event_type: event.event_type.clone().into_owned(),
                source,
            })?);
        }
        let state = Arc::make_mut(&mut self.state);
        for event in &events {
            state.apply(event);
        }
        self.inside_commit = events.len() < commit.events.len();
        self.moved(commit, events.len());
        Ok(())
    }

    /// Takes over the state that our own commit, now stored, has led to.
    pub(super) fn advance(&mut self, commit: &Commit, state: Arc<A>) {
        self.state = state;
        self.moved(commit, commit.events.len());
    }

    fn moved(&mut self, commit: &Commit, events: usize) {
        self.version += events as u64;
        self.event_bytes += commit.events[..events]
            .iter()
            .map(|event| event.event_type.len() + event.data.as_ref().map_or(0, |data| data.as_str().len()))
            .sum::<usize>();
        self.history.record(commit);
    }

    /// Whether commits can follow: false for a past version inside a commit, which must start over.
    pub(super) fn can_move_on(&self) -> bool {
        !self.inside_commit
    }

    /// An upper bound of the memory that this head takes up, in bytes.
    pub(super) fn weight(&self) -> usize {
        const OVERHEAD: usize = 256;
        OVERHEAD + size_of::<A>() + self.resource.id.as_str().len() + self.event_bytes + self.history.bytes()
    }
}
