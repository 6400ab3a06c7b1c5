//! Flaws of what is forgotten when a place is saved.

use std::{
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
    slice::from_ref,
    sync::{Arc, Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId,
    subscription::{Part, Progress, ProgressStore, SubscriptionKey, Swap},
};
use futures_util::StreamExt as _;

use super::flaw::{Done, Flaw, Held};
use crate::progress::{self, Asked, Outcome, records};

/// Which records a store forgets, and what comes after.
pub(crate) trait Forgetting: Default + Send + Sync + 'static {
    /// Whether the record of a commit that was delivered is forgotten, which is behind what is saved or ahead of it.
    fn forgets(_: &Progress, place: Place) -> bool {
        place == Place::Behind
    }

    /// The revision of a record that is made again, which would be this one, and had that one when it was forgotten.
    fn revision(revision: u64, _forgotten: u64) -> u64 {
        revision
    }
}

/// Where a commit is that was delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Behind,
    Ahead,
}

/// Forgets records when a place is saved.
#[derive(Default)]
pub(crate) struct Forgets<W> {
    /// Which commits have been delivered: the resource and the last number of each, by its position.
    delivered: Arc<Mutex<HashMap<SubscriptionKey, Delivered>>>,
    /// The revisions that records had when they were forgotten.
    forgotten: Mutex<HashMap<(SubscriptionKey, ResourceId), u64>>,
    which: PhantomData<W>,
}

type Delivered = BTreeMap<u64, (ResourceId, u64)>;

impl<W: Forgetting> Forgets<W> {
    fn forgotten(&self, key: &SubscriptionKey, id: &ResourceId) -> Option<u64> {
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        forgotten.get(&(key.clone(), id.clone())).copied()
    }

    /// What is seen of a record.
    fn seen(&self, key: &SubscriptionKey, id: &ResourceId, found: Progress) -> Progress {
        match self.forgotten(key, id) {
            Some(forgotten) if forgotten == found.revision => Progress::default(),
            Some(forgotten) => Progress { revision: W::revision(found.revision, forgotten), ..found },
            None => found,
        }
    }

    async fn forget(&self, held: &Held, position: u64) {
        let delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner).get(&held.key).cloned();
        for (at, (id, last)) in delivered.into_iter().flatten() {
            let found = records(&held.healthy, &held.key, from_ref(&id)).await;
            let found = found.expect("a memory store does not fail").swap_remove(0);
            let place = if at <= position { Place::Behind } else { Place::Ahead };
            if found.revision > 0 && found.handled <= Some(last) && W::forgets(&found, place) {
                let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
                forgotten.insert((held.key.clone(), id), found.revision);
            }
        }
    }
}

impl<W: Forgetting> Flaw for Forgets<W> {
    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(progress::Flawed { healthy: healthy.clone(), flaw: self.clone() })
    }

    fn part(self: &Arc<Self>, _: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let (delivered, key) = (self.delivered.clone(), key.clone());
        let batches = part.batches.inspect(move |batch| {
            let deliveries = batch.iter().flat_map(|batch| &batch.deliveries);
            let deliveries = deliveries.map(|delivery| {
                let commit = &delivery.commit;
                (delivery.position, (commit.resource.id.clone(), commit.last_number()))
            });
            let mut delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
            delivered.entry(key.clone()).or_default().extend(deliveries);
        });
        Part { batches: batches.boxed(), ..part }
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        Box::pin(async move {
            held.hold.save(position).await?;
            self.forget(held, position).await;
            Ok(())
        })
    }
}

impl<W: Forgetting> progress::Flaw for Forgets<W> {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let found = records(healthy, key, ids).await?.into_iter().zip(ids);
            Ok(found.map(|(found, id)| self.seen(key, id, found)).collect())
        })
    }

    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let Asked { key, id, .. } = asked;
            let found = records(healthy, key, from_ref(id)).await?.swap_remove(0);
            let seen = self.seen(key, id, found.clone());
            if seen.revision != asked.seen {
                return Ok(Swap::Changed(seen));
            }
            Ok(match (Asked { seen: found.revision, ..asked }).of(healthy).await? {
                Swap::Done(revision) => {
                    let made = Progress { revision, ..Progress::default() };
                    Swap::Done(self.seen(key, id, made).revision)
                }
                Swap::Changed(found) => Swap::Changed(self.seen(key, id, found)),
            })
        })
    }
}

/// What will not be delivered again, if it is not parked. It is healthy.
#[derive(Default)]
pub(crate) struct WhatIsBehind;

impl Forgetting for WhatIsBehind {
    fn forgets(found: &Progress, place: Place) -> bool {
        place == Place::Behind && found.parked.is_none()
    }
}

/// Whatever was delivered.
#[derive(Default)]
pub(crate) struct WhatIsAhead;

impl Forgetting for WhatIsAhead {
    fn forgets(found: &Progress, _: Place) -> bool {
        found.parked.is_none()
    }
}

/// What is parked too.
#[derive(Default)]
pub(crate) struct WhatIsParked;

impl Forgetting for WhatIsParked {}

/// Revisions too: they begin anew.
#[derive(Default)]
pub(crate) struct Revisions;

impl Forgetting for Revisions {
    fn forgets(found: &Progress, place: Place) -> bool {
        WhatIsBehind::forgets(found, place)
    }

    fn revision(revision: u64, forgotten: u64) -> u64 {
        revision - forgotten
    }
}
