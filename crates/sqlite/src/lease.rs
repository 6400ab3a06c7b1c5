//! [`Lease`]: the right of a process to follow the file for a subscription.
//!
//! A row of the table `leases` says whose it is. Each process that takes it counts the `term` up, on the condition that
//! nobody else has done so since it looked; and what it notes of its progress it notes in one transaction with a look at the
//! term. So of several that would have the lease one gets it, and whoever has lost it notes nothing more, whatever it believes.
//!
//! It is given back when its [lock](crate::lock) is, and that is when its process ends, in whichever way. Whoever waits looks
//! for that ten times a second. It also asks, by way of the lock, and whoever has the lease looks for questions once a second.
//! A process that leaves a question unanswered for [`LEASE`] stands still, and another one takes its lease.
//!
//! A process that goes on after it stood still must know that before it hands anything over. It counts the time since it last
//! found that it had answered everything: after [`LEASE`] it looks once more, and if there is a question by then, the lease is
//! lost. The time of those who wait begins later, when they have asked. So the lease has ended here before it is taken there.
//!
//! Both use the clock that counts while the machine runs, and each of them its own readings only. To set the machine's clock
//! changes nothing, and while the machine sleeps no time passes for either. Whoever waits does not count time in which it did
//! not look: when all processes were stopped, nobody is to blame.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_event_sourcing_core::{ErrorChain, subscription::SubscriptionKey};
use tokio::time::sleep;

use crate::{
    error::Error,
    lock::{Dialogue, Lock, OtherLock, Others},
    path::FilePath,
};

/// How long a process may leave a question unanswered.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How often whoever has a lease looks for questions.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The most time that counts between two looks of somebody who waits.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// A lease that this process has taken.
#[derive(Debug)]
pub(crate) struct Lease {
    store: FilePath,
    key: SubscriptionKey,
    term: i64,
    /// None when it is given back.
    lock: Mutex<Option<Lock>>,
    taken: Instant,
    /// When it was last certain that it is ours: milliseconds since it was taken.
    renewed: AtomicU64,
    is_lost: AtomicBool,
}

impl Lease {
    /// The lease of that term, which was taken after this moment.
    pub(crate) fn new(store: FilePath, key: SubscriptionKey, term: i64, lock: Lock, taken: Instant) -> Self {
        let (lock, renewed) = (Mutex::new(Some(lock)), AtomicU64::new(0));
        Self { store, key, term, lock, taken, renewed, is_lost: AtomicBool::new(false) }
    }

    pub(crate) fn key(&self) -> &SubscriptionKey {
        &self.key
    }

    pub(crate) fn term(&self) -> i64 {
        self.term
    }

    /// Whether it is this process's. Looks at the lock only where too much time has passed.
    pub(crate) fn is_ours(&self) -> bool {
        !self.is_lost.load(Ordering::Acquire) && (self.since_renewed() < LEASE || self.look())
    }

    /// It is another process's.
    pub(crate) fn lose(&self) {
        self.is_lost.store(true, Ordering::Release);
    }

    /// Lets another process have it.
    pub(crate) fn give_back(&self) {
        self.lose();
        *self.lock() = None;
    }

    pub(crate) fn not_ours(&self) -> Error {
        Error::NotOurs { path: self.store.clone(), key: self.key.clone() }
    }

    /// Answers whoever asks, for as long as it is this process's.
    pub(crate) async fn keep(self: Arc<Self>) {
        while self.look() {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Answers whoever asks. Whether it is still this process's.
    fn look(&self) -> bool {
        // One look at a time.
        let lock = self.lock();
        let begun = self.taken.elapsed();
        match lock.as_ref().map_or(Ok(false), |lock| self.look_and_answer(lock)) {
            Ok(true) => {
                let begun = u64::try_from(begun.as_millis()).expect("a process does not live for so long");
                self.renewed.store(begun, Ordering::Release);
            }
            Ok(false) => self.lose(),
            Err(error) => {
                tracing::warn!(
                    subscription = &*self.key.subscription,
                    resource_type = &*self.key.resource_type,
                    error = %ErrorChain::of(&error),
                    "it cannot be seen whether others wait to follow the events"
                );
            }
        }
        !self.is_lost.load(Ordering::Acquire) && self.since_renewed() < LEASE
    }

    fn look_and_answer(&self, lock: &Lock) -> Result<bool, Error> {
        if self.is_lost.load(Ordering::Acquire) {
            return Ok(false);
        }
        if !lock.is_there()? {
            // Where the store's file is gone with it, it is not another process that follows: the store refuses everything.
            return Ok(!self.store.as_path().exists());
        }
        if let Some(question) = lock.question()? {
            if self.since_renewed() >= LEASE {
                return Ok(false);
            }
            lock.answer(question)?;
            // An answer that comes too late must not be taken for one that came in time.
            return Ok(self.since_renewed() < LEASE);
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lock>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since_renewed(&self) -> Duration {
        let renewed = Duration::from_millis(self.renewed.load(Ordering::Acquire));
        self.taken.elapsed().saturating_sub(renewed)
    }
}

/// Who has a lease, or had it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) term: i64,
    /// The id of the lock.
    pub(crate) lock: String,
    pub(crate) process: u32,
    pub(crate) host: String,
    pub(crate) since: String,
}

/// A process that has the lease, as one sees it that waits.
#[derive(Debug)]
pub(crate) struct Watch {
    holder: Holder,
    asked: Option<Asked>,
}

/// A question, and how long it has not been answered.
#[derive(Debug)]
struct Asked {
    before: Dialogue,
    unanswered: Duration,
    looked: Instant,
}

/// How things stand with the process that has the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has given it back, or has ended.
    Gone,
    /// It has it.
    There,
    /// It stands still.
    Still,
}

impl Watch {
    pub(crate) fn new(holder: Holder) -> Self {
        Self { holder, asked: None }
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Looks, and asks where nothing is asked.
    pub(crate) fn look(&mut self, store: &FilePath, key: &SubscriptionKey) -> Result<Standing, Error> {
        let lock = match OtherLock::find(store, key, &self.holder.lock)? {
            Others::Held(lock) => lock,
            Others::Free => return Ok(Standing::Gone),
        };
        if !cfg!(unix) {
            // Elsewhere nobody else can read what is locked.
            return Ok(Standing::There);
        }
        let dialogue = lock.dialogue()?;
        match &mut self.asked {
            Some(asked) if !dialogue.goes_on_from(asked.before) => {
                let now = Instant::now();
                asked.unanswered += now.duration_since(asked.looked).min(LONGEST_LOOK);
                asked.looked = now;
                Ok(if asked.unanswered < LEASE { Standing::There } else { Standing::Still })
            }
            _ => {
                lock.ask()?;
                self.asked =
                    Some(Asked { before: dialogue, unanswered: Duration::ZERO, looked: Instant::now() });
                Ok(Standing::There)
            }
        }
    }
}
