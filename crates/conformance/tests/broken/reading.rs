//! Flaws of a read, and of its streams.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use aws_event_sourcing_core::{Commit, CommitStream, EventStore, MemoryStore, ResourceKey, limits};
use futures_util::{StreamExt as _, future::BoxFuture, stream};

use crate::flaw::{Flaw, Outcome, altered, commits, failing, later, unavailable};

/// Gives commits in the order of their numbers as text: 1, 10, 2.
#[derive(Default)]
pub(crate) struct OrdersNumbersAsText;

impl Flaw for OrdersNumbersAsText {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        altered(healthy, resource, after, |mut commits| {
            commits.sort_by_key(|commit| commit.number.to_string());
            commits
        })
    }
}

/// Gives commits in the order of their times.
#[derive(Default)]
pub(crate) struct OrdersByTime;

impl Flaw for OrdersByTime {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        altered(healthy, resource, after, |mut commits| {
            commits.sort_by_key(|commit| commit.at);
            commits
        })
    }
}

/// Gives the commit at a version too, and not only what is behind it.
#[derive(Default)]
pub(crate) struct BeginsAtTheVersion;

impl Flaw for BeginsAtTheVersion {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        healthy.read(resource, after.saturating_sub(1))
    }
}

/// Keeps versions in 63 bits and a sign.
#[derive(Default)]
pub(crate) struct TakesVersionsForSigned;

impl Flaw for TakesVersionsForSigned {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        healthy.read(resource, u64::try_from(after as i64).unwrap_or(0))
    }
}

/// Gives each event as a commit of its own.
#[derive(Default)]
pub(crate) struct SplitsCommits;

impl Flaw for SplitsCommits {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        altered(healthy, resource, after, |commits| {
            let events = commits.iter().flat_map(|commit| {
                commit.numbered().map(|(number, event)| Commit {
                    number,
                    events: vec![event.clone()],
                    ..commit.clone()
                })
            });
            events.collect()
        })
    }
}

/// Stops after ten thousand commits.
#[derive(Default)]
pub(crate) struct StopsAtTenThousand;

impl Flaw for StopsAtTenThousand {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        healthy.read(resource, after).take(10_000).boxed()
    }
}

/// Stops after the first megabyte.
#[derive(Default)]
pub(crate) struct StopsAfterAMegabyte;

impl Flaw for StopsAfterAMegabyte {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        altered(healthy, resource, after, first_megabyte)
    }
}

pub(crate) fn first_megabyte(commits: Vec<Commit>) -> Vec<Commit> {
    let mut bytes = 0;
    let fits = |commit: &Commit| {
        bytes += limits::check(commit).unwrap_or(0);
        bytes <= 1024 * 1024
    };
    commits.into_iter().take_while(fits).collect()
}

/// Goes on behind what there is, and not behind what it has given, when a page is at its end.
#[derive(Default)]
pub(crate) struct LosesWhatIsAppendedBetweenPages;

impl Flaw for LosesWhatIsAppendedBetweenPages {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        let (healthy, resource) = (healthy.clone(), resource.clone());
        later(async move { in_two_pages(&healthy, &resource, after).await })
    }
}

pub(crate) async fn in_two_pages(healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> Vec<Commit> {
    let mut given = commits(healthy, resource, after).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let behind = commits(healthy, resource, 0).await.last().map_or(0, Commit::last_number);
    tokio::time::sleep(Duration::from_millis(1)).await;
    given.extend(commits(healthy, resource, behind.max(after)).await);
    given
}

/// Gives a history as it was when somebody asked for it last.
#[derive(Default)]
pub(crate) struct GivesAnOldHistory {
    asked: Arc<AtomicUsize>,
}

impl Flaw for GivesAnOldHistory {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        let (asked, healthy, resource) = (self.asked.clone(), healthy.clone(), resource.clone());
        later(async move {
            let mut all = commits(&healthy, &resource, 0).await;
            all.truncate(asked.swap(all.len(), SeqCst));
            all.retain(|commit| commit.number > after);
            all
        })
    }
}

/// Lets a stream have one of a few connections, which a stream gives back at its end, and not when it is dropped.
#[derive(Default)]
pub(crate) struct LosesConnections {
    in_use: Arc<AtomicUsize>,
}

impl Flaw for LosesConnections {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        if self.in_use.fetch_add(1, SeqCst) >= 40 {
            return failing(unavailable());
        }
        let in_use = self.in_use.clone();
        let give_back = stream::poll_fn(move |_| {
            in_use.fetch_sub(1, SeqCst);
            std::task::Poll::Ready(None)
        });
        healthy.read(resource, after).chain(give_back).boxed()
    }
}

/// Writes nothing while somebody has a stream.
#[derive(Default)]
pub(crate) struct WaitsForReaders {
    streams: Arc<()>,
}

impl Flaw for WaitsForReaders {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            while Arc::strong_count(&self.streams) > 1 {
                tokio::task::yield_now().await;
            }
            healthy.append(commit).await
        })
    }

    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        let stream = self.streams.clone();
        healthy.read(resource, after).inspect(move |_| drop(stream.clone())).boxed()
    }
}
