//! [`Lease`]: the right to a part, for as long as it is renewed. [`Held`]: that right in the hands of a follower.
//!
//! A lease counts from the moment at which the request that renewed it was sent. Others count from when they saw the
//! renewal, which was later: so it has ended here before it is abandoned there.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Clock as _, ErrorChain, StoreError, SystemClock, Timestamp,
    subscription::{Hold, LeasedProgress, SubscriptionKey},
};
use futures_core::future::BoxFuture;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    leases::{Change, Changed, Claim, Leases},
    plan::is_late,
    reached::Reached,
};
use crate::error::Error;

/// A part that is this process's.
pub(super) struct Lease {
    pub(super) leases: Arc<Leases>,
    /// The sort key of its item.
    pub(super) part: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) round: u64,
    pub(super) owner: Arc<str>,
    pub(super) time: Duration,
    /// The last counter that was used. One write at a time.
    counter: tokio::sync::Mutex<u64>,
    /// When the last write that went well was sent.
    renewed: Mutex<Moment>,
    /// True when it is over.
    over: watch::Sender<bool>,
    /// Whether nobody has it in hand any more.
    is_dropped: AtomicBool,
    /// How far it is handled.
    reached: Mutex<Reached>,
    /// True when it is to be handed over.
    handed_over: watch::Sender<bool>,
    /// Is told when something about the lease has changed.
    changed: Arc<Notify>,
}

/// What is taken.
pub(super) struct Taken {
    pub(super) part: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) round: u64,
    pub(super) owner: Arc<str>,
    pub(super) time: Duration,
    pub(super) counter: u64,
    /// When the request was sent that took it.
    pub(super) sent: Moment,
    /// How far it is handled.
    pub(super) reached: Reached,
}

/// A moment by two clocks. One of them stands still while the machine sleeps, the other one may be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    by_machine: Instant,
    by_wall: Timestamp,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { by_machine: Instant::now(), by_wall: SystemClock.now() }
    }

    /// How long ago that was, by whichever clock says more.
    fn elapsed(self) -> Duration {
        let Self { by_machine, by_wall } = Self::now();
        by_machine.duration_since(self.by_machine).max(between(self.by_wall, by_wall))
    }
}

impl Lease {
    pub(super) fn new(leases: Arc<Leases>, taken: Taken, changed: Arc<Notify>) -> Self {
        let Taken { part, name, round, owner, time, counter, sent, reached } = taken;
        Self {
            leases,
            part,
            name,
            round,
            owner,
            time,
            counter: counter.into(),
            renewed: sent.into(),
            over: watch::Sender::new(false),
            is_dropped: false.into(),
            reached: reached.into(),
            handed_over: watch::Sender::new(false),
            changed,
        }
    }

    /// Whether it is this process's.
    pub(super) fn is_ours(&self) -> bool {
        !*self.over.borrow() && self.renewed().elapsed() < self.time
    }

