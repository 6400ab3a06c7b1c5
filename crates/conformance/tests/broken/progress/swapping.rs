//! Flaws of swaps and advances.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId,
    subscription::{Progress, ProgressStore, Skipped, SubscriptionKey, Swap},
};
use futures_util::FutureExt as _;
use tokio::{task::yield_now, time::sleep};

use super::flaw::{Asked, Flaw, Outcome, record, records, replace, set};

type Place = (SubscriptionKey, ResourceId);

fn place(key: &SubscriptionKey, id: &ResourceId) -> Place {
    (key.clone(), id.clone())
}

/// Notes what is skipped before it looks whether the swap can be made.
#[derive(Default)]
pub(crate) struct NotesWhatWasNotSkipped {
    noted: Mutex<HashMap<Place, Vec<Skipped>>>,
}

impl Flaw for NotesWhatWasNotSkipped {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry(place(asked.key, asked.id)).or_default().extend(asked.skipped.cloned());
        asked.of(healthy)
    }

    fn skipped<'a>(
        &'a self,
        _: &'a MemoryStore,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> Outcome<'a, Vec<Skipped>> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = noted.get(&place(key, id)).cloned().unwrap_or_default();
        Box::pin(async { Ok(noted) })
    }
}

/// Makes swaps without what they bring along.
#[derive(Default)]
pub(crate) struct LosesWhatIsSkipped;

impl Flaw for LosesWhatIsSkipped {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Asked { skipped: None, ..asked }.of(healthy)
    }
}

/// Writes how far it is, and then the marker and what is skipped.
#[derive(Default)]
pub(crate) struct SwapsInTwoSteps;

impl Flaw for SwapsInTwoSteps {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let first = Progress { parked: None, ..asked.next.clone() };
            let seen = match (Asked { next: &first, skipped: None, ..asked }).of(healthy).await? {
                Swap::Done(revision) => revision,
                changed @ Swap::Changed(_) => return Ok(changed),
            };
            sleep(Duration::from_millis(2)).await;
            Asked { seen, ..asked }.of(healthy).await
        })
    }
}

/// Does not compare revisions.
#[derive(Default)]
pub(crate) struct IgnoresTheRevision;

impl Flaw for IgnoresTheRevision {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        replace(healthy, asked).map(Ok).boxed()
    }
}

/// Compares revisions, and then writes, without a lock: two may find the same.
#[derive(Default)]
pub(crate) struct LooksBeforeItSwaps;

impl Flaw for LooksBeforeItSwaps {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let found = record(healthy, asked.key, asked.id).await;
            yield_now().await;
            if found.revision == asked.seen {
                Ok(replace(healthy, asked).await)
            } else {
                Ok(Swap::Changed(found))
            }
        })
    }
}

/// The same, and only where there is no record yet.
#[derive(Default)]
pub(crate) struct LooksBeforeItMakesARecord;

impl Flaw for LooksBeforeItMakesARecord {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        if asked.seen == 0 { LooksBeforeItSwaps.swap(healthy, asked) } else { asked.of(healthy) }
    }
}

/// Guards the swaps of each handle against each other, and not against those of other handles.
#[derive(Default)]
pub(crate) struct LocksWithinAHandle {
    lock: tokio::sync::Mutex<()>,
}

impl Flaw for LocksWithinAHandle {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let _locked = self.lock.lock().await;
            LooksBeforeItSwaps.swap(healthy, asked).await
        })
    }
}

/// Looks what there is, and then advances that, without a lock.
#[derive(Default)]
pub(crate) struct LooksBeforeItAdvances;

impl Flaw for LooksBeforeItAdvances {
    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        Box::pin(async move {
            for (id, number) in handled {
                let found = record(healthy, key, id).await;
                yield_now().await;
                if found.parked.is_none() && found.handled < Some(*number) {
                    let next = Progress { handled: Some(*number), ..found };
                    replace(healthy, Asked { key, id, seen: 0, next: &next, skipped: None }).await;
                }
            }
            Ok(())
        })
    }
}

/// Leaves the revision as it is when it advances a record: counts the swaps only.
#[derive(Default)]
pub(crate) struct AdvancesInSilence {
    swaps: Mutex<HashMap<Place, u64>>,
}

impl AdvancesInSilence {
    fn silent(&self, key: &SubscriptionKey, id: &ResourceId, found: Progress) -> Progress {
        let swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
        let made = swaps.get(&place(key, id)).copied().unwrap_or_default();
        let revision = if found.revision == 0 { 0 } else { made + 1 };
        Progress { revision, ..found }
    }
}

impl Flaw for AdvancesInSilence {
    fn load<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> Outcome<'a, Vec<Progress>> {
        Box::pin(async move {
            let found = records(healthy, key, ids).await?.into_iter().zip(ids);
            Ok(found.map(|(found, id)| self.silent(key, id, found)).collect())
        })
    }

    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let Asked { key, id, seen, .. } = asked;
            let found = record(healthy, key, id).await;
            let silent = self.silent(key, id, found.clone());
            if silent.revision != seen {
                return Ok(Swap::Changed(silent));
            }
            Asked { seen: found.revision, ..asked }.of(healthy).await?;
            let mut swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
            let made = swaps.entry(place(key, id)).or_default();
            *made += 1;
            Ok(Swap::Done(*made + 1))
        })
    }
}

/// Sets how far a resource is, whether that is further or not.
#[derive(Default)]
pub(crate) struct GoesBack;

impl Flaw for GoesBack {
    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        Box::pin(async move {
            for (id, number) in handled {
                if record(healthy, key, id).await.parked.is_none() {
                    set(healthy, key, id, *number).await;
                }
            }
            Ok(())
        })
    }
}

/// Advances a parked resource like any other.
#[derive(Default)]
pub(crate) struct AdvancesWhatIsParked;

impl Flaw for AdvancesWhatIsParked {
    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        Box::pin(async move {
            for (id, number) in handled {
                if record(healthy, key, id).await.handled < Some(*number) {
                    set(healthy, key, id, *number).await;
                }
            }
            Ok(())
        })
    }
}

/// Advances the first hundred.
#[derive(Default)]
pub(crate) struct AdvancesAHundred;

impl Flaw for AdvancesAHundred {
    fn advance<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> Outcome<'a, ()> {
        healthy.advance(key, &handled[..handled.len().min(100)])
    }
}
