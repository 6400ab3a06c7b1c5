//! Flaws of keys, of ids, and of several handles.

use std::{
    future::ready,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_event_sourcing_conformance::ProgressSubject;
use aws_event_sourcing_core::{
    MemoryStore, ResourceId, Timestamp,
    subscription::{
        ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey, Swap,
    },
};

use super::flaw::{Asked, Flaw, Flawed, Outcome, Range, records};

/// Each handle has records of its own.
pub(crate) fn handles_that_share_nothing() -> ProgressSubject {
    ProgressSubject::new(|| ready(MemoryStore::new()))
}

/// What is kept is gone when the last handle is dropped.
pub(crate) fn a_store_that_forgets() -> ProgressSubject {
    struct Open;

    impl Flaw for Open {}

    let open = Mutex::new((Weak::<Open>::new(), MemoryStore::new()));
    ProgressSubject::new(move || {
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let flaw = open.0.upgrade().unwrap_or_else(|| {
            let flaw = Arc::new(Open);
            *open = (Arc::downgrade(&flaw), MemoryStore::new());
            flaw
        });
        ready(Flawed { healthy: open.1.clone(), flaw })
    })
}

/// Under which key and id a store keeps a record.
pub(crate) trait Naming: Default + Send + Sync + 'static {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId);
}

/// Keeps records under other names.
#[derive(Default)]
pub(crate) struct Named<N>(PhantomData<N>);

impl<N: Naming> Flaw for Named<N> {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move { healthy.register(&N::name(key, &"".into()).0, start, now).await })
    }

    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for id in ids {
                let (key, id) = N::name(key, id);
                all.extend(records(healthy, &key, &[id]).await?);
            }
            Ok(all)
        })
    }

    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        Box::pin(async move {
            for (id, number) in handled {
                let (key, id) = N::name(key, id);
                healthy.advance(&key, &[(id, *number)]).await?;
            }
            Ok(())
        })
    }

    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let (key, id) = N::name(asked.key, asked.id);
            Asked { key: &key, id: &id, ..asked }.of(healthy).await
        })
    }

    fn parked<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        range: Range<'a>,
    ) -> Outcome<'a, ParkedPage> {
        Box::pin(async move {
            let (key, _) = N::name(key, &"".into());
            healthy.parked(&key, range.due, range.limit, range.after).await
        })
    }

    fn skipped<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        Box::pin(async move {
            let (key, id) = N::name(key, id);
            healthy.skipped(&key, &id).await
        })
    }
}

/// Keeps all types of a subscription in one place.
#[derive(Default)]
pub(crate) struct IgnoresTheType;

impl Naming for IgnoresTheType {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId) {
        (SubscriptionKey::new(key.subscription.clone(), "any"), id.clone())
    }
}

/// Takes two subscriptions for one whose names differ in case only.
#[derive(Default)]
pub(crate) struct IgnoresTheCase;

impl Naming for IgnoresTheCase {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId) {
        (SubscriptionKey::new(key.subscription.to_lowercase(), key.resource_type.clone()), id.clone())
    }
}

/// Keeps records under their type and id, glued together with a slash.
#[derive(Default)]
pub(crate) struct GluesKeysAndIds;

impl Naming for GluesKeysAndIds {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId) {
        let glued = format!("{}/{id}", key.resource_type);
        (SubscriptionKey::new(key.subscription.clone(), "any"), glued.into())
    }
}

/// Takes two ids for one that differ in case only.
#[derive(Default)]
pub(crate) struct LowerCaseIds;

impl Naming for LowerCaseIds {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId) {
        (key.clone(), id.as_str().to_lowercase().into())
    }
}

/// Keeps the first 255 bytes of an id.
#[derive(Default)]
pub(crate) struct ShortIds;

impl Naming for ShortIds {
    fn name(key: &SubscriptionKey, id: &ResourceId) -> (SubscriptionKey, ResourceId) {
        let id = id.as_str();
        (key.clone(), id[..id.floor_char_boundary(255)].into())
    }
}
