//! [`Flaw`]: one thing that a progress store does wrong. [`flawed`]: one that is healthy but for it.

use std::{future::ready, slice::from_ref, sync::Arc};

use aws_event_sourcing_conformance::ProgressSubject;
use aws_event_sourcing_core::{
    MemoryStore, ResourceId, StoreError, StoreErrorKind, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey,
        Swap, UnreadableRecord,
    },
};
use futures_util::future::BoxFuture;

/// What is loaded of a resource.
pub(crate) type Loaded = Result<Progress, UnreadableRecord>;

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
        Box::pin(records(healthy, key, ids))
    }

    /// What it gives of the records that it has loaded, when some of them cannot be read.
    fn give(&self, loaded: Vec<Loaded>) -> Result<Vec<Loaded>, StoreError> {
        Ok(loaded)
    }

    /// What it gives of a page, when some of the records cannot be read.
    fn give_page(&self, page: ParkedPage) -> Result<ParkedPage, StoreError> {
        Ok(page)
    }

    /// What it does about a swap of a record that cannot be read.
    fn swap_unreadable<'a>(&'a self, _: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        let error = unreadable(asked.key, asked.id);
        Box::pin(ready(Err(StoreError::new(StoreErrorKind::Undecodable, error))))
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

    fn load<'a>(&'a self, key: &'a SubscriptionKey, ids: &'a [ResourceId]) -> Outcome<'a, Vec<Loaded>> {
        Box::pin(async move {
            let found = self.flaw.load(&self.healthy, key, ids).await?.into_iter().zip(ids);
            let read = |(found, id)| if is_spoiled(&found) { Err(unreadable(key, id)) } else { Ok(found) };
            self.flaw.give(found.map(read).collect())
        })
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
        let asked = Asked { key, id, seen, next, skipped };
        Box::pin(async move {
            match is_spoiled(&record(&self.healthy, key, id).await) {
                true => self.flaw.swap_unreadable(&self.healthy, asked).await,
                false => self.flaw.swap(&self.healthy, asked).await,
            }
        })
    }

    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> Outcome<'a, ParkedPage> {
        Box::pin(async move {
            let (mut unreadable, mut after) = (Vec::new(), after.cloned());
            loop {
                let range = Range { due, limit, after: after.as_ref() };
                let ParkedPage { resources, next, .. } = self.flaw.parked(&self.healthy, key, range).await?;
                let is_empty = resources.is_empty();
                let (spoiled, resources): (Vec<_>, Vec<_>) =
                    resources.into_iter().partition(|(_, found)| is_spoiled(found));
                unreadable.extend(spoiled.iter().map(|(id, _)| self::unreadable(key, id)));
                // A page has something on it, if there is anything behind it.
                if is_empty || !resources.is_empty() || next.is_none() {
                    return self.flaw.give_page(ParkedPage { resources, unreadable, next });
                }
                after = next;
            }
        })
    }

    fn skipped<'a>(&'a self, key: &'a SubscriptionKey, id: &'a ResourceId) -> Outcome<'a, Vec<Skipped>> {
        self.flaw.skipped(&self.healthy, key, id)
    }
}

/// How far a resource is in a record that no store reads.
const SPOILED: u64 = u64::MAX;

fn is_spoiled(progress: &Progress) -> bool {
    progress.handled == Some(SPOILED)
}

async fn spoil(healthy: MemoryStore, key: SubscriptionKey, id: ResourceId) {
    let next = Progress { handled: Some(SPOILED), ..record(&healthy, &key, &id).await };
    replace(&healthy, Asked { key: &key, id: &id, seen: next.revision, next: &next, skipped: None }).await;
}

fn unreadable(key: &SubscriptionKey, id: &ResourceId) -> UnreadableRecord {
    UnreadableRecord::new(key.clone(), id.clone(), "make a new store", "it is spoiled")
}

/// The records that a memory store has, each of which it can read.
pub(crate) async fn records(
    healthy: &MemoryStore,
    key: &SubscriptionKey,
    ids: &[ResourceId],
) -> Result<Vec<Progress>, StoreError> {
    let found = healthy.load(key, ids).await?;
    Ok(found.into_iter().map(|found| found.expect("a memory store reads what it has")).collect())
}

/// A progress store that has this flaw, and all of whose handles share it.
pub(crate) fn flawed<F: Flaw + Default>() -> ProgressSubject {
    let (healthy, flaw) = (MemoryStore::new(), Arc::new(F::default()));
    let spoiled = healthy.clone();
    ProgressSubject::new(move || ready(Flawed { healthy: healthy.clone(), flaw: flaw.clone() }))
        .spoiling_records(move |key, id| spoil(spoiled.clone(), key, id))
}

/// A progress store each handle of which has this flaw by itself.
pub(crate) fn flawed_by_handle<F: Flaw + Default>() -> ProgressSubject {
    let healthy = MemoryStore::new();
    ProgressSubject::new(move || ready(Flawed { healthy: healthy.clone(), flaw: Arc::new(F::default()) }))
}

/// The record of a resource.
pub(crate) async fn record(healthy: &MemoryStore, key: &SubscriptionKey, id: &ResourceId) -> Progress {
    records(healthy, key, from_ref(id)).await.expect("a memory store does not fail").swap_remove(0)
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
