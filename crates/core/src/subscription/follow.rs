//! [`follow`]: a subscription's work on one resource type, from its start to its stop: the parts of the feed as they fall
//! to this process, and the redrive of what is parked.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, future::join, stream};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::sleep,
};

use super::{
    Feed, Part, ProgressStore, Registration, SubscriptionKey, UnreadableRecord,
    invoke::Binding,
    part::{self, End},
    redriver,
    settings::Settings,
    standing::Standing,
    stop::Stop,
};
use crate::{Clock, ErrorChain, EventStore, ResourceId, StoreError, StoreErrorKind};

/// The pause after an error of the store before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where the events of a resource type are, how they are followed, and where it is kept how far one is: three sides of a
/// store.
#[derive(Clone)]
pub struct Source {
    /// The events.
    pub events: Arc<dyn EventStore>,
    /// Delivers them.
    pub feed: Arc<dyn Feed>,
    /// Keeps how far a subscription is.
    pub progress: Arc<dyn ProgressStore>,
}

impl Source {
    /// A store that has all three sides itself.
    pub fn of<S: EventStore + Feed + ProgressStore + Clone>(store: &S) -> Self {
        Self {
            events: Arc::new(store.clone()),
            feed: Arc::new(store.clone()),
            progress: Arc::new(store.clone()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// What all that work for a subscription's handler of one resource type have in common.
pub(super) struct Follower {
    pub(super) binding: Binding,
    pub(super) settings: Settings,
    pub(super) source: Source,
    pub(super) slots: Arc<Slots>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: Stop,
    pub(super) standing: Standing,
    pub(super) told: Told,
    pub(super) told_of: ToldOf,
}

/// Whether it has been told that the store has lost its files: nothing changes about that from one attempt to the next.
#[derive(Default)]
pub(super) struct Told(AtomicBool);

/// The resources of which it has been told that their records cannot be read.
#[derive(Default)]
pub(super) struct ToldOf(Mutex<HashSet<ResourceId>>);

impl ToldOf {
    /// Logs that a record cannot be read, unless that was logged.
    pub(super) fn tell(&self, record: &UnreadableRecord) {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(record.id.clone());
        if is_new {
            tracing::error!(
                subscription = &*record.key.subscription,
                resource_type = &*record.key.resource_type,
                id = %record.id,
                error = %ErrorChain::of(record),
                remedy = record.remedy(),
                "nobody knows how far this resource is: its events wait until its record is mended or removed, and all others \
                 go on"
            );
        }
    }

    /// Logs that a record can be read, or is gone.
    pub(super) fn tell_of_end(&self, key: &SubscriptionKey, id: &ResourceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        tracing::info!(
            subscription = &*key.subscription,
            resource_type = &*key.resource_type,
            %id,
            "the record of this resource was mended or removed: its events are handled again"
        );
    }
}

/// How many events a subscription may handle at the same time.
pub(super) struct Slots {
    /// Of all.
    all: Semaphore,
    /// Of parked resources: they are not to take the place of those that have no trouble.
    pub(super) redrive: Semaphore,
}

impl Slots {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { all: Semaphore::new(concurrency), redrive: Semaphore::new((concurrency / 4).max(1)) }
    }

    /// A place among all, if one is free.
    pub(super) fn try_take(&self) -> Option<SemaphorePermit<'_>> {
        self.all.try_acquire().ok()
    }

    /// Waits for a place among all.
    pub(super) async fn take(&self) -> SemaphorePermit<'_> {
        self.all.acquire().await.expect("it is never closed")
    }
}

/// Follows until it is told to stop. Errors of the store are logged, and tried again for as long as it takes.
pub(super) async fn follow(follower: Follower) {
    let follower = Arc::new(follower);
    let Some(registration) = register(&follower).await else { return };
    join(follow_parts(&follower, registration), redriver::run(&follower)).await;
}

/// None when it was told to stop before the store answered.
async fn register(follower: &Follower) -> Option<Registration> {
    let Follower { binding, settings, source, stop, .. } = follower;
    loop {
        match stop.or(source.progress.register(&binding.key, settings.start, follower.clock.now())).await? {
            Ok(registration) => return Some(registration),
            Err(error) => failed(follower, "the subscription cannot begin yet", &error).await,
        }
    }
}

async fn follow_parts(follower: &Arc<Follower>, registration: Registration) {
    let parts = parts(follower.clone(), registration).take_until(follower.stop.requested());
    parts.for_each_concurrent(None, |part| follow_part(follower, part)).await;
}

/// The parts that fall to this process. After an error the feed goes on: to follow it anew would be to come as somebody else,
/// for whom what this process still has is another one's.
fn parts(follower: Arc<Follower>, registration: Registration) -> BoxStream<'static, Part> {
    let begun = follower.source.feed.follow(&follower.binding.key, &registration);
    let parts =
        stream::unfold((follower, registration, begun), |(follower, registration, mut parts)| async {
            loop {
                match parts.next().await {
                    Some(Ok(part)) => return Some((part, (follower, registration, parts))),
                    Some(Err(error)) => failed(&follower, "the events cannot be followed now", &error).await,
                    None => parts = follower.source.feed.follow(&follower.binding.key, &registration),
                }
            }
        });
    parts.boxed()
}

async fn follow_part(follower: &Arc<Follower>, part: Part) {
    let (name, hold) = (part.name.clone(), part.hold.clone());
    let SubscriptionKey { subscription, resource_type } = &follower.binding.key;
    // One line at several levels.
    macro_rules! tell {
        ($level:ident, $what:literal) => {
            tracing::$level!(
                subscription = &**subscription,
                resource_type = &**resource_type,
                partition = &*name,
                $what
            )
        };
    }
    tell!(debug, "following a partition");
    match part::run(follower, part).await {
        Ok(End::Stopped) => tell!(debug, "stopped following a partition"),
        Ok(End::Finished) => tell!(debug, "a partition was followed to its end"),
        Ok(End::Lost) => tell!(warn, "another process follows this partition now"),
        Err(error) => failed(follower, "following failed, and begins anew where it was saved", &error).await,
    }
    // Until now nobody else could have it, so that what is wrong with it is not tried again at once.
    drop(hold);
}

/// Logs an error of the store, and pauses.
pub(super) async fn failed(follower: &Follower, what: &'static str, error: &StoreError) {
    let SubscriptionKey { subscription, resource_type } = &follower.binding.key;
    follower.standing.failed(resource_type, what);
    let is_lost = error.kind() == StoreErrorKind::Lost;
    if !(follower.told.0.swap(is_lost, Ordering::Relaxed) && is_lost) {
        tracing::warn!(
            subscription = &**subscription, resource_type = &**resource_type, error = %ErrorChain::of(error),
            "{what}"
        );
    }
    let _ = follower.stop.or(sleep(PAUSE)).await;
}
