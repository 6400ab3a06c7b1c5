//! [`Growth`]: histories that some tasks append to while others read them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{Commit, ResourceId, ResourceKey};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::sleep;

use crate::{
    compare::assert_prefix,
    observe::{plan, read, side_by_side, store},
    subject::Store,
};

/// A history that is appended commit by commit while others read it.
pub(crate) struct Growth {
    planned: Vec<Commit>,
    acknowledged: AtomicUsize,
}

impl Growth {
    /// A history that will consist of commits of so many events.
    pub(crate) fn new(resource: &ResourceKey, events: impl IntoIterator<Item = usize>) -> Self {
        Self { planned: plan(resource, events), acknowledged: AtomicUsize::new(0) }
    }

    pub(crate) fn id(&self) -> &ResourceId {
        &self.planned[0].resource.id
    }

    /// How many commits are certainly there.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Fails if what was read is not how the history begins, or ends before what was acknowledged when the read began.
    pub(crate) fn assert_seen(&self, acknowledged: usize, read: &[Commit]) {
        assert_prefix("what is read during appends", &self.planned, read, acknowledged);
    }

    async fn grow(&self, handle: &Store) {
        for (index, commit) in self.planned.iter().enumerate() {
            store(handle, commit).await;
            self.acknowledged.fetch_add(1, Ordering::Release);
            // The fastest store should still be growing when a read comes to its second page.
            if index % 4 == 3 {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Reads a resource again and again while it grows by commits of so many events.
pub(crate) async fn read_while_it_grows(
    handle: &Store,
    resource: &ResourceKey,
    events: impl IntoIterator<Item = usize>,
) {
    const READERS: usize = 2;
    let growth = Arc::new(Growth::new(resource, events));
    while_they_grow(handle, vec![growth.clone()], READERS, {
        let (handle, resource) = (handle.clone(), resource.clone());
        move || {
            let (handle, resource, growth) = (handle.clone(), resource.clone(), growth.clone());
            async move {
                let acknowledged = growth.acknowledged();
                growth.assert_seen(acknowledged, &read(&handle, &resource, 0).await);
            }
            .boxed()
        }
    })
    .await;
}

/// Has histories grow, and so many readers look again and again until that is done; and once more when all is quiet.
pub(crate) async fn while_they_grow(
    handle: &Store,
    histories: Vec<Arc<Growth>>,
    readers: usize,
    look: impl Fn() -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
) {
    let growing = Arc::new(AtomicUsize::new(histories.len()));
    let writers = histories.into_iter().map(|growth| {
        let (handle, growing) = (handle.clone(), growing.clone());
        async move {
            growth.grow(&handle).await;
            growing.fetch_sub(1, Ordering::AcqRel);
        }
        .boxed()
    });
    let readers = (0..readers).map(|_| {
        let (look, growing) = (look.clone(), growing.clone());
        async move {
            while growing.load(Ordering::Acquire) > 0 {
                look().await;
                tokio::task::yield_now().await;
            }
        }
        .boxed()
    });
    side_by_side(writers.chain(readers)).await;
    look().await;
}
