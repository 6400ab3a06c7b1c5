//! Flaws of holds: of what becomes of a part that somebody has, or waits for.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use aws_event_sourcing_core::{
    MemoryStore,
    subscription::{Feed, Hold, Part, Registration, SubscriptionKey},
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::oneshot;

use super::flaw::{Done, Flaw, Held, Parts};

/// Gives a part back when it is told to, and not when the hold is dropped.
#[derive(Default)]
pub(crate) struct KeepsWhatIsDropped {
    holds: Mutex<Vec<Arc<dyn Hold>>>,
}

impl Flaw for KeepsWhatIsDropped {
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).push(part.hold.clone());
        part
    }

    fn release<'a>(&'a self, held: &'a Held) -> Done<'a> {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.retain(|hold| !Arc::ptr_eq(hold, &held.hold));
        held.hold.release()
    }
}

/// Loses sight of a part that is given back.
#[derive(Default)]
pub(crate) struct KeepsWhatIsReleased {
    holds: Mutex<Vec<Arc<dyn Hold>>>,
}

impl Flaw for KeepsWhatIsReleased {
    fn release<'a>(&'a self, held: &'a Held) -> Done<'a> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).push(held.hold.clone());
        held.hold.release()
    }
}

/// Overwrites, when it saves, whose a part is.
#[derive(Default)]
pub(crate) struct LosesWhatItSaves {
    is_lost: AtomicBool,
}

impl Flaw for LosesWhatItSaves {
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        self.is_lost.store(false, SeqCst);
        part
    }

    fn is_ours(&self, held: &Held) -> bool {
        held.hold.is_ours() && !self.is_lost.load(SeqCst)
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        self.is_lost.store(true, SeqCst);
        held.hold.save(position)
    }
}

/// Waits for a part in a task, which keeps the part when nobody is there any more to take it.
#[derive(Default)]
pub(crate) struct WaitsInATask {
    kept: Arc<Mutex<Vec<Part>>>,
}

impl Flaw for WaitsInATask {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let state = (self.kept.clone(), healthy.clone(), key.clone(), registration.clone());
        let parts = stream::unfold(state, |(kept, healthy, key, registration)| async {
            let (answer, answered) = oneshot::channel();
            let mut parts = healthy.follow(&key, &registration);
            let nobody = kept.clone();
            tokio::spawn(async move {
                if let Some(Ok(part)) = parts.next().await
                    && let Err(part) = answer.send(part)
                {
                    nobody.lock().unwrap_or_else(PoisonError::into_inner).push(part);
                }
            });
            let part = answered.await.ok()?;
            Some((Ok(part), (kept, healthy, key, registration)))
        });
        parts.boxed()
    }
}
