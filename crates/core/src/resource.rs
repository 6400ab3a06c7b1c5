//! [`Resource`]: one thing with an id, a version and a state, at hand.

use std::{fmt, ops::Deref};

use serde::{Serialize, Serializer};

use crate::{
    Aggregate, Repository, ResourceId, StoreError, Write,
    repository::{Head, Intent},
};

/// A resource as it was when it was found, with what has been committed through it since. Derefs to its state.
///
/// It may be behind what others have committed meanwhile; [`hydrate`](Self::hydrate) brings it up to date, and a
/// commit does so by itself when it has to.
///
/// Serializes as one JSON object: `id`, `version`, and the state's own fields, which should have other names than
/// these two.
pub struct Resource<A: Aggregate> {
    repository: Repository<A>,
    head: Head<A>,
}

impl<A: Aggregate> Resource<A> {
    pub(crate) fn new(repository: Repository<A>, head: Head<A>) -> Self {
        Self { repository, head }
    }

    pub(crate) fn parts(&mut self) -> (&Repository<A>, &mut Head<A>) {
        (&self.repository, &mut self.head)
    }

    /// What tells it from all others of its type.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.head.resource.id
    }

    /// The number of the last event that its state takes into account; at least 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.head.version
    }

    /// What its events add up to.
    #[must_use]
    pub fn state(&self) -> &A {
        &self.head.state
    }

    /// Reads and applies the events that it has not seen.
    ///
    /// # Errors
    ///
    /// When the store fails. What was read until then has been applied.
    pub async fn hydrate(&mut self) -> Result<(), StoreError> {
        self.repository.hydrate(&mut self.head).await
    }

    /// Commits an event: validates it on the newest state that this process knows, and writes it on the condition that
    /// nothing newer is there. Awaiting it gives the version that it reached, or a
    /// [`CommitError`](crate::CommitError); this resource then has at least that version.
    pub fn commit(&mut self, event: A::Event) -> Write<'_, A, &mut Self> {
        self.commit_all([event])
    }

    /// Commits several events, all of them or none. Each is validated on the state that those before it lead to.
    /// Nothing is written when there are none.
    pub fn commit_all(&mut self, events: impl IntoIterator<Item = A::Event>) -> Write<'_, A, &mut Self> {
        Write::new(self, Intent::events(events))
    }
}

impl<A: Aggregate> Deref for Resource<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.head.state
    }
}

impl<A: Aggregate> Clone for Resource<A> {
    fn clone(&self) -> Self {
        Self { repository: self.repository.clone(), head: self.head.clone() }
    }
}

impl<A: Aggregate + fmt::Debug> fmt::Debug for Resource<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("type", &A::TYPE)
            .field("id", &self.id().as_str())
            .field("version", &self.version())
            .field("state", self.state())
            .finish()
    }
}

impl<A: Aggregate + Serialize> Serialize for Resource<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a, A> {
            id: &'a ResourceId,
            version: u64,
            #[serde(flatten)]
            state: &'a A,
        }
        Fields { id: self.id(), version: self.version(), state: self.state() }.serialize(serializer)
    }
}