    /// Whether nobody has it in hand any more.
    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }

    /// Ends it here, whatever its item says.
    pub(super) fn lose(&self) {
        // Told once: whoever is told looks at once.
        if !self.over.send_replace(true) {
            self.changed.notify_one();
        }
    }

    /// Asks for it to be handed over: the part ends, and who handles it finishes what is under way.
    pub(super) fn hand_over(&self) {
        self.handed_over.send_replace(true);
    }

    /// Whether it is to be handed over.
    pub(super) fn is_handed_over(&self) -> bool {
        *self.handed_over.borrow()
    }

    /// Waits until it is to be handed over.
    pub(super) async fn until_handed_over(&self) {
        // The sender is here.
        let _ = self.handed_over.subscribe().wait_for(|handed_over| *handed_over).await;
    }

    /// Gives back what was to be handed over, and was dropped before it was finished.
    pub(super) async fn give_back(&self) -> Result<(), Error> {
        let mut counter = self.counter.lock().await;
        *counter += 1;
        let read_to = self.reached().read_to();
        self.leases.write(self.claim(*counter), &Change::Release, read_to).await.map(drop)
    }

    /// Waits until it is over.
    pub(super) async fn is_over(&self) {
        // The sender is here.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// How far it is handled.
    pub(super) fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renewed(&self) -> Moment {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, counter: u64) -> Claim<'_> {
        let Self { part, round, owner, .. } = self;
        Claim { part, round: *round, owner, counter }
    }

    fn not_ours(&self) -> Error {
        Error::NotOurs { part: self.name.clone(), key: self.leases.key().clone() }
    }

    async fn write(&self, change: &Change, read_to: Option<Timestamp>) -> Result<(), Error> {
        let mut counter = self.counter.lock().await;
        if !self.is_ours() {
            return Err(self.not_ours());
        }
        let sent = Moment::now();
        // Used up, whatever comes of it: a write whose future is dropped may arrive all the same.
        *counter += 1;
        match self.leases.write(self.claim(*counter), change, read_to).await? {
            Changed::Done => {
                *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = sent;
                Ok(())
            }
            Changed::TooLate => {
                self.lose();
                Err(self.not_ours())
            }
        }
    }

    fn warn(&self, error: &Error) {
        let SubscriptionKey { subscription, resource_type } = self.leases.key();
        tracing::warn!(
            subscription = &**subscription, resource_type = &**resource_type, partition = &*self.name,
            error = %ErrorChain::of(error),
            "the lease of a partition cannot be renewed now"
        );
    }

    /// Renews it when a third of its time has passed since it was last written, until it is over.
    async fn renew(self: Arc<Self>) {
        while self.is_ours() {
            let elapsed = self.renewed().elapsed();
            if let Some(rest) = (self.time / 3).checked_sub(elapsed).filter(|rest| !rest.is_zero()) {
                sleep(rest).await;
                continue;
            }
            let read_to = self.reached().read_to();
            let left = self.time.saturating_sub(elapsed);
            match timeout(left, self.write(&Change::Renew, read_to)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if self.is_ours() => {
                    self.warn(&error);
                    sleep(self.time / 10).await;
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        self.lose();
    }
}

/// What is read.
pub(super) enum Of {
    Shard,
    /// The table, since then, whoever began.
    Past(Timestamp),
}

/// What it means that the table is read. The stream has to go back to when that began.
fn past_is_read(begun_at: Timestamp, now: Timestamp) -> Change {
    if is_late(begun_at, now) { Change::ReadAgain } else { Change::Finish }
}

fn between(begun_at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(now.as_unix_millis().saturating_sub(begun_at.as_unix_millis()))
}

/// A lease in the hands of a follower. Renewed as long as it is not dropped.
pub(super) struct Held {
    lease: Arc<Lease>,
    of: Of,
    renewing: JoinHandle<()>,
}

impl Held {
    pub(super) fn new(lease: Arc<Lease>, of: Of) -> Self {
        let renewing = tokio::spawn(Arc::clone(&lease).renew());
        Self { lease, of, renewing }
    }

    async fn end(&self, change: Change) -> Result<(), Error> {
        let read_to = match change {
            // All that was read is handled.
            Change::Finish => self.lease.reached().read_to_end(),
            _ => self.lease.reached().read_to(),
        };
        self.lease.write(&change, read_to).await?;
        // Its item says so.
        self.lease.handed_over.send_replace(false);
        self.lease.lose();
        Ok(())
    }
}

impl Hold for Held {
    fn is_ours(&self) -> bool {
        self.lease.is_ours()
    }

    /// One write; none where nothing is to be noted.
    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if !self.lease.is_ours() {
                return Err(self.lease.not_ours().into());
            }
            let change = self.lease.reached().change(position);
            if let Some((change, read_to)) = change {
                self.lease.write(&change, read_to).await?;
                self.lease.reached().saved(position);
            }
            Ok(())
        })
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        None
    }

    /// What is handed over ends early, and is given back with all that was delivered.
    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.lease.is_handed_over() {
                self.save(u64::MAX).await?;
                return Ok(self.end(Change::Release).await?);
            }
            let change = match self.of {
                Of::Shard => Change::Finish,
                Of::Past(begun_at) => past_is_read(begun_at, SystemClock.now()),
            };
            if change == Change::ReadAgain {
                let Lease { name, leases, .. } = &*self.lease;
                let SubscriptionKey { subscription, resource_type } = leases.key();
                tracing::warn!(
                    subscription = &**subscription,
                    resource_type = &**resource_type,
                    partition = &**name,
                    "the table is read once more: reading it took so long that the stream may not go back to its beginning"
                );
            }
            Ok(self.end(change).await?)
        })
    }

    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match self.end(Change::Release).await {
                // There is nothing to give back.
                Ok(()) | Err(Error::NotOurs { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewing.abort();
        self.lease.is_dropped.store(true, Ordering::Release);
        self.lease.lose();
        self.lease.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine slept, or its clock was set forward; and the clock was set back.
    #[test]
    fn a_lease_is_as_old_as_the_clock_says_that_says_more() {
        let (now, minute) = (Moment::now(), Duration::from_secs(60));
        let set = |millis: i64| {
            Timestamp::from_unix_millis(now.by_wall.as_unix_millis().saturating_add_signed(millis))
        };
        let by_wall = Moment { by_wall: set(-60_000), ..now };
        let long_ago = now.by_machine.checked_sub(minute).expect("the machine runs for longer");
        let by_machine = Moment { by_machine: long_ago, by_wall: set(3_600_000) };
        assert!(by_wall.elapsed() >= minute && by_machine.elapsed() >= minute);
    }

    #[test]
    fn a_table_that_took_too_long_is_read_once_more() {
        let at = |hour: u64| Timestamp::from_unix_millis(hour * 3_600_000);
        assert_eq!(past_is_read(at(100), at(111)), Change::Finish);
        assert_eq!(past_is_read(at(100), at(113)), Change::ReadAgain);
        // It began when the clock was ahead: a little, and so much that nobody knows how long it took.
        assert_eq!(past_is_read(at(100), at(99)), Change::Finish);
        assert_eq!(past_is_read(at(148), at(100)), Change::ReadAgain);
    }
}
