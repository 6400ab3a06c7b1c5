//! [`Feed`]: what a store has to offer for its events to be followed; the contract for authors of stores.

use std::{fmt, sync::Arc};

use futures_core::{future::BoxFuture, stream::BoxStream};

use super::{Progress, Registration, SubscriptionKey, Swap};
use crate::{Commit, ErrorChain, ResourceId, ResourceKey, StoreError, Timestamp, Unreadable};

/// Delivers the commits of a resource type, those of the past and then those that happen.
///
/// # Contract
///
/// 1. **Complete.** Every commit of the type, from where the subscription [began](super::Start), is delivered at least
///    once, unless everything up to it has been [saved](Hold::save) before. A commit that was not saved comes again,
///    in this process or another one.
/// 2. **In order.** Within a part the commits of a resource come in the order of their numbers. Other orders are
///    noticed and mended, and cost a read.
/// 3. **One at a time.** While a process [holds](Hold) the part that delivers a resource, no other one has that
///    resource delivered for the same key. When a process ends, however it ends, others get its parts. So they do when it
///    stands still, where a store is shared by processes; if it goes on, it has lost them: nothing more of them is delivered to
///    it, and nothing that it notes of them is kept.
/// 4. **Live.** A commit is delivered soon after it was acknowledged, whoever made it.
/// 5. **Bounded.** What was not asked for is not read, but for a few pages.
/// 6. **Apart.** A commit that cannot be read, whatever somebody else has stored in its place, holds up no other resource:
///    it is [told of](Unread) at its position, and the batches go on.
pub trait Feed: Send + Sync + 'static {
    /// The parts that fall to this process, each as soon as it does. Never ends, and goes on after an error. A part whose
    /// [`Hold`] was dropped comes again, here or elsewhere.
    fn follow(
        &self,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> BoxStream<'static, Result<Part, StoreError>>;
}

/// A part of a feed that one process has for itself.
pub struct Part {
    /// What it is, for the log: a file, a shard.
    pub name: Arc<str>,
    /// Whether anything can be missing from it.
    pub continuity: Continuity,
    /// Commits, some at a time. Waits for more where there are none; ends after an error, where the part itself has an
    /// end, and where it is to go to another process.
    pub batches: BoxStream<'static, Result<Batch, StoreError>>,
    /// The right to it. Given back by being dropped.
    pub hold: Arc<dyn Hold>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, continuity, .. } = self;
        f.debug_struct("Part").field("name", name).field("continuity", continuity).finish_non_exhaustive()
    }
}

/// Commits that are delivered together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Them, each resource's in order, and best together. There may be none, where all that was read is not of the type.
    pub deliveries: Vec<Delivery>,
    /// Those that cannot be read.
    pub unread: Vec<Unread>,
    /// The position that none of them is behind, and that the next batch goes on behind.
    pub up_to: u64,
}

/// A commit that is delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The commit.
    pub commit: Commit,
    /// Its place in its part. No other delivery has it; it grows within a resource, and from batch to batch.
    pub position: u64,
}

/// A commit that a feed has come to and cannot read. When its turn comes it is read from the store: that fails too and says
/// why, so that its resource is parked, or somebody has mended it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The resource.
    pub resource: ResourceKey,
    /// The number of the commit's first event.
    pub number: u64,
    /// As that of a [`Delivery`].
    pub position: u64,
}

impl Batch {
    /// Adds what was read at a position: a commit, or that one cannot be read.
    ///
    /// What is stored of a resource without a number that an event can have is none of its events: it is logged, and not
    /// delivered.
    ///
    /// # Errors
    ///
    /// Gives back an error that does not name a resource.
    pub fn add(&mut self, position: u64, read: Result<Commit, StoreError>) -> Result<(), StoreError> {
        let error = match read {
            Ok(commit) => {
                self.deliveries.push(Delivery { commit, position });
                return Ok(());
            }
            Err(error) => error,
        };
        let Some(Unreadable { resource, number, .. }) = error.unreadable() else { return Err(error) };
        match *number {
            Some(number) => self.unread.push(Unread { resource: resource.clone(), number, position }),
            None => tracing::error!(
                resource_type = &*resource.resource_type,
                id = %resource.id,
                error = %ErrorChain::of(&error),
                "what is stored is no event, and is not delivered"
            ),
        }
        Ok(())
    }
}

/// What it means that nothing is recorded of a resource when a commit of it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// What came before is handled: this part misses nothing out. A record is needed only of what is ahead of what is
    /// [saved](Hold::save).
    Unbroken,
    /// Nothing of it is handled, but for what was committed before this time. A part may miss something out, so that
    /// every resource needs a record for that to be noticed.
    Broken {
        /// When the subscription began, if it began with the events from then on.
        since: Option<Timestamp>,
    },
}

/// The right of a process to a part.
pub trait Hold: Send + Sync + 'static {
    /// Whether the part is still this process's. Asked before each event is handled: no request, and no waiting.
    fn is_ours(&self) -> bool;

    /// Notes that everything up to this position, and everything before it, is handled, or waits behind a marker.
    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Where else than with [`save`](Self::save) something is to be noted by whoever has the part. None where that needs no
    /// right, so that the [`ProgressStore`](super::ProgressStore) does it.
    fn progress(&self) -> Option<&dyn LeasedProgress>;

    /// Notes that everything in the part is handled, after its batches have ended.
    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Gives the part back, so that others need not find out by themselves.
    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The progress of a process that has a part. Each change is made while the part is its own, or not at all.
pub trait LeasedProgress: Send + Sync {
    /// As [`ProgressStore::advance`](super::ProgressStore::advance).
    fn advance<'a>(&'a self, handled: &'a [(ResourceId, u64)]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// As [`ProgressStore::swap`](super::ProgressStore::swap), of an event that is not passed over.
    fn swap<'a>(
        &'a self,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
    ) -> BoxFuture<'a, Result<Swap, StoreError>>;
}
