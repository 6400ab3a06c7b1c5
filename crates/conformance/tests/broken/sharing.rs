//! Flaws of several handles on one store, and of several types in one.

use std::{
    future::ready,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_event_sourcing_conformance::Subject;
use aws_event_sourcing_core::{
    Commit, CommitStream, Cursor, EventStore, MemoryStore, Page, ResourceKey, StoreError,
};
use futures_util::{StreamExt as _, future::BoxFuture};

use crate::flaw::{Flaw, Outcome};

/// Each handle has a store of its own.
pub(crate) fn handles_that_share_nothing() -> Subject {
    Subject::new(|| ready(MemoryStore::new()))
}

/// What is stored is gone when the last handle is dropped.
pub(crate) fn a_store_that_forgets() -> Subject {
    let open = Mutex::new(Weak::<MemoryStore>::new());
    Subject::new(move || {
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let store = open.upgrade().unwrap_or_default();
        *open = Arc::downgrade(&store);
        ready(store)
    })
}

/// Who opens it and finds nothing there, makes a new store; two at the same moment make two.
pub(crate) fn a_store_that_is_made_twice() -> Subject {
    let made = Arc::new(Mutex::new(None::<MemoryStore>));
    Subject::new(move || {
        let made = made.clone();
        async move {
            let found = made.lock().unwrap_or_else(PoisonError::into_inner).clone();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            match found {
                Some(store) => store,
                None => {
                    made.lock().unwrap_or_else(PoisonError::into_inner).insert(MemoryStore::new()).clone()
                }
            }
        }
    })
}

/// Keeps all types in one place, as one.
#[derive(Default)]
pub(crate) struct IgnoresTheType;

impl Flaw for IgnoresTheType {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let resource = ResourceKey::new("any", commit.resource.id.clone());
            healthy.append(&Commit { resource, ..commit.clone() }).await
        })
    }

    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        let all = healthy.read(&ResourceKey::new("any", resource.id.clone()), after);
        of_type(&resource.resource_type, all)
    }

    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        healthy.scan(&"any".into()).into_iter().map(|all| of_type(resource_type, all)).collect()
    }

    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        _: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { healthy.list(&"any".into(), limit, after).await })
    }
}

fn of_type(resource_type: &Arc<str>, commits: CommitStream) -> CommitStream {
    let resource_type = resource_type.clone();
    let named = commits.map(move |commit| {
        commit.map(|commit| Commit {
            resource: ResourceKey::new(resource_type.clone(), commit.resource.id.clone()),
            ..commit
        })
    });
    named.boxed()
}

/// Keeps resources under their type and id, glued together with a dash.
#[derive(Default)]
pub(crate) struct GluesTypeAndId;

impl Flaw for GluesTypeAndId {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            healthy.append(&Commit { resource: glued(&commit.resource), ..commit.clone() }).await
        })
    }

    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        let resource = resource.clone();
        let commits = healthy.read(&glued(&resource), after);
        commits
            .map(move |commit| commit.map(|commit| Commit { resource: resource.clone(), ..commit }))
            .boxed()
    }
}

fn glued(resource: &ResourceKey) -> ResourceKey {
    ResourceKey::new("any", format!("{}-{}", resource.resource_type, resource.id))
}
