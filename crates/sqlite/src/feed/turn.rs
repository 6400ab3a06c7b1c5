//! [`wait`]: until it is this process's turn to follow the file.

use std::{
    process,
    time::{Duration, Instant},
};

use aws_event_sourcing_core::{Clock as _, StoreError, SystemClock, subscription::SubscriptionKey};
use tokio::time::sleep;

use crate::{
    lease::{Holder, LEASE, Lease, Standing, Watch},
    lock::{self, Lock},
    store::SqliteStore,
};

/// How often it is looked whether it is this process's turn.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes the lease as soon as nobody has it, or whoever has it stands still.
pub(super) async fn wait(store: &SqliteStore, key: &SubscriptionKey) -> Result<Lease, StoreError> {
    let mut watch: Option<Watch> = None;
    let mut told = None;
    loop {
        store.check()?;
        let standing = match &mut watch {
            Some(watch) => watch.look(store.file(), key).map_err(|error| store.following().reason(error))?,
            None => Standing::Gone,
        };
        if standing == Standing::There {
            if let Some(watch) = &watch
                && told != Some(watch.holder().term)
            {
                told = Some(watch.holder().term);
                tell(key, watch.holder());
            }
            sleep(LOOK_EVERY).await;
            continue;
        }
        // Somebody may have been faster.
        let found = store.holder(key).await?;
        let is_the_one = watch.as_ref().map(Watch::holder) == found.as_ref();
        if !is_the_one {
            watch = found.map(Watch::new);
            continue;
        }
        if let Some(lease) = take(store, key, found.as_ref()).await? {
            if standing == Standing::Still {
                tell_taken_over(key, found.as_ref());
            }
            return Ok(lease);
        }
    }
}

/// Takes the lease after the one that has it, or had it. None when somebody was faster.
async fn take(
    store: &SqliteStore,
    key: &SubscriptionKey,
    before: Option<&Holder>,
) -> Result<Option<Lease>, StoreError> {
    let made = Lock::make(store.file(), key);
    let (lock, id) = made.map_err(|error| store.following().reason(error))?;
    let taken = Instant::now();
    let next = Holder {
        term: before.map_or(0, |before| before.term) + 1,
        lock: id,
        process: process::id(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        since: SystemClock.now().to_string(),
    };
    let term = next.term;
    if !store.take(key, next).await? {
        return Ok(None);
    }
    lock::clear_up(store.file(), key);
    Ok(Some(Lease::new(store.file().clone(), key.clone(), term, lock, taken)))
}

fn tell(key: &SubscriptionKey, Holder { process, host, since, .. }: &Holder) {
    tracing::info!(
        subscription = &*key.subscription,
        resource_type = &*key.resource_type,
        process,
        host,
        since,
        "another process follows the events: this one goes on when that one ends, or stands still for {} s",
        LEASE.as_secs()
    );
}

fn tell_taken_over(key: &SubscriptionKey, before: Option<&Holder>) {
    let Some(Holder { process, host, since, .. }) = before else { return };
    tracing::warn!(
        subscription = &*key.subscription,
        resource_type = &*key.resource_type,
        process,
        host,
        since,
        "this process follows the events in place of one that has not answered for {} s and may stand still",
        LEASE.as_secs()
    );
}
