//! [`Cache`]: hydrated resources, kept in memory within bounds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::head::Head;
use crate::{Aggregate, ResourceId};

/// How much a repository keeps in memory. Whatever does not fit is read again when it is needed. Past versions that were
/// asked for by their number are kept in a quarter as much beside that.
///
/// A cached resource is always safe to use: `find_one` reads it from its last commit on, and a commit on stale state loses
/// the conditional write and catches up. One that the store has no more, because it was restored to an earlier state, is
/// noticed by both, and read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// The most resources that are kept. 0 keeps none.
    pub entries: usize,
    /// The most memory that they take up together, in bytes. A resource counts with its state's own size, the size of
    /// all its events as text, which its state cannot exceed by much, and 16 bytes for each commit. 0 keeps none.
    pub bytes: usize,
}

impl CacheSettings {
    /// Keeps nothing: every call reads the whole history.
    pub const OFF: Self = Self { entries: 0, bytes: 0 };

    /// Bounds of which so many are within these.
    pub(super) fn part(self, of: usize) -> Self {
        Self { entries: self.entries / of, bytes: self.bytes / of }
    }
}

/// 10,000 resources in 32 MiB.
impl Default for CacheSettings {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 32 << 20 }
    }
}

/// The most recently used heads of one repository.
#[derive(Debug)]
pub(super) struct Cache<A> {
    settings: CacheSettings,
    kept: Mutex<Kept<A>>,
}

#[derive(Debug)]
struct Kept<A> {
    heads: LruCache<ResourceId, (Head<A>, usize)>,
    bytes: usize,
}

impl<A: Aggregate> Cache<A> {
    pub(super) fn new(settings: CacheSettings) -> Self {
        Self { settings, kept: Mutex::new(Kept { heads: LruCache::unbounded(), bytes: 0 }) }
    }

    pub(super) fn get(&self, id: &ResourceId) -> Option<Head<A>> {
        self.lock().heads.get(id).map(|(head, _)| head.clone())
    }

    /// Keeps a head, unless a newer one of its resource is there.
    pub(super) fn put(&self, head: &Head<A>) {
        self.keep(head, |kept| kept.version <= head.version);
    }

    /// Keeps a head in place of any other of its resource.
    pub(super) fn set(&self, head: &Head<A>) {
        self.keep(head, |_| true);
    }

    fn keep(&self, head: &Head<A>, replaces: impl FnOnce(&Head<A>) -> bool) {
        let weight = head.weight();
        if weight > self.settings.bytes || self.settings.entries == 0 {
            self.remove(&head.resource.id);
            return;
        }
        let mut kept = self.lock();
        let kept = &mut *kept;
        if kept.heads.peek(&head.resource.id).is_some_and(|(other, _)| !replaces(other)) {
            return;
        }
        let replaced = kept.heads.put(head.resource.id.clone(), (head.clone(), weight));
        kept.bytes += weight;
        kept.bytes -= replaced.map_or(0, |(_, weight)| weight);
        while kept.heads.len() > self.settings.entries || kept.bytes > self.settings.bytes {
            let Some((_, (_, weight))) = kept.heads.pop_lru() else { break };
            kept.bytes -= weight;
        }
    }

    pub(super) fn remove(&self, id: &ResourceId) {
        let mut kept = self.lock();
        if let Some((_, weight)) = kept.heads.pop(id) {
            kept.bytes -= weight;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<A>> {
        // No code of the user's runs under the lock, and none of ours panics there.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
