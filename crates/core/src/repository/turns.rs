//! [`Turns`]: the writers of one resource within this process go one after the other, in the order of their arrival.
//!
//! Without it they would race each other for the next number, and all but one would write in vain. It is courtesy, not
//! safety: that comes from the store's conditional write, which also orders the writers of other processes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

use crate::ResourceId;

type Queues = HashMap<ResourceId, Arc<tokio::sync::Mutex<()>>>;

/// A queue for each resource that is being written to, and none for the others.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: Mutex<Queues>,
}

impl Turns {
    /// Waits until all who came before have had their turn.
    pub(super) async fn wait(&self, id: &ResourceId) -> Turn<'_> {
        let queue = self.lock().entry(id.clone()).or_default().clone();
        let mut turn = Turn { turns: self, id: id.clone(), held: None };
        turn.held = Some(queue.lock_owned().await);
        turn
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // The map's own operations cannot be interrupted half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write to a resource, or, while `held` is none, a place in the queue. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    id: ResourceId,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.lock();
        self.held = None;
        // Others get hold of the queue through the map, which is locked: if nobody else has it now, nobody waits.
        if queues.get(&self.id).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_is_gone_when_its_last_writer_is_done_or_gives_up() {
        let turns = Turns::default();
        let id = ResourceId::from("a");
        let first = turns.wait(&id).await;
        {
            let mut second = Box::pin(turns.wait(&id));
            assert!(futures_util::poll!(&mut second).is_pending());
            let mut third = Box::pin(turns.wait(&id));
            assert!(futures_util::poll!(&mut third).is_pending());
            drop(second);
            drop(first);
            drop(third.await);
        }
        assert!(turns.lock().is_empty());
    }
}
