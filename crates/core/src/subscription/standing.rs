//! [`Standing`]: how a subscription fares, for those who watch over a process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Clock as _, SystemClock, Timestamp};

/// After so long without another error, an outage is over.
const OVER_AFTER: Duration = Duration::from_secs(30);

/// After so long without another error, an event that arrives proves that an outage is over.
const PROVEN_AFTER: Duration = Duration::from_secs(3);

/// How a [`Subscription`](super::Subscription) fares while it runs. Clones are of the same one.
///
/// A handler that fails is none of its troubles: its resources are [parked](super::Parked), and the rest goes on.
#[derive(Debug, Clone, Default)]
pub struct Standing(Arc<Mutex<State>>);

/// Why a subscription does not get on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The type whose events are not handled; none when it is all of them.
    pub resource_type: Option<Arc<str>>,
    /// What it cannot do, in a few words. The error itself is in the log.
    pub what: &'static str,
    /// Since when.
    pub since: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    ended: Option<Timestamp>,
    outages: BTreeMap<Arc<str>, Outage>,
}

#[derive(Debug)]
struct Outage {
    what: &'static str,
    since: Timestamp,
    last: Instant,
}

impl Standing {
    /// What is wrong just now. Empty for one that does not run yet.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let state = self.lock();
        if let Some(since) = state.ended {
            return vec![Trouble { resource_type: None, what: "it has ended", since }];
        }
        let lasting = state.outages.iter().filter(|(_, outage)| !outage.is_over());
        lasting
            .map(|(resource_type, Outage { what, since, .. })| Trouble {
                resource_type: Some(resource_type.clone()),
                what,
                since: *since,
            })
            .collect()
    }

    /// Notes that the store failed.
    pub(super) fn failed(&self, resource_type: &Arc<str>, what: &'static str) {
        let last = Instant::now();
        let mut state = self.lock();
        match state.outages.get_mut(resource_type) {
            Some(outage) if !outage.is_over() => (outage.what, outage.last) = (what, last),
            _ => {
                let outage = Outage { what, since: SystemClock.now(), last };
                state.outages.insert(resource_type.clone(), outage);
            }
        }
    }

    /// Notes that events arrive. Right behind an error that says little: what arrives may be what could not be handled.
    pub(super) fn works(&self, resource_type: &Arc<str>) {
        let outages = &mut self.lock().outages;
        if outages.get(resource_type).is_some_and(|outage| outage.last.elapsed() > PROVEN_AFTER) {
            outages.remove(resource_type);
        }
    }

    /// For as long as the subscription runs. Dropped also when it panics.
    pub(super) fn run(&self) -> Run {
        self.lock().ended = None;
        Run(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    fn is_over(&self) -> bool {
        self.last.elapsed() > OVER_AFTER
    }
}

/// A subscription that runs.
pub(super) struct Run(Standing);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.lock().ended = Some(SystemClock.now());
    }
}
