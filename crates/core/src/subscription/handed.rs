//! Subscriptions of hosts that do not follow a feed but are handed its batches, and may be cut off at a known time: AWS
//! Lambda.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_core::future::BoxFuture;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{Either, ready, select},
    stream,
};
use tokio::time::{Instant, sleep_until};

use super::{
    Batch, Continuity, Hold, LeasedProgress, Part, ProgressStore, Registration, Source, Subscription,
    follow::{Follower, Slots},
    invoke::Binding,
    part::{self, End},
    redriver,
    stop::Stop,
};
use crate::StoreError;

/// How long before it is cut off a host answers. What is under way by then is given up.
const MARGIN: Duration = Duration::from_millis(500);

/// What came of a batch.
#[derive(Debug)]
pub struct Handled {
    /// All deliveries up to this position are handled, or wait behind a marker. 0 when that is true of none.
    pub up_to: u64,
    /// Why it is not all of them, unless it was for want of time.
    pub error: Option<StoreError>,
}

/// What came of a redrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Resources that were parked, and of which everything is handled now.
    pub released: usize,
    /// Resources that were tried in vain.
    pub failed: usize,
}

impl Subscription {
    /// Notes that the subscription runs, as [`run`](Self::run) does by itself. None when it does not follow that type.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn register(
        &self,
        resource_type: &str,
        progress: &dyn ProgressStore,
    ) -> Result<Option<Registration>, StoreError> {
        match self.binding(resource_type) {
            Some(binding) => {
                progress.register(&binding.key, self.settings.start, self.clock.now()).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Handles a batch, as [`run`](Self::run) handles those of a feed: what was handled before is passed over, gaps are read
    /// from the store, and what cannot be handled is parked. How far each resource is, is noted before this returns.
    ///
    /// `registration` is what [`register`](Self::register) gave. While a batch is handled, nobody else may handle one of the
    /// same resources.
    ///
    /// At `cut_off` the host may end the process. As long before that as a handler [may take](Self::deadline), or half of
    /// the time that there is, no event is begun any more; half a second before, what is under way is given up. May be
    /// dropped at any time.
    pub async fn handle(
        &self,
        source: &Source,
        registration: &Registration,
        batch: Batch,
        cut_off: Instant,
    ) -> Handled {
        let Some(binding) = self.binding(&registration.key.resource_type) else {
            return Handled { up_to: batch.up_to, error: None };
        };
        let saved = Arc::new(AtomicU64::new(0));
        let since = registration.since(self.clock.now());
        let part = Part {
            name: "a batch".into(),
            continuity: Continuity::Broken { since },
            batches: stream::once(ready(Ok(batch))).boxed(),
            hold: Arc::new(Handed(saved.clone())),
        };
        let handling = |follower| async move { part::run(&follower, part).await };
        let ended = self.until(source, binding, cut_off, handling).await;
        let error = ended.and_then(Result::err);
        Handled { up_to: saved.load(Ordering::SeqCst), error }
    }

    /// Handles a part of a feed, as far as the time goes: what happened before anything was handed over. The part is given
    /// back, or finished; gives whether it was that. `registration` and `cut_off` are those of [`handle`](Self::handle).
    ///
    /// A resource may be handed over at the same time. Its events are in order in each, but some may be handled twice.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn catch_up(
        &self,
        source: &Source,
        registration: &Registration,
        part: Part,
        cut_off: Instant,
    ) -> Result<bool, StoreError> {
        let Some(binding) = self.binding(&registration.key.resource_type) else { return Ok(true) };
        let handling = |follower| async move { part::run(&follower, part).await };
        let ended = self.until(source, binding, cut_off, handling).await.transpose()?;
        Ok(ended == Some(End::Finished))
    }

    /// Tries what is parked and due, once each, as far as the time goes: see [`handle`](Self::handle). Any number of hosts
    /// may do so at the same time.
    ///
    /// # Errors
    ///
    /// Those of the store, where it cannot be looked for what is parked.
    pub async fn redrive_due(
        &self,
        source: &Source,
        resource_type: &str,
        cut_off: Instant,
    ) -> Result<Redriven, StoreError> {
        let Some(binding) = self.binding(resource_type) else { return Ok(Redriven::default()) };
        let redriving = |follower| async move { redriver::run_once(&follower).await };
        self.until(source, binding, cut_off, redriving).await.unwrap_or(Ok(Redriven::default()))
    }

    pub(super) fn binding(&self, resource_type: &str) -> Option<&Binding> {
        self.bindings.iter().find(|binding| &*binding.key.resource_type == resource_type)
    }

    /// Does some work, and has it stop in time. None when it had to be given up.
    async fn until<W: Future>(
        &self,
        source: &Source,
        binding: &Binding,
        cut_off: Instant,
        work: impl FnOnce(Arc<Follower>) -> W,
    ) -> Option<W::Output> {
        let (sender, stop) = Stop::new();
        let follower = Arc::new(Follower {
            binding: binding.clone(),
            settings: self.settings,
            source: source.clone(),
            slots: Arc::new(Slots::new(self.settings.concurrency)),
            clock: self.clock.clone(),
            stop,
            standing: Default::default(),
            told: Default::default(),
            told_of: Default::default(),
        });
        let left = cut_off.saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        let given_up = Instant::now() + left;
        let begins_no_more = given_up - self.settings.deadline.min(left / 2);
        let stopping = async {
            sleep_until(begins_no_more).await;
            // An error means that nobody is left to be told.
            let _ = sender.send(true);
            sleep_until(given_up).await;
        };
        match select(pin!(work(follower)), pin!(stopping)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// What a host was handed is its own. What was saved of it is told by the answer.
struct Handed(Arc<AtomicU64>);

impl Hold for Handed {
    fn is_ours(&self) -> bool {
        true
    }

    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.fetch_max(position, Ordering::SeqCst);
        ready(Ok(())).boxed()
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        None
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }

    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }
}
