//! Flaws of leases: what becomes of a part whose process stands still.

use std::{
    collections::HashMap,
    future::ready,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws_event_sourcing_conformance::FeedSubject;
use aws_event_sourcing_core::{
    MemoryStore, ResourceId, StoreError, StoreErrorKind,
    subscription::{
        Continuity, Feed, Hold, LeasedProgress, Part, Progress, ProgressStore as _, Registration, Source,
        SubscriptionKey, Swap,
    },
};
use futures_util::{StreamExt as _, stream};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    flaw::{Batches, Done, Parts},
    locking::{place, save},
    log::{behind, from_now},
};

const LEASE: Duration = Duration::from_millis(400);
const RENEW_EVERY: Duration = Duration::from_millis(50);

/// What a process does with a part that it has lost.
pub(crate) trait Lost: Send + Sync + 'static {
    const KNOWS: bool = true;
    const SAVES: bool = false;
    const NOTES: bool = false;
    const HANDS_OVER: bool = false;
    /// Whether whoever takes a part from another one begins with what happens then.
    const FROM_NOW: bool = false;
}

pub(crate) struct NoFlaw;
impl Lost for NoFlaw {}

pub(crate) struct TakesOverFromNow;
impl Lost for TakesOverFromNow {
    const FROM_NOW: bool = true;
}

pub(crate) struct IsSureOfItsParts;
impl Lost for IsSureOfItsParts {
    const KNOWS: bool = false;
}

pub(crate) struct SavesWhatItHasLost;
impl Lost for SavesWhatItHasLost {
    const SAVES: bool = true;
}

pub(crate) struct NotesWhatItHasLost;
impl Lost for NotesWhatItHasLost {
    const NOTES: bool = true;
}

pub(crate) struct HandsOverWhatItHasLost;
impl Lost for HandsOverWhatItHasLost {
    const HANDS_OVER: bool = true;
}

/// A feed whose parts are leased.
pub(crate) fn leased<L: Lost>() -> FeedSubject {
    let feed = Leases::<L> { healthy: MemoryStore::new(), terms: Arc::default(), lost: PhantomData };
    FeedSubject::new(move || {
        let healthy = Arc::new(feed.healthy.clone());
        ready(Source { events: healthy.clone(), feed: Arc::new(feed.clone()), progress: healthy })
    })
}

struct Leases<L> {
    healthy: MemoryStore,
    terms: Arc<Mutex<HashMap<SubscriptionKey, Term>>>,
    lost: PhantomData<L>,
}

impl<L> Clone for Leases<L> {
    fn clone(&self) -> Self {
        Self { healthy: self.healthy.clone(), terms: self.terms.clone(), lost: PhantomData }
    }
}

#[derive(Clone, Copy)]
struct Term {
    number: u64,
    /// None when it was given back.
    renewed: Option<Instant>,
}

impl<L: Lost> Leases<L> {
    fn terms(&self) -> MutexGuard<'_, HashMap<SubscriptionKey, Term>> {
        self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a new term, unless somebody has the part. And whether it was taken from somebody.
    fn take(&self, key: &SubscriptionKey) -> Option<(u64, bool)> {
        let mut terms = self.terms();
        let before = terms.get(key).copied().unwrap_or(Term { number: 0, renewed: None });
        if before.renewed.is_some_and(|renewed| renewed.elapsed() < LEASE) {
            return None;
        }
        let number = before.number + 1;
        terms.insert(key.clone(), Term { number, renewed: Some(Instant::now()) });
        Some((number, before.renewed.is_some()))
    }

    async fn part(&self, key: &SubscriptionKey) -> Result<Part, StoreError> {
        let (term, is_taken_over) = loop {
            match self.take(key) {
                Some(taken) => break taken,
                None => sleep(RENEW_EVERY).await,
            }
        };
        let place = place(&self.healthy, key).await?;
        let all = if is_taken_over && L::FROM_NOW {
            from_now(&self.healthy, &key.resource_type)
        } else {
            behind(&self.healthy, &key.resource_type, place)
        };
        let lease = Lease { leases: self.clone(), key: key.clone(), term };
        let hold = Leased { renewing: tokio::spawn(lease.clone().renew()), lease: lease.clone() };
        let batches = lease.while_ours(all);
        Ok(Part { name: "leased".into(), continuity: Continuity::Unbroken, batches, hold: Arc::new(hold) })
    }
}

