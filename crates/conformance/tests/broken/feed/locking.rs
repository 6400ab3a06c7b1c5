//! Flaws of locks: who may have a part while somebody has it.

use std::sync::{Arc, Weak};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId, StoreError,
    subscription::{Feed, Hold, LeasedProgress, Part, ProgressStore, Registration, SubscriptionKey},
};
use futures_util::StreamExt as _;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    flaw::{Done, Flaw, Held, Parts},
    log::{behind, registration, unnamed},
};

/// Gives each follower the part, whoever has it.
#[derive(Default)]
pub(crate) struct LocksNothing;

impl Flaw for LocksNothing {
    fn follow(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, _: &Registration) -> Parts {
        placed(healthy, key, turns(healthy, &unnamed(&key.resource_type)))
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        Box::pin(save(&held.healthy, &held.key, position))
    }
}

/// Guards the followers of each handle against each other, and not against those of other handles.
pub(crate) struct LocksWithinAHandle {
    handle: Uuid,
}

impl Default for LocksWithinAHandle {
    fn default() -> Self {
        Self { handle: Uuid::new_v4() }
    }
}

impl Flaw for LocksWithinAHandle {
    fn follow(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, _: &Registration) -> Parts {
        let within = SubscriptionKey::new(format!("{key} in {}", self.handle), key.resource_type.clone());
        placed(healthy, key, turns(healthy, &within))
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        Box::pin(save(&held.healthy, &held.key, position))
    }
}

/// Guards each handle against the others, and not its followers against each other: a lock that belongs to a process.
#[derive(Default)]
pub(crate) struct LocksOutOtherHandles {
    lock: Mutex<Option<Weak<dyn Hold>>>,
}

impl LocksOutOtherHandles {
    async fn lock(&self, healthy: &MemoryStore, key: &SubscriptionKey) -> Result<Arc<dyn Hold>, StoreError> {
        let mut lock = self.lock.lock().await;
        if let Some(hold) = lock.as_ref().and_then(Weak::upgrade) {
            return Ok(hold);
        }
        let part = turns(healthy, key).next().await.expect("parts never end")?;
        *lock = Some(Arc::downgrade(&part.hold));
        Ok(part.hold)
    }
}

impl Flaw for LocksOutOtherHandles {
    fn follow(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, _: &Registration) -> Parts {
        let (flaw, of, store) = (self.clone(), key.clone(), healthy.clone());
        let parts = turns(healthy, &unnamed(&key.resource_type)).then(move |part| {
            let (flaw, key, healthy) = (flaw.clone(), of.clone(), store.clone());
            async move {
                let part = part?;
                let common = flaw.lock(&healthy, &key).await?;
                Ok(Part { hold: Arc::new(Both { own: part.hold, _common: common }), ..part })
            }
        });
        placed(healthy, key, parts.boxed())
    }

    fn save<'a>(&'a self, held: &'a Held, position: u64) -> Done<'a> {
        Box::pin(save(&held.healthy, &held.key, position))
    }
}

/// The hold of a follower, and that of its process.
struct Both {
    own: Arc<dyn Hold>,
    _common: Arc<dyn Hold>,
}

impl Hold for Both {
    fn is_ours(&self) -> bool {
        self.own.is_ours()
    }

    fn save(&self, position: u64) -> Done<'_> {
        self.own.save(position)
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        self.own.progress()
    }

    fn finish(&self) -> Done<'_> {
        self.own.finish()
    }

    fn release(&self) -> Done<'_> {
        self.own.release()
    }
}

/// Parts that the followers of a key have in turns.
fn turns(healthy: &MemoryStore, key: &SubscriptionKey) -> Parts {
    healthy.follow(key, &registration(key.clone()))
}

/// The same parts, each from the place of another key on.
fn placed(healthy: &MemoryStore, key: &SubscriptionKey, parts: Parts) -> Parts {
    let (healthy, key) = (healthy.clone(), key.clone());
    let parts = parts.then(move |part| {
        let (healthy, key) = (healthy.clone(), key.clone());
        async move {
            let place = place(&healthy, &key).await?;
            Ok(Part { batches: behind(&healthy, &key.resource_type, place), ..part? })
        }
    });
    parts.boxed()
}

/// The place of a key, without its lock.
pub(super) async fn place(healthy: &MemoryStore, key: &SubscriptionKey) -> Result<u64, StoreError> {
    let found = healthy.load(key, &[ResourceId::from("place")]).await?;
    Ok(found[0].as_ref().map_or(0, |found| found.handled.unwrap_or_default()))
}

pub(super) async fn save(
    healthy: &MemoryStore,
    key: &SubscriptionKey,
    position: u64,
) -> Result<(), StoreError> {
    healthy.advance(key, &[("place".into(), position)]).await
}
