//! Flaws of followers that do not read: whom they hold up, and what they miss.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Commit, EventStore, MemoryStore,
    subscription::{Batch, Part, SubscriptionKey},
};
use futures_util::{StreamExt as _, future::BoxFuture};
use tokio::time::sleep;

use super::{flaw::Flaw, log::end};
use crate::flaw::{self, Flawed, Outcome};

/// Has room for two hundred commits before each follower, and writes no more until there is some again.
#[derive(Default)]
pub(crate) struct WaitsForFollowers {
    followers: Mutex<HashMap<Arc<str>, Vec<Weak<AtomicU64>>>>,
}

impl WaitsForFollowers {
    /// How far the slowest follower of a type has read.
    fn slowest(&self, resource_type: &Arc<str>) -> Option<u64> {
        let followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        let followers = followers.get(resource_type).into_iter().flatten();
        followers.filter_map(|follower| Some(follower.upgrade()?.load(SeqCst))).min()
    }
}

impl Flaw for WaitsForFollowers {
    fn events(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn EventStore> {
        Arc::new(Flawed::new(healthy.clone(), self.clone()))
    }

    fn part(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let read = Arc::new(AtomicU64::new(end(healthy, &key.resource_type)));
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.entry(key.resource_type.clone()).or_default().push(Arc::downgrade(&read));
        let batches = part.batches.inspect(move |batch| {
            if let Ok(Batch { up_to, .. }) = batch {
                read.fetch_max(*up_to, SeqCst);
            }
        });
        Part { batches: batches.boxed(), ..part }
    }
}

impl flaw::Flaw for WaitsForFollowers {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let resource_type = &commit.resource.resource_type;
            while let Some(read) = self.slowest(resource_type)
                && read + 200 < end(healthy, resource_type)
            {
                sleep(Duration::from_millis(1)).await;
            }
            healthy.append(commit).await
        })
    }
}

/// Keeps the newest five hundred commits for each follower, of those that happen while it follows.
#[derive(Default)]
pub(crate) struct LosesWhatIsNotRead;

impl Flaw for LosesWhatIsNotRead {
    fn part(self: &Arc<Self>, healthy: &MemoryStore, key: &SubscriptionKey, part: Part) -> Part {
        let (healthy, resource_type) = (healthy.clone(), key.resource_type.clone());
        let begin = end(&healthy, &resource_type);
        let batches = part.batches.map(move |batch| {
            let mut batch = batch?;
            let end = end(&healthy, &resource_type);
            batch.deliveries.retain(|delivery| delivery.position <= begin || delivery.position + 500 > end);
            Ok(batch)
        });
        Part { batches: batches.boxed(), ..part }
    }
}