impl<L: Lost> Feed for Leases<L> {
    fn follow(&self, key: &SubscriptionKey, _: &Registration) -> Parts {
        let state = (self.clone(), key.clone());
        stream::unfold(state, |(leases, key)| async { Some((leases.part(&key).await, (leases, key))) })
            .boxed()
    }
}

struct Lease<L> {
    leases: Leases<L>,
    key: SubscriptionKey,
    term: u64,
}

impl<L> Clone for Lease<L> {
    fn clone(&self) -> Self {
        Self { leases: self.leases.clone(), key: self.key.clone(), term: self.term }
    }
}

impl<L: Lost> Lease<L> {
    fn is_ours(&self) -> bool {
        self.leases.terms().get(&self.key).is_some_and(|term| {
            term.number == self.term && term.renewed.is_some_and(|renewed| renewed.elapsed() < LEASE)
        })
    }

    fn set(&self, renewed: Option<Instant>) {
        if let Some(term) = self.leases.terms().get_mut(&self.key).filter(|term| term.number == self.term) {
            term.renewed = renewed;
        }
    }

    async fn renew(self) {
        while self.is_ours() {
            self.set(Some(Instant::now()));
            sleep(RENEW_EVERY).await;
        }
    }

    fn check(&self, does_it_all_the_same: bool) -> Result<(), StoreError> {
        if does_it_all_the_same || self.is_ours() {
            Ok(())
        } else {
            Err(StoreError::new(StoreErrorKind::Unavailable, "it is another one's"))
        }
    }

    fn while_ours(self, batches: Batches) -> Batches {
        let next = |(lease, mut batches): (Self, Batches)| async {
            loop {
                if !L::HANDS_OVER && !lease.is_ours() {
                    return None;
                }
                if let Ok(batch) = tokio::time::timeout(RENEW_EVERY, batches.next()).await {
                    return Some((batch?, (lease, batches)));
                }
            }
        };
        stream::unfold((self, batches), next).boxed()
    }
}

struct Leased<L> {
    lease: Lease<L>,
    renewing: JoinHandle<()>,
}

impl<L: Lost> Hold for Leased<L> {
    fn is_ours(&self) -> bool {
        !L::KNOWS || self.lease.is_ours()
    }

    fn save(&self, position: u64) -> Done<'_> {
        Box::pin(async move {
            self.lease.check(L::SAVES)?;
            save(&self.lease.leases.healthy, &self.lease.key, position).await
        })
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        Some(self)
    }

    fn finish(&self) -> Done<'_> {
        Box::pin(async { self.lease.check(false) })
    }

    fn release(&self) -> Done<'_> {
        Box::pin(async { Ok(()) })
    }
}

impl<L: Lost> LeasedProgress for Leased<L> {
    fn advance<'a>(&'a self, handled: &'a [(ResourceId, u64)]) -> Done<'a> {
        Box::pin(async move {
            self.lease.check(L::NOTES)?;
            self.lease.leases.healthy.advance(&self.lease.key, handled).await
        })
    }

    fn swap<'a>(
        &'a self,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
    ) -> futures_util::future::BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(async move {
            self.lease.check(L::NOTES)?;
            self.lease.leases.healthy.swap(&self.lease.key, id, seen, next, None).await
        })
    }
}

impl<L> Drop for Leased<L> {
    fn drop(&mut self) {
        self.renewing.abort();
        let mut terms = self.lease.leases.terms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(term) = terms.get_mut(&self.lease.key).filter(|term| term.number == self.lease.term) {
            term.renewed = None;
        }
    }
}
