//! [`History`]: which commits a resource has, so that a repeated idempotency key is noticed without reading.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    mem::size_of,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Commit, CommitId};

/// The commits of one resource, each as a hash of its id and its number: 16 bytes. All heads of the resource share it;
/// it may know more commits than any of them has applied, never fewer.
#[derive(Debug, Default)]
pub(crate) struct History {
    commits: Mutex<Vec<Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    id_hash: u64,
    number: u64,
}

impl History {
    /// Notes the next commit; one that is known already changes nothing.
    pub(super) fn record(&self, commit: &Commit) {
        let mut commits = self.lock();
        if commits.last().is_none_or(|last| last.number < commit.number) {
            commits.push(Known { id_hash: hash(&commit.id), number: commit.number });
        }
    }

    /// The numbers of the commits that may have this id. Equal hashes do not prove it: look at the commits.
    pub(super) fn candidates(&self, id: &CommitId) -> Vec<u64> {
        let id_hash = hash(id);
        self.lock().iter().filter(|known| known.id_hash == id_hash).map(|known| known.number).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.lock().capacity() * size_of::<Known>()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // A push or a scan cannot leave the list half-changed.
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &CommitId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
