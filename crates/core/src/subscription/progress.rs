//! [`Progress`]: how far a subscription is with a resource. [`ProgressStore`]: where that is kept, the contract for
//! authors of stores.

use std::{fmt, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use serde::Serialize;

use super::{UnreadableRecord, clock::later};
use crate::{ResourceId, StoreError, Timestamp, TraceParent, limits::MAX_EVENT_NUMBER};

/// What progress is of: a subscription, and one of the resource types that it follows.
///
/// The types of a subscription have nothing to do with each other: each has a beginning and a place of its own, and
/// goes on from there when it is taken away and comes back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionKey {
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// The resource type.
    pub resource_type: Arc<str>,
}

impl SubscriptionKey {
    /// That subscription, as far as it follows that type.
    pub fn new(subscription: impl Into<Arc<str>>, resource_type: impl Into<Arc<str>>) -> Self {
        Self { subscription: subscription.into(), resource_type: resource_type.into() }
    }
}

impl fmt::Display for SubscriptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.subscription, self.resource_type)
    }
}

/// Which events a subscription begins with, the first time it runs. Later it goes on from where it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the first event that there is.
    #[default]
    Beginning,
    /// With the events that are committed from then on.
    Now,
}

/// A subscription that has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Which one, and what it follows.
    pub key: SubscriptionKey,
    /// What it began with.
    pub start: Start,
    /// When it first ran.
    pub started_at: Timestamp,
}

impl Registration {
    /// Where it began with the events that are committed from then on: when that was, by a clock that says `now`. What
    /// was committed before is passed over.
    ///
    /// When it would begin five minutes from now or later, a clock was ahead, and nobody knows when it was. Then nothing is
    /// passed over: an event too many can be borne, and one too few cannot.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        let since = if self.started_at > later(now, CLOCKS_DIFFER) {
            Timestamp::from_unix_millis(0)
        } else {
            self.started_at
        };
        (self.start == Start::Now).then_some(since)
    }
}

/// How much the clocks of machines may differ, so that it need not mean that one was set.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// How far a subscription is with one resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The last event that was handled; all before it were handled too. Always the last one of its commit. None where
    /// nothing is recorded.
    pub handled: Option<u64>,
    /// Set while an event of the resource cannot be handled.
    pub parked: Option<Box<Parked>>,
    /// Grows with every change of the record; 0 when there is none.
    pub revision: u64,
}

impl Progress {
    /// Whether a record can be: for stores, of what they have read. A number that cannot be is as good as one that cannot be
    /// read.
    ///
    /// # Errors
    ///
    /// The name of a field that cannot be as it is, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        const TOO_LARGE: &str = "no record and no event has a number as large as that";
        let Self { handled, parked, revision } = self;
        let is_too_large = |number: u64| number > MAX_EVENT_NUMBER;
        if is_too_large(*revision) {
            return Err(("revision", TOO_LARGE));
        }
        if handled.is_some_and(is_too_large) {
            return Err(("handled", TOO_LARGE));
        }
        let Some(parked) = parked.as_deref() else { return Ok(()) };
        match *parked {
            Parked { number, .. } if is_too_large(number) => Err(("number", TOO_LARGE)),
            Parked { waiting, .. } if is_too_large(waiting) => Err(("waiting", TOO_LARGE)),
            Parked { number: 0, .. } => Err(("number", "the first event has the number 1")),
            Parked { number, after, .. } if after >= number => {
                Err(("after", "the version before a commit is below the numbers of its events"))
            }
            _ => Ok(()),
        }
    }
}

/// The marker of a parked resource: which of its events cannot be handled, and why. It points into the history and
/// holds no copy of it: the history is the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Parked {
    /// The event that cannot be handled. It and all that follow wait.
    pub number: u64,
    /// The version of the resource before the commit that this event is part of.
    pub after: u64,
    /// The event's stored type. None when it could not even be read.
    pub event_type: Option<Box<str>>,
    /// The last event that is known to wait.
    pub waiting: u64,
    /// Why it could not be handled the last time: up to [`MAX_ERROR_BYTES`].
    pub error: Box<str>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried in vain.
    pub first_failed_at: Timestamp,
    /// When it was last tried in vain.
    pub last_failed_at: Timestamp,
    /// When it is tried again.
    pub next_attempt_at: Timestamp,
    /// Until when somebody has it for themselves, to try it again.
    pub claimed_until: Option<Timestamp>,
    /// The trace that the event was committed in.
    pub trace: Option<TraceParent>,
}

