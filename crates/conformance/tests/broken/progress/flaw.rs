//! [`Flaw`]: one thing that a progress store does wrong. [`flawed`]: one that is healthy but for it.

use std::{future::ready, slice::from_ref, sync::Arc};

use aws_event_sourcing_conformance::ProgressSubject;
use aws_event_sourcing_core::{
    MemoryStore, ResourceId, StoreError, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey,
        Swap,
    },
};
use futures_util::future::BoxFuture;

pub(crate) type Outcome<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A swap that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a SubscriptionKey,
    pub(crate) id: &'a ResourceId,
    pub(crate) seen: u64,
    pub(crate) next: &'a Progress,
    pub(crate) skipped: Option<&'a Skipped>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(self, healthy: &'a MemoryStore) -> Outcome<'a, Swap> {
        let Self { key, id, seen, next, skipped } = self;
        healthy.swap(key, id, seen, next, skipped)
    }
}

/// What of a list is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) due: Option<Timestamp>,
    pub(crate) limit: usize,
    pub(crate) after: Option<&'a ParkedCursor>,
}

/// One flaw: overrides what it does wrong, and leaves the rest to the healthy store.
pub(crate) trait Flaw: Send + Sync + 'static {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        healthy.register(key, start, now)
    }

    fn registered<'a>(&'a self, healthy: &'a MemoryStore) -> Outcome<'a, Vec<Registration>> {
        healthy.registered()
    }

    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        healthy.load(key, ids)
    }

    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        healthy.advance(key, handled)
    }

    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        asked.of(healthy)
    }

    fn parked<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        range: Range<'a>,
    ) -> Outcome<'a, ParkedPage> {
        healthy.parked(key, range.due, range.limit, range.after)
    }

    fn skipped<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        healthy.skipped(key, id)
    }
}

/// A progress store with a flaw.
pub(crate) struct Flawed<F> {
    pub(crate) healthy: MemoryStore,
    pub(crate) flaw: Arc<F>,
}

impl<F: Flaw> ProgressStore for Flawed<F> {
    fn register<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        self.flaw.register(&self.healthy, key, start, now)
    }

    fn registered(&self) -> Outcome<'_, Vec<Registration>> {
        self.flaw.registered(&self.healthy)
    }

    fn load<'a>(&'a self, key: &'a SubscriptionKey, ids: &'a [ResourceId]) -> Outcome<'a, Vec<Progress>> {
        self.flaw.load(&self.healthy, key, ids)
    }

    fn advance<'a>(&'a self, key: &'a SubscriptionKey, handled: &'a [(ResourceId, u64)]) -> Outcome<'a, ()> {
        self.flaw.advance(&self.healthy, key, handled)
    }

    fn swap<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
        skipped: Option<&'a Skipped>,
    ) -> Outcome<'a, Swap> {
        self.flaw.swap(&self.healthy, Asked { key, id, seen, next, skipped })
    }

    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> Outcome<'a, ParkedPage> {
        self.flaw.parked(&self.healthy, key, Range { due, limit, after })
    }

    fn skipped<'a>(&'a self, key: &'a SubscriptionKey, id: &'a ResourceId) -> Outcome<'a, Vec<Skipped>> {
        self.flaw.skipped(&self.healthy, key, id)
    }
}

/// A progress store that has this flaw, and all of whose handles share it.
pub(crate) fn flawed<F: Flaw + Default>() -> ProgressSubject {
    let (healthy, flaw) = (MemoryStore::new(), Arc::new(F::default()));
    ProgressSubject::new(move || ready(Flawed { healthy: healthy.clone(), flaw: flaw.clone() }))
}

/// A progress store each handle of which has this flaw by itself.
pub(crate) fn flawed_by_handle<F: Flaw + Default>() -> ProgressSubject {
    let healthy = MemoryStore::new();
    ProgressSubject::new(move || ready(Flawed { healthy: healthy.clone(), flaw: Arc::new(F::default()) }))
}

/// The record of a resource.
pub(crate) async fn record(healthy: &MemoryStore, key: &SubscriptionKey, id: &ResourceId) -> Progress {
    healthy.load(key, from_ref(id)).await.expect("a memory store does not fail").swap_remove(0)
}

/// Replaces a record, whatever its revision.
pub(crate) async fn replace(healthy: &MemoryStore, asked: Asked<'_>) -> Swap {
    let mut seen = asked.seen;
    loop {
        match (Asked { seen, ..asked }).of(healthy).await.expect("a memory store does not fail") {
            Swap::Changed(found) => seen = found.revision,
            done @ Swap::Done(_) => return done,
        }
    }
}

/// Sets how far a resource is, whatever its record.
pub(crate) async fn set(healthy: &MemoryStore, key: &SubscriptionKey, id: &ResourceId, number: u64) {
    let found = record(healthy, key, id).await;
    let next = Progress { handled: Some(number), ..found };
    replace(healthy, Asked { key, id, seen: next.revision, next: &next, skipped: None }).await;
}
