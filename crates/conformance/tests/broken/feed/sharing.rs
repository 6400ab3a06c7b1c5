//! Flaws of several types in one log.

use std::{future::ready, marker::PhantomData, sync::Arc};

use aws_event_sourcing_core::{
    Appended, Commit, EventStore, MemoryStore, ResourceKey, Timestamp,
    subscription::{Batch, Feed, ProgressStore, Registration, Start, SubscriptionKey},
};
use futures_util::{StreamExt as _, future::BoxFuture, stream};

use super::{
    flaw::{Batches, Flaw, Parts},
    log::{altered, retained},
};
use crate::{flaw, progress};

/// What a feed delivers of the log of all types to those who follow one of them.
pub(crate) trait Choice: Default + Send + Sync + 'static {
    fn choose(resource_type: Arc<str>, all: Batches) -> Batches;
}

/// Follows one log of all types.
#[derive(Default)]
pub(crate) struct OneLog<C>(PhantomData<C>);

impl<C: Choice> Flaw for OneLog<C> {
    fn events(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn EventStore> {
        Arc::new(flaw::Flawed::new(healthy.clone(), self.clone()))
    }

    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(progress::Flawed { healthy: healthy.clone(), flaw: self.clone() })
    }

    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let resource_type = key.resource_type.clone();
        let parts = healthy.follow(&of_all(key), registration);
        let parts = parts.map(move |part| {
            let mut part = part?;
            part.batches = C::choose(resource_type.clone(), originals(part.batches));
            Ok(part)
        });
        parts.boxed()
    }
}

impl<C: Choice> flaw::Flaw for OneLog<C> {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, flaw::Outcome> {
        Box::pin(async move {
            let appended = healthy.append(commit).await?;
            if appended == Appended::Now {
                let ResourceKey { resource_type, id } = &commit.resource;
                let resource = ResourceKey::new(ALL, format!("{resource_type}/{id}"));
                healthy.append(&Commit { resource, ..commit.clone() }).await?;
            }
            Ok(appended)
        })
    }
}

impl<C: Choice> progress::Flaw for OneLog<C> {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> progress::Outcome<'a, Registration> {
        Box::pin(async move {
            let registration = healthy.register(&of_all(key), start, now).await?;
            Ok(Registration { key: key.clone(), ..registration })
        })
    }
}

/// The type of which the log is.
const ALL: &str = "all";

/// Who has a place of its own in the log.
fn of_all(key: &SubscriptionKey) -> SubscriptionKey {
    SubscriptionKey::new(key.to_string(), ALL)
}

/// What is in the log, as it was written.
fn originals(all: Batches) -> Batches {
    altered(all, |mut deliveries| {
        for delivery in &mut deliveries {
            let commit = &mut delivery.commit;
            let original = commit.resource.id.as_str().split_once('/');
            let (resource_type, id) = original.expect("the log has type and id of each commit");
            commit.resource = ResourceKey::new(resource_type, id);
        }
        deliveries
    })
}

/// That very type. It is healthy.
#[derive(Default)]
pub(crate) struct ThatType;

impl Choice for ThatType {
    fn choose(resource_type: Arc<str>, all: Batches) -> Batches {
        retained(all, move |delivery| delivery.commit.resource.resource_type == resource_type)
    }
}

/// All types.
#[derive(Default)]
pub(crate) struct EveryType;

impl Choice for EveryType {
    fn choose(_: Arc<str>, all: Batches) -> Batches {
        all
    }
}

/// Types whose names begin like that.
#[derive(Default)]
pub(crate) struct TypesThatBeginLikeIt;

impl Choice for TypesThatBeginLikeIt {
    fn choose(resource_type: Arc<str>, all: Batches) -> Batches {
        retained(all, move |delivery| delivery.commit.resource.resource_type.starts_with(&*resource_type))
    }
}

/// That type, until ten thousand events of others follow each other: takes that for the end.
#[derive(Default)]
pub(crate) struct UpToManyOthers;

impl Choice for UpToManyOthers {
    fn choose(resource_type: Arc<str>, all: Batches) -> Batches {
        let of = resource_type.clone();
        let mut others = 0;
        let near = all.flat_map(|batch| {
            let Batch { deliveries, .. } = batch.expect("a memory store does not fail");
            stream::iter(deliveries)
        });
        let near = near.take_while(move |delivery| {
            let is_other = delivery.commit.resource.resource_type != of;
            others = if is_other { others + delivery.commit.events.len() } else { 0 };
            ready(others < 10_000)
        });
        let near = near.map(|delivery| {
            Ok(Batch { up_to: delivery.position, deliveries: vec![delivery], unread: Vec::new() })
        });
        ThatType::choose(resource_type, near.chain(stream::pending()).boxed())
    }
}
