//! [`Flaw`]: one thing that a store does wrong. [`flawed`]: a store that is healthy but for it.

use std::{future::ready, sync::Arc};

use aws_event_sourcing_conformance::Subject;
use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, Cursor, EncodedEvent, EventStore, MemoryStore, Moment, Page,
    ResourceKey, StoreError, StoreErrorKind, Timestamp, Unreadable,
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};

pub(crate) type Outcome = Result<Appended, AppendError>;

/// One flaw: overrides what it does wrong, and leaves the rest to the healthy store.
pub(crate) trait Flaw: Send + Sync + 'static {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        healthy.append(commit)
    }

    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        healthy.read(resource, after)
    }

    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        healthy.scan(resource_type)
    }

    /// What it makes of a stream with an error in the place of each commit that cannot be read.
    fn tell(&self, told: CommitStream) -> CommitStream {
        told
    }

    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        healthy.list(resource_type, limit, after)
    }
}

/// A store with a flaw. Nobody reaches past a store in memory: a commit of it stands for what cannot be read.
pub(crate) struct Flawed<F> {
    pub(crate) healthy: MemoryStore,
    pub(crate) flaw: Arc<F>,
}

impl<F: Flaw> Flawed<F> {
    pub(crate) fn new(healthy: MemoryStore, flaw: Arc<F>) -> Self {
        Self { healthy, flaw }
    }

    /// With an error in the place of each commit that cannot be read.
    fn told(&self, commits: CommitStream) -> CommitStream {
        let told = commits.map(|read| {
            let commit = read?;
            if is_spoiled(&commit) {
                return Err(
                    Unreadable::new(commit.resource, Some(commit.number), None, "somebody was here").into()
                );
            }
            Ok(commit)
        });
        self.flaw.tell(told.boxed())
    }
}

impl<F: Flaw> EventStore for Flawed<F> {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        self.flaw.append(&self.healthy, commit)
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        self.told(self.flaw.read(&self.healthy, resource, after))
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let streams = self.flaw.scan(&self.healthy, resource_type);
        streams.into_iter().map(|commits| self.told(commits)).collect()
    }

    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
        self.healthy.has_kept(resource_type, since)
    }

    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.flaw.list(&self.healthy, resource_type, limit, after)
    }
}

/// A store that has this flaw, and all of whose handles share it.
pub(crate) fn flawed<F: Flaw + Default>() -> Subject {
    let flaw = Arc::new(F::default());
    subject(move || flaw.clone())
}

/// A store each handle of which has this flaw by itself.
pub(crate) fn flawed_by_handle<F: Flaw + Default>() -> Subject {
    subject(|| Arc::new(F::default()))
}

fn subject<F: Flaw>(flaw: impl Fn() -> Arc<F> + Send + Sync + 'static) -> Subject {
    let healthy = MemoryStore::new();
    let store = healthy.clone();
    Subject::new(move || ready(Flawed::new(healthy.clone(), flaw())))
        .spoiling(move |resource, number| spoil(store.clone(), resource, number))
}

/// Has a store hold what stands for something that cannot be read.
pub(crate) async fn spoil(store: impl EventStore, resource: ResourceKey, number: u64) {
    store.append(&spoiled_commit(resource, number)).await.expect("it is stored");
}

/// Stands in a healthy store for what cannot be read.
fn spoiled_commit(resource: ResourceKey, number: u64) -> Commit {
    Commit {
        resource,
        number,
        events: vec![EncodedEvent { event_type: SPOILED.into(), data: None }],
        at: Timestamp::from_unix_millis(0),
        id: "spoiled".into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    }
}

/// The type of its event.
const SPOILED: &str = "Spoiled";

/// Whether a commit stands for what cannot be read.
pub(crate) fn is_spoiled(commit: &Commit) -> bool {
    commit.events.iter().any(|event| event.event_type == SPOILED)
}

/// The commits of a resource behind a version.
pub(crate) async fn commits(healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> Vec<Commit> {
    healthy.read(resource, after).map(|read| read.expect("a memory store does not fail")).collect().await
}

/// The resource's commits that a read asks for, otherwise than the healthy store gives them.
pub(crate) fn altered(
    healthy: &MemoryStore,
    resource: &ResourceKey,
    after: u64,
    alter: impl FnOnce(Vec<Commit>) -> Vec<Commit> + Send + 'static,
) -> CommitStream {
    let (healthy, resource) = (healthy.clone(), resource.clone());
    later(async move { alter(commits(&healthy, &resource, after).await) })
}

/// The commits of a type, resource by resource.
pub(crate) async fn histories(healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<Vec<Commit>> {
    let mut histories: Vec<Vec<Commit>> = Vec::new();
    for stream in healthy.scan(resource_type) {
        for commit in stream.collect::<Vec<_>>().await {
            let commit = commit.expect("a memory store does not fail");
            match histories.last_mut() {
                Some(last) if last[0].resource == commit.resource => last.push(commit),
                _ => histories.push(vec![commit]),
            }
        }
    }
    histories
}

/// A stream of what a future gives.
pub(crate) fn later(commits: impl Future<Output = Vec<Commit>> + Send + 'static) -> CommitStream {
    commits.map(|commits| stream::iter(commits.into_iter().map(Ok))).flatten_stream().boxed()
}

/// A stream that fails.
pub(crate) fn failing(error: StoreError) -> CommitStream {
    stream::iter([Err(error)]).boxed()
}

pub(crate) fn unavailable() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "busy")
}
