//! [`EventStream`]: a resource's events, decoded, with everything that was recorded about them.

use std::{
    fmt,
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Repository;
use crate::{Aggregate, Commit, CommitStream, Recorded, ResourceKey, StoreError};

/// The events of one resource in order. Ends after an error. A page is in memory at a time.
#[must_use = "a stream does nothing until it is polled"]
pub struct EventStream<A: Aggregate> {
    repository: Repository<A>,
    resource: ResourceKey,
    after: u64,
    events: Option<Events<A>>,
}

type Events<A> = Pin<Box<dyn Stream<Item = Result<Recorded<<A as Aggregate>::Event>, StoreError>> + Send>>;

impl<A: Aggregate> EventStream<A> {
    pub(super) fn new(repository: Repository<A>, resource: ResourceKey) -> Self {
        Self { repository, resource, after: 0, events: None }
    }

    /// Only the events with a greater number. Costs what reading these costs, except when that number is inside a
    /// commit of several events: then the history is read from its beginning.
    pub fn after(self, number: u64) -> Self {
        Self { after: number, ..self }
    }

    fn open(&self) -> Events<A> {
        let after = self.after;
        let events = commits_after(self.repository.clone(), self.resource.clone(), after)
            .map_ok(move |commit| stream::iter(decode::<A>(&commit, after)))
            .try_flatten();
        events.boxed()
    }
}

/// The commits that hold any event behind a number, which need not be the last one of a commit.
fn commits_after<A: Aggregate>(
    repository: Repository<A>,
    resource: ResourceKey,
    after: u64,
) -> impl Stream<Item = Result<Commit, StoreError>> + Send {
    let opened = async move { open_after(&repository, &resource, after).await };
    stream::once(opened).try_flatten()
}

async fn open_after<A: Aggregate>(
    repository: &Repository<A>,
    resource: &ResourceKey,
    after: u64,
) -> Result<CommitStream, StoreError> {
    let store = &repository.inner.store;
    if after == 0 {
        return Ok(store.read(resource, 0));
    }
    let mut head = repository.known(resource.clone());
    if head.version <= after {
        repository.hydrate(&mut head).await?;
    }
    if head.version <= after {
        return Ok(stream::empty().boxed());
    }
    let mut commits = store.read(resource, after);
    match commits.try_next().await? {
        Some(first) if first.number == after + 1 => Ok(stream::iter([Ok(first)]).chain(commits).boxed()),
        _ => {
            Ok(store.read(resource, 0).try_filter(move |commit| ready(commit.last_number() > after)).boxed())
        }
    }
}

fn decode<A: Aggregate>(commit: &Commit, after: u64) -> Vec<Result<Recorded<A::Event>, StoreError>> {
    let numbered = commit.numbered().enumerate().filter(|(_, (number, _))| *number > after);
    numbered.map(|(index, _)| Ok(Recorded::of(commit, index)?)).collect()
}

impl<A: Aggregate> Stream for EventStream<A> {
    type Item = Result<Recorded<A::Event>, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut events = self.events.take().unwrap_or_else(|| self.open());
        let next = events.poll_next_unpin(context);
        let failed = matches!(next, Poll::Ready(Some(Err(_))));
        self.events = Some(if failed { stream::empty().boxed() } else { events });
        next
    }
}

impl<A: Aggregate> fmt::Debug for EventStream<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, after, .. } = self;
        f.debug_struct("EventStream")
            .field("resource", resource)
            .field("after", after)
            .finish_non_exhaustive()
    }
}
