//! [`Held`]: resources whose records cannot be read, with what was delivered of them. They wait for a person.

use std::{
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use crate::{ResourceId, ResourceKey};

/// How often it is looked whether the records can be read by now.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is held of a part.
#[derive(Debug)]
pub(super) struct Held {
    resources: HashMap<ResourceId, Deliveries>,
    next_look: Pin<Box<Sleep>>,
}

/// What was delivered of a resource while its record could not be read.
#[derive(Debug)]
pub(super) struct Deliveries {
    pub(super) resource: ResourceKey,
    /// The first event.
    pub(super) first: u64,
    /// The last event that is known to exist.
    pub(super) last: u64,
    /// The position of the first delivery. It stays under way: what is saved of the part ends before it.
    pub(super) position: u64,
    /// That of the last delivery.
    pub(super) last_position: u64,
}

impl Default for Held {
    fn default() -> Self {
        Self { resources: HashMap::new(), next_look: Box::pin(sleep(LOOK_EVERY)) }
    }
}

impl Held {
    pub(super) fn has(&self, id: &ResourceId) -> bool {
        self.resources.contains_key(id)
    }

    /// Holds a resource.
    pub(super) fn begin(&mut self, deliveries: Deliveries) {
        if self.resources.is_empty() {
            self.wait();
        }
        self.resources.insert(deliveries.resource.id.clone(), deliveries);
    }

    /// Notes what else was delivered of one that is held.
    pub(super) fn add(&mut self, id: &ResourceId, last: u64, position: u64) {
        if let Some(deliveries) = self.resources.get_mut(id) {
            deliveries.last = deliveries.last.max(last);
            deliveries.last_position = deliveries.last_position.max(position);
        }
    }

    /// Whether it is time to look again, and there is something to look for.
    pub(super) fn is_to_be_looked_at(&mut self, context: &mut Context<'_>) -> bool {
        !self.resources.is_empty() && self.next_look.as_mut().poll(context) == Poll::Ready(())
    }

    /// What to look for now. The next look has some time.
    pub(super) fn look(&mut self) -> Vec<ResourceId> {
        self.wait();
        self.resources.keys().cloned().collect()
    }

    /// Holds a resource no longer.
    pub(super) fn end(&mut self, id: &ResourceId) -> Option<Deliveries> {
        self.resources.remove(id)
    }

    /// The positions at which something is held.
    pub(super) fn positions(&self) -> impl Iterator<Item = u64> {
        self.resources.values().map(|deliveries| deliveries.position)
    }

    fn wait(&mut self) {
        self.next_look.as_mut().reset(Instant::now() + LOOK_EVERY);
    }
}
