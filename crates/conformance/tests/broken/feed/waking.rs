//! Flaws of what happens while somebody follows.

use std::{
    collections::HashMap,
    future::{pending, ready},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Commit, EventStore, MemoryStore, ResourceId,
    subscription::{Feed, Part, Registration, SubscriptionKey},
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use tokio::{sync::watch, time::sleep};

use super::{
    altering::Alteration,
    flaw::{Batches, Flaw, Parts},
    log::{altered, end, from_now, retained},
};
use crate::flaw::{self, Flawed, Outcome};

/// Never wakes up again when there is nothing to deliver.
#[derive(Default)]
pub(crate) struct NothingMoreAfterAPause;

impl Alteration for NothingMoreAfterAPause {
    fn batches(batches: Batches) -> Batches {
        let awake = stream::unfold(batches, |mut batches| async {
            match batches.next().now_or_never() {
                Some(batch) => Some((batch?, batches)),
                None => pending().await,
            }
        });
        awake.boxed()
    }
}

/// Wakes up when its own handle has stored something.
pub(crate) struct HearsItselfOnly {
    appended: watch::Sender<()>,
}

impl Default for HearsItselfOnly {
    fn default() -> Self {
        Self { appended: watch::Sender::new(()) }
    }
}

impl Flaw for HearsItselfOnly {
    fn events(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn EventStore> {
        Arc::new(Flawed::new(healthy.clone(), self.clone()))
    }

    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        let state = (part.batches, self.appended.subscribe());
        let batches = stream::unfold(state, |(mut batches, mut appended)| async {
            loop {
                appended.mark_unchanged();
                if let Some(batch) = batches.next().now_or_never() {
                    return Some((batch?, (batches, appended)));
                }
                appended.changed().await.ok()?;
            }
        });
        Part { batches: batches.boxed(), ..part }
    }
}

impl flaw::Flaw for HearsItselfOnly {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let appended = healthy.append(commit).await;
            self.appended.send_replace(());
            appended
        })
    }
}

/// Reads the past, and follows from where the end is then: loses what has happened in between.
#[derive(Default)]
pub(crate) struct LosesWhatHappensInBetween;

impl Flaw for LosesWhatHappensInBetween {
    fn part(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let (healthy, resource_type) = (healthy.clone(), key.resource_type.clone());
        let end = end(&healthy, &resource_type);
        let past = retained(part.batches, move |delivery| delivery.position <= end);
        let past =
            past.take_while(|batch| ready(batch.as_ref().is_ok_and(|batch| !batch.deliveries.is_empty())));
        let live = stream::once(async move { from_now(&healthy, &resource_type) }).flatten();
        Part { batches: past.chain(live).boxed(), ..part }
    }
}

/// Gives no part where there is nothing when it looks.
#[derive(Default)]
pub(crate) struct GivesNoPartOfNothing;

impl Flaw for GivesNoPartOfNothing {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        match end(healthy, &key.resource_type) {
            0 => stream::pending().boxed(),
            _ => healthy.follow(key, registration),
        }
    }
}

/// Gives commits their places when they begin to be stored, and follows from the furthest that it has seen: passes over
/// those that take longer.
#[derive(Default)]
pub(crate) struct PassesOverWhatIsSlow {
    next: AtomicU64,
    places: Arc<Mutex<HashMap<(ResourceId, u64), u64>>>,
}

impl Flaw for PassesOverWhatIsSlow {
    fn events(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn EventStore> {
        Arc::new(Flawed::new(healthy.clone(), self.clone()))
    }

    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        let places = self.places.clone();
        let mut furthest = None;
        let batches = altered(part.batches, move |deliveries| {
            let places = places.lock().unwrap_or_else(PoisonError::into_inner);
            let place = |commit: &Commit| places.get(&(commit.resource.id.clone(), commit.number)).copied();
            let seen = deliveries.iter().map(|delivery| place(&delivery.commit)).max().flatten();
            let before = furthest;
            furthest = furthest.max(seen);
            deliveries.into_iter().filter(|delivery| place(&delivery.commit) > before).collect()
        });
        Part { batches, ..part }
    }
}

impl flaw::Flaw for PassesOverWhatIsSlow {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let place = self.next.fetch_add(1, SeqCst);
            let of = (commit.resource.id.clone(), commit.number);
            self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(of, place);
            sleep(Duration::from_micros(fastrand::u64(..3_000))).await;
            healthy.append(commit).await
        })
    }
}
