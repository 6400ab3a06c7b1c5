//! [`Told`]: which resources the log says cannot be read. A list may be asked for every second, and to say it once is enough.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::{ErrorChain, ResourceId, Unreadable};

/// The most that the log tells of, and that are remembered.
const MOST: usize = 1_000;

/// The resources of a repository that the log has told of, and at which events.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<(ResourceId, Option<u64>)>>);

impl Told {
    /// Logs that a resource cannot be read, unless that has been done before.
    pub(super) fn tell(&self, unreadable: &Unreadable) {
        let Unreadable { resource, number, event_type, .. } = unreadable;
        // A set is never left half-changed.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST || !told.insert((resource.id.clone(), *number)) {
            return;
        }
        let is_last = told.len() == MOST;
        drop(told);
        tracing::error!(
            resource_type = &*resource.resource_type,
            id = %resource.id,
            number,
            event_type = event_type.as_deref(),
            error = %ErrorChain::of(unreadable),
            "a resource cannot be read: lists say so in its place (logged once)"
        );
        if is_last {
            tracing::error!("{MOST} resources cannot be read: further ones are not logged");
        }
    }
}
