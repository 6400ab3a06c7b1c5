//! [`Head`]: a resource's state at one version, and how a commit moves it on.

use std::{mem::size_of, sync::Arc};

use super::{error::BrokenHistory, history::History};
use crate::{Aggregate, Commit, CommitId, Moment, ResourceKey, Timestamp, Unreadable, codec};

/// What is known of a resource as of a version. Cheap to clone; clones share the state until one of them moves on.
#[derive(Debug)]
pub(crate) struct Head<A> {
    pub(crate) resource: ResourceKey,
    pub(crate) version: u64,
    pub(crate) state: Arc<A>,
    pub(crate) history: Arc<History>,
    /// The commit that led to this version; none before the first.
    pub(super) last: Option<Arc<LastCommit>>,
    /// When that commit was known to be in the store.
    pub(super) seen: Moment,
    /// The latest time of the commits up to here.
    pub(super) latest: Timestamp,
    /// Bytes of all events up to here. A state holds no more than what its events brought.
    event_bytes: usize,
    /// Whether `version` lies inside a commit, so that nothing can follow it.
    inside_commit: bool,
}

/// The newest commit that a head has applied.
#[derive(Debug)]
pub(super) struct LastCommit {
    pub(super) id: CommitId,
    /// The number of its first event.
    pub(super) number: u64,
    /// Bytes of its events.
    pub(super) bytes: usize,
}

impl LastCommit {
    /// Whether it is that one.
    pub(super) fn is(&self, commit: &Commit) -> bool {
        self.number == commit.number && self.id == commit.id
    }
}

impl<A> Clone for Head<A> {
    fn clone(&self) -> Self {
        Self {
            resource: self.resource.clone(),
            version: self.version,
            state: self.state.clone(),
            history: self.history.clone(),
            last: self.last.clone(),
            seen: self.seen,
            latest: self.latest,
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
            last: None,
            seen: Moment::now(),
            latest: Timestamp::from_unix_millis(0),
            event_bytes: 0,
            inside_commit: false,
        }
    }

    /// Applies a stored commit, which must be the next one.
    pub(super) fn apply(&mut self, commit: &Commit) -> Result<(), Unreadable> {
        self.apply_until(commit, u64::MAX)
    }

    /// Applies the events of a stored commit up to number `last`.
    pub(super) fn apply_until(&mut self, commit: &Commit, last: u64) -> Result<(), Unreadable> {
        self.must_be_followed_by(commit)?;
        // Nothing is applied before everything is decoded: a head is never left inside a commit by an error.
        let mut events = Vec::with_capacity(commit.events.len());
        for (number, event) in commit.numbered().take_while(|(number, _)| *number <= last) {
            events.push(codec::decode::<A::Event>(event).map_err(|source| {
                Unreadable::new(self.resource.clone(), Some(number), Some(&event.event_type), source)
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

    fn must_be_followed_by(&self, commit: &Commit) -> Result<(), Unreadable> {
        let (expected, found) = (self.version + 1, commit.number);
        let follows =
            commit.follows.as_ref().filter(|id| self.last.as_ref().is_none_or(|last| last.id != **id));
        let broken = match (follows.cloned(), found == expected && !self.inside_commit) {
            (None, true) => return Ok(()),
            (None, false) => BrokenHistory::Gap { expected, found },
            (Some(follows), false) => BrokenHistory::Lost { found, follows },
            (Some(follows), true) => BrokenHistory::Mixed { number: found, follows },
        };
        Err(Unreadable::new(self.resource.clone(), Some(expected), None, broken))
    }

    /// Takes over the state that our own commit, now stored, has led to.
    pub(super) fn advance(&mut self, commit: &Commit, state: Arc<A>) {
        self.state = state;
        self.moved(commit, commit.events.len());
    }

    fn moved(&mut self, commit: &Commit, events: usize) {
        self.version += events as u64;
        let bytes = commit.events[..events]
            .iter()
            .map(|event| event.event_type.len() + event.data.as_ref().map_or(0, |data| data.as_str().len()))
            .sum::<usize>();
        self.event_bytes += bytes;
        self.last = Some(Arc::new(LastCommit { id: commit.id.clone(), number: commit.number, bytes }));
        self.latest = self.latest.max(commit.at);
        self.history.record(commit);
    }

    /// Whether commits can follow: false for a past version inside a commit, which must start over.
    pub(super) fn can_move_on(&self) -> bool {
        !self.inside_commit
    }

    /// An upper bound of the memory that this head takes up, in bytes.
    pub(super) fn weight(&self) -> usize {
        const OVERHEAD: usize = 256;
        let last = self.last.as_ref().map_or(0, |last| last.id.as_str().len());
        OVERHEAD
            + last
            + size_of::<A>()
            + self.resource.id.as_str().len()
            + self.event_bytes
            + self.history.bytes()
    }
}
