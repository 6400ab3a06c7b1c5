//! Flaws in what a store refuses.

use std::sync::Arc;

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, EventStore, Json, MemoryStore, ResourceKey, StoreError,
    StoreErrorKind,
    limits::{self, LimitExceeded, MAX_COMMIT_BYTES, MAX_NESTING},
};
use futures_util::future::BoxFuture;

use crate::flaw::{Flaw, Outcome, commits, failing};

/// Acknowledges what is beyond a limit.
#[derive(Default)]
pub(crate) struct ChecksNoLimits;

impl Flaw for ChecksNoLimits {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match limits::check(commit) {
                Ok(_) => healthy.append(commit).await,
                Err(_) => Ok(Appended::Now),
            }
        })
    }
}

/// Refuses what is beyond a limit without telling which one.
#[derive(Default)]
pub(crate) struct GivesNoReason;

impl Flaw for GivesNoReason {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match limits::check(commit) {
                Ok(_) => healthy.append(commit).await,
                Err(_) => Err(StoreError::new(StoreErrorKind::TooLarge, "too large").into()),
            }
        })
    }
}

/// Writes the events of a commit that is too large until the limit is reached.
#[derive(Default)]
pub(crate) struct WritesBeforeItChecks;

impl Flaw for WritesBeforeItChecks {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = healthy.append(commit).await;
            if let Err(AppendError::Store(_)) = outcome {
                let fits = commit
                    .events
                    .iter()
                    .take(1)
                    .cloned()
                    .map(|event| aws_event_sourcing_core::EncodedEvent { data: None, ..event });
                let part = Commit { events: fits.collect(), meta: None, ..commit.clone() };
                drop(healthy.append(&part).await);
            }
            outcome
        })
    }
}

/// Looks whether something is in the way before it looks at the limits.
#[derive(Default)]
pub(crate) struct LooksForConflictsFirst;

impl Flaw for LooksForConflictsFirst {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let behind = commits(healthy, &commit.resource, commit.number - 1).await;
            match behind.into_iter().next() {
                Some(there) if there.id != commit.id => Err(AppendError::Conflict(Some(Box::new(there)))),
                _ => healthy.append(commit).await,
            }
        })
    }
}

/// Refuses a commit of the largest size that is allowed.
#[derive(Default)]
pub(crate) struct StopsAByteTooEarly;

impl Flaw for StopsAByteTooEarly {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        match limits::check(commit) {
            Ok(MAX_COMMIT_BYTES) => refuse("commit size", "bytes"),
            _ => healthy.append(commit),
        }
    }
}

/// Refuses a document that is nested as deep as is allowed.
#[derive(Default)]
pub(crate) struct StopsALevelTooEarly;

impl Flaw for StopsALevelTooEarly {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let data = commit.events.iter().filter_map(|event| event.data.as_ref());
        let deepest = |json: &Json| json.as_str().bytes().take_while(|byte| b"[{\"a:".contains(byte)).count();
        match data.map(deepest).any(|depth| depth == MAX_NESTING - 1) {
            true => refuse("nesting", "levels"),
            false => healthy.append(commit),
        }
    }
}

/// Refuses an object with a key of one byte.
#[derive(Default)]
pub(crate) struct NeedsLongerKeys;

impl Flaw for NeedsLongerKeys {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let mut data = commit.events.iter().filter_map(|event| event.data.as_ref());
        match data.any(|json| json.as_str().contains(r#""b":"#)) {
            true => refuse("key of an object", "bytes"),
            false => healthy.append(commit),
        }
    }
}

/// Refuses integers that do not fit into 64 bits.
#[derive(Default)]
pub(crate) struct RefusesLongIntegers;

impl Flaw for RefusesLongIntegers {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        let mut data = commit.events.iter().filter_map(|event| event.data.as_ref());
        let long =
            |json: &Json| json.as_str().split(|char: char| !char.is_ascii_digit()).any(|run| run.len() > 20);
        match data.any(long) {
            true => refuse("number precision", "digits"),
            false => healthy.append(commit),
        }
    }
}

/// Fails when it is asked for a resource that cannot be there.
#[derive(Default)]
pub(crate) struct FailsForAnImpossibleResource;

impl Flaw for FailsForAnImpossibleResource {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        match limits::check_resource_id(&resource.id) {
            Ok(()) => healthy.read(resource, after),
            Err(limit) => failing(limit.into()),
        }
    }
}

/// Stores what it then says it cannot hold: text with U+0000 in it.
#[derive(Default)]
pub(crate) struct RefusesWhatItHasStored;

impl Flaw for RefusesWhatItHasStored {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let appended = healthy.append(commit).await?;
            let mut data = commit.events.iter().filter_map(|event| event.data.as_ref());
            match data.any(|json| json.as_str().contains("\\u0000")) {
                true => Err(StoreError::new(StoreErrorKind::Unencodable, "text with U+0000").into()),
                false => Ok(appended),
            }
        })
    }
}

/// Fails when a resource that is not there is read.
#[derive(Default)]
pub(crate) struct FailsForTheUnknown;

impl Flaw for FailsForTheUnknown {
    fn read(&self, healthy: &MemoryStore, resource: &ResourceKey, after: u64) -> CommitStream {
        use futures_util::{FutureExt as _, StreamExt as _};

        let (healthy, resource) = (healthy.clone(), resource.clone());
        let stream = async move {
            match commits(&healthy, &resource, 0).await.is_empty() {
                true => failing(StoreError::new(StoreErrorKind::Internal, "no such resource")),
                false => healthy.read(&resource, after),
            }
        };
        stream.flatten_stream().boxed()
    }

    fn scan(&self, healthy: &MemoryStore, resource_type: &Arc<str>) -> Vec<CommitStream> {
        healthy.scan(resource_type)
    }
}

fn refuse<'a>(what: &'static str, unit: &'static str) -> BoxFuture<'a, Outcome> {
    Box::pin(async move { Err(LimitExceeded::TooLarge { what, unit, limit: 1, actual: 2 }.into()) })
}
