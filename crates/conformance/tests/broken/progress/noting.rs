//! Flaws of loading, of what was skipped, and of registrations.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId, Timestamp,
    subscription::{Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey, Swap},
};
use tokio::task::yield_now;

use super::flaw::{Asked, Flaw, Outcome, records};

/// Gives a number where nothing is recorded.
#[derive(Default)]
pub(crate) struct TakesNoneForZero;

impl Flaw for TakesNoneForZero {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let mut all = records(healthy, key, ids).await?;
            for progress in &mut all {
                progress.handled = progress.handled.or(Some(0));
            }
            Ok(all)
        })
    }
}

/// Gives a record as it was when this handle loaded it first.
#[derive(Default)]
pub(crate) struct RemembersRecords {
    loaded: Mutex<HashMap<(SubscriptionKey, ResourceId), Progress>>,
}

impl Flaw for RemembersRecords {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let found = records(healthy, key, ids).await?.into_iter().zip(ids);
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            let found =
                found.map(|(found, id)| loaded.entry((key.clone(), id.clone())).or_insert(found).clone());
            Ok(found.collect())
        })
    }
}

/// Gives records in the order of their ids.
#[derive(Default)]
pub(crate) struct LoadsInTheOrderOfIds;

impl Flaw for LoadsInTheOrderOfIds {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        let mut ids = ids.to_vec();
        ids.sort();
        Box::pin(async move { records(healthy, key, &ids).await })
    }
}

/// Looks for the first hundred.
#[derive(Default)]
pub(crate) struct LoadsAHundred;

impl Flaw for LoadsAHundred {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let mut all = records(healthy, key, &ids[..ids.len().min(100)]).await?;
            all.resize(ids.len(), Progress::default());
            Ok(all)
        })
    }
}

/// Gives what was skipped in the order of the numbers as text: 1, 10, 2.
#[derive(Default)]
pub(crate) struct OrdersSkipsAsText;

impl Flaw for OrdersSkipsAsText {
    fn skipped<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        Box::pin(async move {
            let mut skipped = healthy.skipped(key, id).await?;
            skipped.sort_by_key(|skipped| skipped.number.to_string());
            Ok(skipped)
        })
    }
}

/// Gives what was skipped in the order in which that happened.
#[derive(Default)]
pub(crate) struct OrdersSkipsByTime;

impl Flaw for OrdersSkipsByTime {
    fn skipped<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        Box::pin(async move {
            let mut skipped = healthy.skipped(key, id).await?;
            skipped.sort_by_key(|skipped| skipped.at);
            Ok(skipped)
        })
    }
}

/// Gives what was skipped of all resources whose ids begin like that.
#[derive(Default)]
pub(crate) struct LooksForSkipsByTheBeginning {
    ids: Mutex<Vec<ResourceId>>,
}

impl Flaw for LooksForSkipsByTheBeginning {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.contains(asked.id) {
            ids.push(asked.id.clone());
        }
        asked.of(healthy)
    }

    fn skipped<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ids.retain(|other| other.as_str().starts_with(id.as_str()));
        Box::pin(async move {
            let mut all = Vec::new();
            for id in &ids {
                all.extend(healthy.skipped(key, id).await?);
            }
            Ok(all)
        })
    }
}

/// Notes each registration, so that the last one counts.
#[derive(Default)]
pub(crate) struct RegistersEachTime;

impl Flaw for RegistersEachTime {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move {
            let first = healthy.register(key, start, now).await?;
            Ok(Registration { start, started_at: now, ..first })
        })
    }
}

/// Looks whether there is a registration, and then notes one, without a lock.
#[derive(Default)]
pub(crate) struct LooksBeforeItRegisters;

impl Flaw for LooksBeforeItRegisters {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move {
            let is_there = healthy.registered().await?.iter().any(|registration| registration.key == *key);
            yield_now().await;
            let first = healthy.register(key, start, now).await?;
            Ok(if is_there { first } else { Registration { start, started_at: now, ..first } })
        })
    }
}

/// Lists registrations as they were made.
#[derive(Default)]
pub(crate) struct ListsRegistrationsByTime;

impl Flaw for ListsRegistrationsByTime {
    fn registered<'a>(&'a self, healthy: &'a MemoryStore) -> Outcome<'a, Vec<Registration>> {
        Box::pin(async {
            let mut all = healthy.registered().await?;
            all.sort_by_key(|registration| registration.started_at);
            Ok(all)
        })
    }
}

/// Lists registrations in the order of subscription and type, glued together with a slash.
#[derive(Default)]
pub(crate) struct ListsRegistrationsByText;

impl Flaw for ListsRegistrationsByText {
    fn registered<'a>(&'a self, healthy: &'a MemoryStore) -> Outcome<'a, Vec<Registration>> {
        Box::pin(async {
            let mut all = healthy.registered().await?;
            all.sort_by_key(|Registration { key, .. }| format!("{}/{}", key.subscription, key.resource_type));
            Ok(all)
        })
    }
}
