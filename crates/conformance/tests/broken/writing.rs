//! Flaws of an append.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitId, CommitStream, EventStore, MemoryStore, ResourceKey,
};
use futures_util::future::BoxFuture;

use crate::flaw::{Flaw, Outcome, altered, commits, unavailable};

/// Tells every third loser that its commit was stored.
#[derive(Default)]
pub(crate) struct LetsLosersWin {
    losers: AtomicUsize,
}

impl Flaw for LetsLosersWin {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Err(AppendError::Conflict(_)) if self.losers.fetch_add(1, SeqCst) % 3 == 2 => {
                    Ok(Appended::Now)
                }
                outcome => outcome,
            }
        })
    }
}

/// Looks whether a number is free and then writes, without a lock: two may find it free.
#[derive(Default)]
pub(crate) struct LooksBeforeItWrites;

impl Flaw for LooksBeforeItWrites {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let free = commits(healthy, &commit.resource, commit.number - 1).await.is_empty();
            tokio::task::yield_now().await;
            match healthy.append(commit).await {
                Err(AppendError::Conflict(_)) if free => Ok(Appended::Now),
                outcome => outcome,
            }
        })
    }
}

/// The same, and only where a resource is created.
#[derive(Default)]
pub(crate) struct CreatesTwice;

impl Flaw for CreatesTwice {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        if commit.number == 1 { LooksBeforeItWrites.append(healthy, commit) } else { healthy.append(commit) }
    }
}

/// Sets the condition on the first event of a commit only, and writes the others without one.
#[derive(Default)]
pub(crate) struct LetsManyEventsWin;

impl Flaw for LetsManyEventsWin {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Err(AppendError::Conflict(_)) if commit.events.len() > 3 => Ok(Appended::Now),
                outcome => outcome,
            }
        })
    }
}

/// Guards each handle's own writes against each other, and not against those of other handles.
#[derive(Default)]
pub(crate) struct LocksWithinAHandle {
    own: Mutex<Vec<CommitId>>,
}

impl Flaw for LocksWithinAHandle {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = healthy.append(commit).await;
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Err(AppendError::Conflict(Some(winner))) if !own.contains(&winner.id) => Ok(Appended::Now),
                outcome => {
                    own.push(commit.id.clone());
                    outcome
                }
            }
        })
    }
}

/// Names the newest commit as the one in the way, whichever that is.
#[derive(Default)]
pub(crate) struct NamesTheNewestCommit;

impl Flaw for NamesTheNewestCommit {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match healthy.append(commit).await {
                Err(AppendError::Conflict(_)) => {
                    let newest = commits(healthy, &commit.resource, 0).await.pop();
                    Err(AppendError::Conflict(newest.map(Box::new)))
                }
                outcome => outcome,
            }
        })
    }
}

/// Stores those events of a refused commit whose numbers were free.
#[derive(Default)]
pub(crate) struct WritesTheRestOfALoser;

impl Flaw for WritesTheRestOfALoser {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = healthy.append(commit).await;
            if let Err(AppendError::Conflict(_)) = outcome {
                let rest = commit.events[1..].to_vec();
                drop(
                    healthy
                        .append(&Commit { number: commit.number + 1, events: rest, ..commit.clone() })
                        .await,
                );
            }
            outcome
        })
    }
}

/// Writes one commit at a time, of all resources, and tells others that it is busy.
#[derive(Default)]
pub(crate) struct WritesOneAtATime {
    under_way: AtomicUsize,
}

impl Flaw for WritesOneAtATime {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let before = self.under_way.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            let outcome = if before == 0 { healthy.append(commit).await } else { Err(unavailable().into()) };
            self.under_way.fetch_sub(1, SeqCst);
            outcome
        })
    }
}

/// Commits what waits as one transaction, and when one of these appends meets a conflict, undoes them all.
#[derive(Default)]
pub(crate) struct UndoesTheWholeBatch {
    conflicts: AtomicUsize,
}

impl Flaw for UndoesTheWholeBatch {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let begun = self.conflicts.load(SeqCst);
            if !commits(healthy, &commit.resource, commit.number - 1).await.is_empty() {
                self.conflicts.fetch_add(1, SeqCst);
                return healthy.append(commit).await;
            }
            tokio::task::yield_now().await;
            if self.conflicts.load(SeqCst) == begun {
                healthy.append(commit).await
            } else {
                Ok(Appended::Now)
            }
        })
    }
}

/// Acknowledges a commit, and stores it a little later.
#[derive(Default)]
pub(crate) struct AcknowledgesBeforeItStores;

impl Flaw for AcknowledgesBeforeItStores {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let (healthy, commit) = (healthy.clone(), commit.clone());
        Box::pin(async move {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                drop(healthy.append(&commit).await);
            });
            Ok(Appended::Now)
        })
    }
}

/// Stores a commit in two steps, so that who reads between them, or drops the append there, finds a half.
#[derive(Default)]
pub(crate) struct StoresInTwoSteps;

impl Flaw for StoresInTwoSteps {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (first, second) = commit.events.split_at(commit.events.len() / 2);
            if first.is_empty() {
                return healthy.append(commit).await;
            }
            let number = commit.number + first.len() as u64;
            let outcome = healthy.append(&Commit { events: first.to_vec(), ..commit.clone() }).await?;
            if outcome == Appended::Now {
                tokio::time::sleep(Duration::from_millis(10)).await;
                healthy.append(&Commit { number, events: second.to_vec(), ..commit.clone() }).await?;
            }
            Ok(outcome)
        })
    }

    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        altered(healthy, resource, after, |halves| {
            let mut commits: Vec<Commit> = Vec::new();
            for half in halves {
                match commits.last_mut() {
                    Some(first) if first.id == half.id => first.events.extend(half.events),
                    _ => commits.push(half),
                }
            }
            commits
        })
    }
}

/// Looks whether there is a commit before, and not whether it is the one that it should be.
#[derive(Default)]
pub(crate) struct AppendsBehindAnyCommit;

impl Flaw for AppendsBehindAnyCommit {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let before = commits(healthy, &commit.resource, 0).await;
            let before = before.iter().find(|before| before.last_number() + 1 == commit.number);
            let follows = before.map(|before| before.id.clone()).or_else(|| commit.follows.clone());
            healthy.append(&Commit { follows, ..commit.clone() }).await
        })
    }
}

/// Compares what a commit follows with the newest commit that was there when the handle was opened: with none.
#[derive(Default)]
pub(crate) struct AppendsBehindNobody;

impl Flaw for AppendsBehindNobody {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        match commit.follows {
            Some(_) => Box::pin(std::future::ready(Err(AppendError::Conflict(None)))),
            None => healthy.append(commit),
        }
    }
}
