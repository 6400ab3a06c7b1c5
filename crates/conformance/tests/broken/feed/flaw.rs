//! [`Flaw`]: one thing that a feed does wrong, or a store with it. [`flawed`]: a source that is healthy but for it.

use std::{future::ready, sync::Arc};

use aws_event_sourcing_conformance::FeedSubject;
use aws_event_sourcing_core::{
    EventStore, MemoryStore, StoreError,
    subscription::{
        Batch, Delivery, Feed, Hold, LeasedProgress, Part, ProgressStore, Registration, Source,
        SubscriptionKey, Unread,
    },
};
use futures_util::{StreamExt as _, future::BoxFuture, stream::BoxStream};

use crate::flaw::{is_spoiled, spoil};

pub(crate) type Parts = BoxStream<'static, Result<Part, StoreError>>;

pub(crate) type Batches = BoxStream<'static, Result<Batch, StoreError>>;

pub(crate) type Done<'a> = BoxFuture<'a, Result<(), StoreError>>;

/// One flaw: overrides what it does wrong, and leaves the rest to the healthy store.
pub(crate) trait Flaw: Send + Sync + 'static {
    fn events(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn EventStore> {
        Arc::new(healthy.clone())
    }

    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(healthy.clone())
    }

    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        healthy.follow(key, registration)
    }

    /// What it makes of each part that it gives.
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        part
    }

    fn is_ours(&self, held: &Held) -> bool {
        held.hold.is_ours()
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        held.hold.save(position)
    }

    fn release<'a>(&'a self, held: &'a Held) -> Done<'a> {
        held.hold.release()
    }
}

/// What a process has a healthy hold of.
pub(crate) struct Held {
    pub(crate) healthy: MemoryStore,
    pub(crate) key: SubscriptionKey,
    pub(crate) hold: Arc<dyn Hold>,
}

/// A feed with a flaw.
struct Flawed<F> {
    healthy: MemoryStore,
    flaw: Arc<F>,
}

impl<F: Flaw> Feed for Flawed<F> {
    fn follow(&self, key: &SubscriptionKey, registration: &Registration) -> Parts {
        let parts = self.flaw.follow(&self.healthy, key, registration);
        let (healthy, flaw, key) = (self.healthy.clone(), self.flaw.clone(), key.clone());
        let parts = parts.map(move |part| {
            let part = flaw.part(&healthy, &key, telling(part?));
            let held = Held { healthy: healthy.clone(), key: key.clone(), hold: part.hold };
            Ok(Part { hold: Arc::new(FlawedHold { held, flaw: flaw.clone() }), ..part })
        });
        parts.boxed()
    }
}

/// A hold with a flaw.
struct FlawedHold<F> {
    held: Held,
    flaw: Arc<F>,
}

impl<F: Flaw> Hold for FlawedHold<F> {
    fn is_ours(&self) -> bool {
        self.flaw.is_ours(&self.held)
    }

    fn save(&self, position: u64) -> Done<'_> {
        self.flaw.save(&self.held, position)
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        self.held.hold.progress()
    }

    fn finish(&self) -> Done<'_> {
        self.held.hold.finish()
    }

    fn release(&self) -> Done<'_> {
        self.flaw.release(&self.held)
    }
}

/// The part, which tells of what stands for something that cannot be read.
fn telling(part: Part) -> Part {
    let batches = part.batches.map(|batch| {
        let Batch { deliveries, up_to, .. } = batch?;
        let (spoiled, deliveries) = deliveries.into_iter().partition(|delivery| is_spoiled(&delivery.commit));
        let spoiled: Vec<Delivery> = spoiled;
        let unread = spoiled.into_iter().map(|Delivery { commit, position }| Unread {
            resource: commit.resource,
            number: commit.number,
            position,
        });
        Ok(Batch { deliveries, unread: unread.collect(), up_to })
    });
    Part { batches: batches.boxed(), ..part }
}

/// A source that has this flaw, and all of whose handles share it.
pub(crate) fn flawed<F: Flaw + Default>() -> FeedSubject {
    let flaw = Arc::new(F::default());
    subject(move || flaw.clone())
}

/// A source each handle of which has this flaw by itself.
pub(crate) fn flawed_by_handle<F: Flaw + Default>() -> FeedSubject {
    subject(|| Arc::new(F::default()))
}

fn subject<F: Flaw>(flaw: impl Fn() -> Arc<F> + Clone + Send + Sync + 'static) -> FeedSubject {
    let healthy = MemoryStore::new();
    let (other, flaw_of_other) = (healthy.clone(), flaw.clone());
    FeedSubject::new(move || ready(source(&healthy, flaw())))
        .spoiling(move |resource, number| spoil(flaw_of_other().events(&other), resource, number))
}

fn source<F: Flaw>(healthy: &MemoryStore, flaw: Arc<F>) -> Source {
    Source {
        events: flaw.events(healthy),
        progress: flaw.progress(healthy),
        feed: Arc::new(Flawed { healthy: healthy.clone(), flaw }),
    }
}
