//! How far subscriptions to a [`MemoryStore`] are.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, MutexGuard, PoisonError},
};

use futures_core::future::BoxFuture;

use super::MemoryStore;
use crate::{
    ResourceId, StoreError, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey,
        Swap, UnreadableRecord,
    },
};

/// The records of all subscriptions.
#[derive(Debug, Default)]
pub(super) struct Records {
    registrations: BTreeMap<SubscriptionKey, Registration>,
    /// Where each is in the log of its type: everything up to there is handled, or waits behind a marker.
    places: HashMap<SubscriptionKey, u64>,
    progress: HashMap<SubscriptionKey, HashMap<ResourceId, Progress>>,
    skipped: HashMap<SubscriptionKey, BTreeMap<(ResourceId, u64), Skipped>>,
    /// Who follows has the lock of the key.
    turns: HashMap<SubscriptionKey, Arc<tokio::sync::Mutex<()>>>,
}

impl Records {
    pub(super) fn turn(&mut self, key: &SubscriptionKey) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.entry(key.clone()).or_default().clone()
    }

    pub(super) fn place(&self, key: &SubscriptionKey) -> u64 {
        self.places.get(key).copied().unwrap_or_default()
    }

    pub(super) fn save(&mut self, key: &SubscriptionKey, place: u64) {
        self.places.insert(key.clone(), place);
    }

    fn progress(&mut self, key: &SubscriptionKey) -> &mut HashMap<ResourceId, Progress> {
        self.progress.entry(key.clone()).or_default()
    }
}

impl MemoryStore {
    pub(super) fn records(&self) -> MutexGuard<'_, Records> {
        // Nothing that runs under the lock can leave it half-changed.
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgressStore for MemoryStore {
    fn register<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Registration, StoreError>> {
        Box::pin(async move {
            let end = self.end(&key.resource_type);
            let mut records = self.records();
            if let Some(registration) = records.registrations.get(key) {
                return Ok(registration.clone());
            }
            if start == Start::Now {
                records.save(key, end);
            }
            let registration = Registration { key: key.clone(), start, started_at: now };
            records.registrations.insert(key.clone(), registration.clone());
            Ok(registration)
        })
    }

    fn registered(&self) -> BoxFuture<'_, Result<Vec<Registration>, StoreError>> {
        Box::pin(async { Ok(self.records().registrations.values().cloned().collect()) })
    }

    fn load<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> BoxFuture<'a, Result<Vec<Result<Progress, UnreadableRecord>>, StoreError>> {
        Box::pin(async move {
            let mut records = self.records();
            let progress = records.progress(key);
            Ok(ids.iter().map(|id| Ok(progress.get(id).cloned().unwrap_or_default())).collect())
        })
    }

    fn advance<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut records = self.records();
            let records = records.progress(key);
            for (id, number) in handled {
                let progress = records.entry(id.clone()).or_default();
                if progress.parked.is_none() && progress.handled < Some(*number) {
                    progress.handled = Some(*number);
                    progress.revision += 1;
                }
            }
            Ok(())
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
        skipped: Option<&'a Skipped>,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(async move {
            let mut records = self.records();
            let progress = records.progress(key).entry(id.clone()).or_default();
            if progress.revision != seen {
                return Ok(Swap::Changed(progress.clone()));
            }
            let revision = seen + 1;
            *progress = Progress { revision, ..next.clone() };
            if let Some(skipped) = skipped {
                let all = records.skipped.entry(key.clone()).or_default();
                all.insert((id.clone(), skipped.number), skipped.clone());
            }
            Ok(Swap::Done(revision))
        })
    }

    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> BoxFuture<'a, Result<ParkedPage, StoreError>> {
        Box::pin(async move {
            let mut records = self.records();
            let parked = records.progress(key).iter().filter_map(|(id, progress)| {
                let next_attempt_at = progress.parked.as_ref()?.next_attempt_at;
                Some((ParkedCursor { next_attempt_at, id: id.clone() }, progress))
            });
            let mut parked: Vec<_> = parked
                .filter(|(place, _)| due.is_none_or(|due| place.next_attempt_at <= due))
                .filter(|(place, _)| after.is_none_or(|after| place > after))
                .collect();
            parked.sort_by(|(one, _), (other, _)| one.cmp(other));
            let limit = limit.max(1);
            let next = if parked.len() > limit { Some(parked[limit - 1].0.clone()) } else { None };
            parked.truncate(limit);
            let resources =
                parked.into_iter().map(|(place, progress)| (place.id, progress.clone())).collect();
            Ok(ParkedPage { resources, unreadable: Vec::new(), next })
        })
    }

    fn skipped<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> BoxFuture<'a, Result<Vec<Skipped>, StoreError>> {
        Box::pin(async move {
            let records = self.records();
            let skipped = records.skipped.get(key).into_iter().flatten().filter(|((of, _), _)| of == id);
            Ok(skipped.map(|(_, skipped)| skipped.clone()).collect())
        })
    }
}
