//! Flaws of the names of subscriptions.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore,
    subscription::{Feed, Part, Registration, SubscriptionKey},
};

use super::{
    flaw::{Done, Flaw, Held, Parts},
    log::retained,
};

/// By which name a feed knows who follows.
pub(crate) trait Naming: Default + Send + Sync + 'static {
    fn name(key: &SubscriptionKey) -> SubscriptionKey;
}

/// Knows followers by other names.
#[derive(Default)]
pub(crate) struct Named<N>(PhantomData<N>);

impl<N: Naming> Flaw for Named<N> {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        healthy.follow(&N::name(key), registration)
    }
}

/// Has one place, and one part, for all who follow a type.
#[derive(Default)]
pub(crate) struct ByType;

impl Naming for ByType {
    fn name(key: &SubscriptionKey) -> SubscriptionKey {
        SubscriptionKey::new("any", key.resource_type.clone())
    }
}

/// Takes two subscriptions for one whose names differ in case only.
#[derive(Default)]
pub(crate) struct InLowerCase;

impl Naming for InLowerCase {
    fn name(key: &SubscriptionKey) -> SubscriptionKey {
        SubscriptionKey::new(key.subscription.to_lowercase(), key.resource_type.clone())
    }
}

/// Goes on behind the furthest place of all subscriptions whose names begin like that.
#[derive(Default)]
pub(crate) struct LooksForThePlaceByTheBeginning {
    places: Mutex<BTreeMap<SubscriptionKey, u64>>,
}

impl Flaw for LooksForThePlaceByTheBeginning {
    fn part(self: &Arc<Self>, _: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let same = places.iter().filter(|(other, _)| {
            other.resource_type == key.resource_type && other.subscription.starts_with(&*key.subscription)
        });
        let place = same.map(|(_, place)| *place).max().unwrap_or_default();
        Part { batches: retained(part.batches, move |delivery| delivery.position > place), ..part }
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(held.key.clone(), position);
        held.hold.save(position)
    }
}
