//! Flaws in how a store recognises a commit that it has.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use aws_event_sourcing_core::{AppendError, Appended, Commit, CommitId, EventStore, MemoryStore, ResourceId};
use futures_util::future::BoxFuture;

use crate::flaw::{Flaw, Outcome, commits};

/// Takes its own commit for somebody else's.
#[derive(Default)]
pub(crate) struct ForgetsItsOwnCommits;

impl Flaw for ForgetsItsOwnCommits {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Ok(Appended::Before) => Err(AppendError::Conflict(None)),
                outcome => outcome,
            }
        })
    }
}

/// Recognises the newest commit of a resource and no older one.
#[derive(Default)]
pub(crate) struct RecognisesTheNewestOnly;

impl Flaw for RecognisesTheNewestOnly {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Ok(Appended::Before)
                    if !commits(healthy, &commit.resource, commit.number).await.is_empty() =>
                {
                    Err(AppendError::Conflict(None))
                }
                outcome => outcome,
            }
        })
    }
}

/// Tells everybody who appends a commit again that it was stored now.
#[derive(Default)]
pub(crate) struct SaysNowEachTime;

impl Flaw for SaysNowEachTime {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { healthy.append(commit).await.map(|_| Appended::Now) })
    }
}

/// Writes a commit again that is appended again, behind the others.
#[derive(Default)]
pub(crate) struct WritesAgain;

impl Flaw for WritesAgain {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = healthy.append(commit).await;
            if let Ok(Appended::Before) = outcome {
                let number =
                    commits(healthy, &commit.resource, 0).await.last().map_or(0, Commit::last_number) + 1;
                healthy.append(&Commit { number, ..commit.clone() }).await?;
            }
            outcome
        })
    }
}

/// Replaces the stored commit's place by what was appended again: compares all of a commit, and not its id.
#[derive(Default)]
pub(crate) struct ComparesAllOfACommit;

impl Flaw for ComparesAllOfACommit {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = healthy.append(commit).await;
            let there = commits(healthy, &commit.resource, commit.number - 1).await.into_iter().next();
            match outcome {
                Ok(Appended::Before) if there.as_ref() != Some(commit) => {
                    Err(AppendError::Conflict(there.map(Box::new)))
                }
                outcome => outcome,
            }
        })
    }
}

/// Takes a commit for one that is there when any commit of the resource has its id.
#[derive(Default)]
pub(crate) struct LooksForTheIdAtAnyNumber;

impl Flaw for LooksForTheIdAtAnyNumber {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut there = commits(healthy, &commit.resource, 0).await.into_iter();
            if there.any(|there| there.id == commit.id) {
                Ok(Appended::Before)
            } else {
                healthy.append(commit).await
            }
        })
    }
}

/// Takes a commit for one that is there when a commit of any resource has its id.
#[derive(Default)]
pub(crate) struct LooksForTheIdOfAnyResource {
    known: Mutex<HashSet<CommitId>>,
}

impl Flaw for LooksForTheIdOfAnyResource {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let known = !self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(commit.id.clone());
        Box::pin(async move { if known { Ok(Appended::Before) } else { healthy.append(commit).await } })
    }
}

/// The same for resources that have the same id under another type.
#[derive(Default)]
pub(crate) struct LooksForTheIdOfAnyType {
    known: Mutex<HashSet<(ResourceId, CommitId)>>,
}

impl Flaw for LooksForTheIdOfAnyType {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let name = (commit.resource.id.clone(), commit.id.clone());
        let known = !self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        Box::pin(async move { if known { Ok(Appended::Before) } else { healthy.append(commit).await } })
    }
}

/// Takes any commit at the number for its own.
#[derive(Default)]
pub(crate) struct RecognisesEverything;

impl Flaw for RecognisesEverything {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Err(AppendError::Conflict(_)) => Ok(Appended::Before),
                outcome => outcome,
            }
        })
    }
}
