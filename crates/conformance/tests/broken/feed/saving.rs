//! Flaws of places: of what is saved, and of where others go on.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, StoreError, StoreErrorKind,
    subscription::{Batch, Feed, Hold, Part, Registration, SubscriptionKey},
};
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::{
    flaw::{Batches, Done, Flaw, Held, Parts},
    log::{end, from_now, retained},
};

/// Saves nothing.
#[derive(Default)]
pub(crate) struct SavesNothing;

impl Flaw for SavesNothing {
    fn save<'a>(&'a self, _: &'a Held, _: u64) -> Done<'a> {
        ready(Ok(())).boxed()
    }
}

/// Saves the position before.
#[derive(Default)]
pub(crate) struct SavesTooLittle;

impl Flaw for SavesTooLittle {
    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        held.hold.save(position - 1)
    }
}

/// Saves the position behind.
#[derive(Default)]
pub(crate) struct SavesTooFar;

impl Flaw for SavesTooFar {
    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        held.hold.save(position + 1)
    }
}

/// Keeps places where no other handle sees them.
#[derive(Default)]
pub(crate) struct SavesInItsHandle {
    places: Mutex<BTreeMap<SubscriptionKey, u64>>,
}

impl Flaw for SavesInItsHandle {
    fn part(self: &Arc<Self>, _: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.get(key).copied().unwrap_or_default();
        Part { batches: retained(part.batches, move |delivery| delivery.position > place), ..part }
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(held.key.clone(), position);
        ready(Ok(())).boxed()
    }
}

/// Fails to save what is not the end of a batch.
#[derive(Default)]
pub(crate) struct SavesWholeBatches {
    ends: Arc<Mutex<BTreeSet<u64>>>,
}

impl Flaw for SavesWholeBatches {
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        let ends = self.ends.clone();
        let batches = part.batches.inspect(move |batch| {
            let up_to = batch.as_ref().map(|batch| batch.up_to);
            ends.lock().unwrap_or_else(PoisonError::into_inner).extend(up_to.ok());
        });
        Part { batches: batches.boxed(), ..part }
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        if self.ends.lock().unwrap_or_else(PoisonError::into_inner).contains(&position) {
            return held.hold.save(position);
        }
        ready(Err(StoreError::new(StoreErrorKind::Internal, "no batch ends there"))).boxed()
    }
}

/// Takes what is delivered for handled.
#[derive(Default)]
pub(crate) struct SavesWhatItDelivers;

impl Flaw for SavesWhatItDelivers {
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        Part { batches: saving(part.batches, part.hold.clone(), 0), ..part }
    }
}

/// Takes for handled what is delivered of that which happens while it follows.
#[derive(Default)]
pub(crate) struct SavesWhatHappens;

impl Flaw for SavesWhatHappens {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let end = end(healthy, &key.resource_type);
        let parts = healthy.follow(key, registration).map(move |part| {
            let part = part?;
            Ok(Part { batches: saving(part.batches, part.hold.clone(), end), ..part })
        });
        parts.boxed()
    }
}

/// Saves each batch, when it has come as far as that.
fn saving(batches: Batches, hold: Arc<dyn Hold>, from: u64) -> Batches {
    let saved = batches.then(move |batch| {
        let hold = hold.clone();
        async move {
            let batch = batch?;
            if batch.up_to > from {
                hold.save(batch.up_to).await?;
            }
            Ok(batch)
        }
    });
    saved.boxed()
}

/// Saves everything that was delivered when a part is given back.
#[derive(Default)]
pub(crate) struct SavesWhatItReleases {
    delivered: Arc<Mutex<BTreeMap<SubscriptionKey, u64>>>,
}

impl Flaw for SavesWhatItReleases {
    fn part(self: &Arc<Self>, _: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let (delivered, key) = (self.delivered.clone(), key.clone());
        let batches = part.batches.inspect(move |batch| {
            if let Ok(Batch { up_to, .. }) = batch {
                delivered.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), *up_to);
            }
        });
        Part { batches: batches.boxed(), ..part }
    }

    fn release<'a>(&'a self, held: &'a Held) -> Done<'a> {
        let delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        match delivered.get(&held.key) {
            Some(up_to) => held.hold.save(*up_to),
            None => held.hold.release(),
        }
    }
}

/// Gives a part from where its place is the first time, and from then on with what happens only.
#[derive(Default)]
pub(crate) struct TakesOverFromNow {
    given: Mutex<BTreeSet<SubscriptionKey>>,
}

impl Flaw for TakesOverFromNow {
    fn part(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        if self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return part;
        }
        Part { batches: from_now(healthy, &key.resource_type), ..part }
    }
}

/// Gives a process a part once.
#[derive(Default)]
pub(crate) struct GivesAPartOnce;

impl Flaw for GivesAPartOnce {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        healthy.follow(key, registration).take(1).chain(stream::pending()).boxed()
    }
}
