//! Flaws of a scan.

use std::sync::Arc;

use aws_event_sourcing_core::{Commit, CommitStream, EventStore, MemoryStore};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Barrier;

use crate::{
    flaw::{Flaw, histories, later},
    reading::{first_megabyte, in_two_pages},
};

/// One commit of each resource, and the next of each, and so on.
#[derive(Default)]
pub(crate) struct MixesResources;

impl Flaw for MixesResources {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        altered(healthy, resource_type, |histories| {
            let mut commits = histories.concat();
            commits.sort_by_key(|commit| commit.number);
            commits
        })
    }
}

/// Each resource from its last commit to its first.
#[derive(Default)]
pub(crate) struct ScansBackwards;

impl Flaw for ScansBackwards {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        altered(healthy, resource_type, |histories| histories.concat().into_iter().rev().collect())
    }
}

/// Spreads the commits of a resource over two streams.
#[derive(Default)]
pub(crate) struct SpreadsResources;

impl Flaw for SpreadsResources {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let part = |of: u64| {
            altered(healthy, resource_type, move |histories| {
                histories.concat().into_iter().filter(|commit| commit.number % 2 == of).collect()
            })
        };
        [part(0), part(1)].into_iter().flatten().collect()
    }
}

/// Gives the first resource a second time, in a stream of its own.
#[derive(Default)]
pub(crate) struct GivesAResourceTwice;

impl Flaw for GivesAResourceTwice {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let mut streams = healthy.scan(resource_type);
        streams.extend(altered(healthy, resource_type, |histories| {
            histories.into_iter().next().unwrap_or_default()
        }));
        streams
    }
}

/// Stops after the first megabyte.
#[derive(Default)]
pub(crate) struct ScansAMegabyte;

impl Flaw for ScansAMegabyte {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        altered(healthy, resource_type, |histories| first_megabyte(histories.concat()))
    }
}

/// Gives of each resource the first page only.
#[derive(Default)]
pub(crate) struct ScansAPageOfEach;

impl Flaw for ScansAPageOfEach {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        altered(healthy, resource_type, |histories| {
            histories.into_iter().flat_map(|history| history.into_iter().take(100)).collect()
        })
    }
}

/// Leaves out the last resource.
#[derive(Default)]
pub(crate) struct LeavesOutAResource;

impl Flaw for LeavesOutAResource {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        altered(healthy, resource_type, |mut histories| {
            histories.pop();
            histories.concat()
        })
    }
}

/// Gives no stream where there are no resources.
#[derive(Default)]
pub(crate) struct GivesNoStream;

impl Flaw for GivesNoStream {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        use futures_util::FutureExt as _;

        let page = healthy.list(resource_type, 1, None).now_or_never();
        let any = page.and_then(Result::ok).is_some_and(|page| !page.ids.is_empty());
        if any { healthy.scan(resource_type) } else { Vec::new() }
    }
}

/// Gives nothing from one stream before somebody reads the other.
#[derive(Default)]
pub(crate) struct WantsToBeReadSideBySide;

impl Flaw for WantsToBeReadSideBySide {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let both = Arc::new(Barrier::new(2));
        let waiting = |stream: CommitStream| -> CommitStream {
            let both = both.clone();
            stream::once(async move { both.wait().await }).filter_map(async |_| None).chain(stream).boxed()
        };
        let streams = healthy.scan(resource_type).into_iter().chain([stream::empty().boxed()]);
        streams.map(waiting).collect()
    }
}

/// Goes on behind what there is, and not behind what it has given, when a resource's first page is at its end.
#[derive(Default)]
pub(crate) struct LosesWhatIsAppendedDuringAScan;

impl Flaw for LosesWhatIsAppendedDuringAScan {
    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let (healthy, resource_type) = (healthy.clone(), resource_type.clone());
        vec![later(async move {
            let mut given = Vec::new();
            for history in histories(&healthy, &resource_type).await {
                given.extend(in_two_pages(&healthy, &history[0].resource, 0).await);
            }
            given
        })]
    }
}

fn altered(
    healthy: &MemoryStore,
    resource_type: &Arc<str>,
    alter: impl FnOnce(Vec<Vec<Commit>>) -> Vec<Commit> + Send + 'static,
) -> Vec<CommitStream> {
    let (healthy, resource_type) = (healthy.clone(), resource_type.clone());
    vec![later(async move { alter(histories(&healthy, &resource_type).await) })]
}
