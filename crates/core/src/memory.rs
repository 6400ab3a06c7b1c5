//! [`MemoryStore`]: commits in this process's memory, gone when it ends. For tests and for trying things out.

mod feed;
mod progress;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::ready,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use self::progress::Records;
use crate::{
    AppendError, Appended, Commit, CommitStream, Cursor, EventStore, Moment, Page, ResourceId, ResourceKey,
    StoreError, Timestamp, limits,
};

/// Commits that a stream copies at a time: the store is locked for that long.
const PAGE: usize = 256;

/// Keeps every law of a store but durability, and can be followed by [subscriptions](crate::subscription). Clones share
/// what is stored.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    types: Mutex<HashMap<Arc<str>, Stored>>,
    records: Mutex<Records>,
    /// Is told of every commit.
    appended: watch::Sender<()>,
}

/// All commits of one resource type.
#[derive(Debug, Default)]
struct Stored {
    commits: BTreeMap<ResourceId, Vec<Commit>>,
    listing: BTreeSet<(Timestamp, ResourceId)>,
    /// All commits in the order in which they were appended: their resources and numbers.
    log: Vec<(ResourceId, u64)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Stored>> {
        // Nothing that runs under the lock can leave it half-changed.
        self.0.types.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, commit: &Commit) -> Result<Appended, AppendError> {
        limits::check(commit)?;
        let mut types = self.lock();
        let stored = types.entry(commit.resource.resource_type.clone()).or_default();
        let commits = stored.commits.entry(commit.resource.id.clone()).or_default();
        match commits.binary_search_by_key(&commit.number, |existing| existing.number) {
            Ok(index) if commits[index].id == commit.id => Ok(Appended::Before),
            Ok(index) => Err(AppendError::Conflict(Some(Box::new(commits[index].clone())))),
            Err(index) if !follows(commit, commits[..index].last()) => Err(AppendError::Conflict(None)),
            Err(index) => {
                commits.insert(index, commit.clone());
                stored.log.push((commit.resource.id.clone(), commit.number));
                self.0.appended.send_replace(());
                if commit.number == 1 {
                    stored.listing.insert((commit.at, commit.resource.id.clone()));
                }
                Ok(Appended::Now)
            }
        }
    }

    /// Some commits of one resource behind a number.
    fn page(&self, resource: &ResourceKey, after: u64) -> Vec<Commit> {
        let types = self.lock();
        let commits = types.get(&resource.resource_type).and_then(|stored| stored.commits.get(&resource.id));
        let commits = commits.map_or(&[][..], Vec::as_slice);
        let from = commits.partition_point(|commit| commit.number <= after);
        commits[from..].iter().take(PAGE).cloned().collect()
    }

    fn resource_after(&self, resource_type: &Arc<str>, after: Option<&ResourceId>) -> Option<ResourceKey> {
        let types = self.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (id, _) = types.get(resource_type)?.commits.range((from, Bound::Unbounded)).next()?;
        Some(ResourceKey { resource_type: resource_type.clone(), id: id.clone() })
    }

    fn list_now(&self, resource_type: &Arc<str>, limit: usize, after: Option<&Cursor>) -> Page {
        let limit = limit.max(1);
        let types = self.lock();
        let Some(stored) = types.get(resource_type) else {
            return Page { ids: Vec::new(), next: None };
        };
        let from = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded((cursor.at, cursor.id.clone())));
        let mut rest = stored.listing.range((from, Bound::Unbounded));
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let next = page.last().filter(|_| more).map(|(at, id)| Cursor { at: *at, id: id.clone() });
        Page { ids: page.into_iter().map(|(_, id)| id.clone()).collect(), next }
    }
}

/// Whether a commit may come behind that one.
fn follows(commit: &Commit, before: Option<&Commit>) -> bool {
    commit.follows.as_ref().is_none_or(|id| {
        before.is_some_and(|before| before.id == *id && before.last_number() + 1 == commit.number)
    })
}

impl EventStore for MemoryStore {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        Box::pin(async move { self.append_now(commit) })
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        let pages =
            stream::unfold((self.clone(), resource.clone(), after), |(store, resource, after)| async move {
                let page = store.page(&resource, after);
                let last = page.last()?.number;
                Some((stream::iter(page.into_iter().map(Ok)), (store, resource, last)))
            });
        pages.flatten().boxed()
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let resources = stream::unfold(
            (self.clone(), resource_type.clone(), None),
            |(store, resource_type, after)| async move {
                let resource = store.resource_after(&resource_type, after.as_ref())?;
                let commits = store.read(&resource, 0);
                Some((commits, (store, resource_type, Some(resource.id))))
            },
        );
        vec![resources.flatten().boxed()]
    }

    /// Always: nothing takes anything away.
    fn has_kept<'a>(&'a self, _: &'a Arc<str>, _: Moment) -> BoxFuture<'a, bool> {
        Box::pin(ready(true))
    }

    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { Ok(self.list_now(resource_type, limit, after)) })
    }
}
