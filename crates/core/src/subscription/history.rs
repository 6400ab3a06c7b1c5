//! [`History`]: the commits of a resource, read from the store some at a time.

use futures_util::StreamExt as _;

use super::{follow::Follower, lane::Attempt};
use crate::{Commit, CommitStream, ResourceKey, StoreError, StoreErrorKind};

/// Commits that are taken at a time.
const SOME: usize = 64;

/// A resource's history. What a store has read ahead of what was asked for is kept for the next time.
#[derive(Default)]
pub(super) struct History {
    /// What comes behind a version.
    ahead: Option<(u64, CommitStream)>,
}

impl History {
    /// Some commits behind a version; none where that is the newest one now.
    pub(super) async fn read(
        &mut self,
        follower: &Follower,
        resource: &ResourceKey,
        after: u64,
    ) -> Result<Vec<Commit>, StoreError> {
        if let Some((version, commits)) = self.ahead.take()
            && version == after
        {
            let read = self.take(commits).await?;
            if !read.is_empty() {
                return Ok(read);
            }
            // There may be more by now than when that was begun to be read.
        }
        self.take(follower.source.events.read(resource, after)).await
    }

    /// The next commits. An error is for whoever asks for what is behind them.
    async fn take(&mut self, mut commits: CommitStream) -> Result<Vec<Commit>, StoreError> {
        let mut read = Vec::new();
        while read.len() < SOME {
            match commits.next().await {
                Some(Ok(commit)) => read.push(commit),
                Some(Err(error)) if read.is_empty() => return Err(error),
                Some(Err(_)) | None => return Ok(read),
            }
        }
        self.ahead = read.last().map(|last| (last.last_number(), commits));
        Ok(read)
    }
}

/// Whether the history behind a version reaches another one, as far as it can be read.
pub(super) async fn reaches(
    follower: &Follower,
    resource: &ResourceKey,
    after: u64,
    up_to: u64,
) -> Result<bool, StoreError> {
    let mut commits = follower.source.events.read(resource, after);
    while let Some(commit) = commits.next().await {
        match commit {
            Ok(commit) if commit.last_number() >= up_to => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == StoreErrorKind::Undecodable => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// What it means for a resource that its history cannot be read, if it is the history's fault and not the store's.
pub(super) fn unreadable(follower: &Follower, error: StoreError) -> Result<Attempt, StoreError> {
    if error.kind() != StoreErrorKind::Undecodable {
        return Err(error);
    }
    let error = super::Failure::park(error).to_string();
    Ok(Attempt { error, may_pass: false, at: follower.clock.now(), chance: fastrand::f64() })
}
