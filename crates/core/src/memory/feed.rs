//! The change feed of a [`MemoryStore`]: its log, from a place on, to one follower of a key at a time.

use std::sync::Arc;

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use tokio::sync::OwnedMutexGuard;

use super::{MemoryStore, PAGE};
use crate::{
    StoreError,
    subscription::{
        Batch, Continuity, Delivery, Feed, Hold, LeasedProgress, Part, Registration, SubscriptionKey,
    },
};

impl Feed for MemoryStore {
    /// One part.
    fn follow(
        &self,
        key: &SubscriptionKey,
        _: &Registration,
    ) -> BoxStream<'static, Result<Part, StoreError>> {
        let (store, key) = (self.clone(), key.clone());
        stream::unfold((store, key), |(store, key)| async {
            let turn = store.records().turn(&key);
            let turn = turn.lock_owned().await;
            let place = store.records().place(&key);
            let hold = Held { store: store.clone(), key: key.clone(), _turn: turn };
            let part = Part {
                name: "memory".into(),
                continuity: Continuity::Unbroken,
                batches: store.batches(key.resource_type.clone(), place),
                hold: Arc::new(hold),
            };
            Some((Ok(part), (store, key)))
        })
        .boxed()
    }
}

impl MemoryStore {
    /// The commits of a type behind a place in its log, without an end.
    fn batches(&self, resource_type: Arc<str>, place: u64) -> BoxStream<'static, Result<Batch, StoreError>> {
        let appended = self.0.appended.subscribe();
        let state = (self.clone(), resource_type, place, appended);
        stream::unfold(state, |(store, resource_type, place, mut appended)| async move {
            loop {
                // What is appended from here on is noticed below.
                appended.mark_unchanged();
                let batch = store.batch(&resource_type, place);
                if batch.up_to > place {
                    let place = batch.up_to;
                    return Some((Ok(batch), (store, resource_type, place, appended)));
                }
                // The sender is part of the store.
                appended.changed().await.ok()?;
            }
        })
        .boxed()
    }

    fn batch(&self, resource_type: &Arc<str>, place: u64) -> Batch {
        let types = self.lock();
        let stored = types.get(resource_type);
        let log = stored.map_or(&[][..], |stored| &stored.log);
        let from = usize::try_from(place).unwrap_or(usize::MAX).min(log.len());
        let entries = log[from..].iter().take(PAGE);
        let deliveries = entries.zip(place + 1..).filter_map(|((id, number), position)| {
            let commits = stored?.commits.get(id)?;
            let index = commits.binary_search_by_key(number, |commit| commit.number).ok()?;
            Some(Delivery { commit: commits[index].clone(), position })
        });
        let deliveries: Vec<_> = deliveries.collect();
        let up_to = deliveries.last().map_or(place, |last| last.position);
        Batch { deliveries, unread: Vec::new(), up_to }
    }

    /// The last place in the log of a type.
    pub(super) fn end(&self, resource_type: &Arc<str>) -> u64 {
        self.lock().get(resource_type).map_or(0, |stored| stored.log.len() as u64)
    }
}

/// The turn of a follower, for as long as it follows.
struct Held {
    store: MemoryStore,
    key: SubscriptionKey,
    _turn: OwnedMutexGuard<()>,
}

impl Hold for Held {
    fn is_ours(&self) -> bool {
        true
    }

    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.store.records().save(&self.key, position);
            Ok(())
        })
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        None
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