/// The most bytes of an error that a marker holds: 2,000. The rest is in the log.
pub const MAX_ERROR_BYTES: usize = 2_000;

/// The record of an event that somebody had passed over, by hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skipped {
    /// The event.
    pub number: u64,
    /// Its stored type.
    pub event_type: Option<Box<str>>,
    /// Why it could not be handled.
    pub error: Box<str>,
    /// Why it was passed over.
    pub reason: Box<str>,
    /// Who did it.
    pub by: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// Keeps how far subscriptions are. Knows no events and no handlers.
///
/// # Contract
///
/// 1. **Together.** A change of one record is made whole or not at all, with what it brings along.
/// 2. **One winner.** Of several [`swap`](Self::swap)s that saw the same revision, one is made. The others get what is
///    there now.
/// 3. **Never back.** [`advance`](Self::advance) leaves alone what is further, and what is parked.
/// 4. **Seen at once.** [`load`](Self::load) and `swap` see every change that was acknowledged before they were called.
///    [`parked`](Self::parked) may be a moment behind.
/// 5. **Durable.** What was acknowledged survives a crash.
/// 6. **Separate.** Two keys have nothing to do with each other.
/// 7. **Apart.** A record that cannot be read, whatever somebody has stored in its place, hides no other one: `load` gives
///    an [`UnreadableRecord`] in its place, and `parked` [tells of it](ParkedPage::unreadable). It is never taken for one that
///    is not there. `swap` fails.
///
/// A store whose [feed](super::Feed) is [unbroken](super::Continuity::Unbroken) may forget a record without a marker
/// as soon as the feed will not deliver its event again.
pub trait ProgressStore: Send + Sync + 'static {
    /// Notes that a subscription runs; gives what was noted the first time.
    fn register<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Registration, StoreError>>;

    /// All that have ever run, in the order of their keys.
    fn registered(&self) -> BoxFuture<'_, Result<Vec<Registration>, StoreError>>;

    /// How far it is with each of these resources, in their order.
    fn load<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> BoxFuture<'a, Result<Vec<Result<Progress, UnreadableRecord>>, StoreError>>;

    /// Notes for each of these resources that its events up to a number are handled: the last number of a commit. Each
    /// is there once. A change of one may be made without those of the others.
    fn advance<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Replaces a record, if it still has that revision. The new record's own revision does not matter. What was
    /// skipped is noted with it.
    fn swap<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
        skipped: Option<&'a Skipped>,
    ) -> BoxFuture<'a, Result<Swap, StoreError>>;

    /// Parked resources in the order of their next attempt, then of their ids' bytes: at most `limit` of those behind
    /// `after`, and of those whose next attempt is not later than `due`. A `limit` of 0 counts as 1; a store may give
    /// fewer than a large one asks for. Times may be of any year: whoever noted them may have had a clock that was ahead, and
    /// what is behind a time that is too far away is looked for as well.
    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> BoxFuture<'a, Result<ParkedPage, StoreError>>;

    /// What was skipped of a resource, in the order of the numbers.
    fn skipped<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> BoxFuture<'a, Result<Vec<Skipped>, StoreError>>;
}

/// What came of an attempt to replace a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Swap {
    /// It is replaced, and has this revision now.
    Done(u64),
    /// It has changed in between, to this.
    Changed(Progress),
}

/// A place among parked resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedCursor {
    /// When the resource there is tried again.
    pub next_attempt_at: Timestamp,
    /// Its id.
    pub id: ResourceId,
}

/// Some parked resources.
#[derive(Debug, Clone)]
pub struct ParkedPage {
    /// Each with its record, which has a marker.
    pub resources: Vec<(ResourceId, Progress)>,
    /// Records with a marker that were come across and cannot be read. They do not count, the limit is for the others, and
    /// the next page may tell of one again. With `due` only some of them may be found, and with neither `due` nor `after` all
    /// are, in one page or another: those that the store can list at all.
    pub unreadable: Vec<UnreadableRecord>,
    /// Where the next page begins; none when there is no more.
    pub next: Option<ParkedCursor>,
}
