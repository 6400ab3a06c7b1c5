//! [`Commit`]: the unit of writing, as a store sees it. Users of a [`Repository`](crate::Repository) meet it only when
//! they read raw history.

use std::{borrow::Cow, fmt};

use crate::{CommitId, Json, ResourceKey, Timestamp, TraceParent};

/// One or more events of one resource, stored together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The resource whose events these are.
    pub resource: ResourceKey,
    /// The number of the first event: 1 for the first of its resource. The others follow without a gap.
    pub number: u64,
    /// The events in order, at least one.
    pub events: Vec<EncodedEvent>,
    /// When the commit was made, by the clock of whoever made it.
    pub at: Timestamp,
    /// What tells this commit from all others of its resource.
    pub id: CommitId,
    /// The id of the commit before it. None for number 1, for what older versions have written, and from a store that has
    /// looked when it was appended.
    pub follows: Option<CommitId>,
    /// The trace that the commit was made in.
    pub trace: Option<TraceParent>,
    /// What led to it, when a subscription's handler did: `subscription/resource id/number`.
    pub cause: Option<Box<str>>,
    /// The caller's own: a JSON object.
    pub meta: Option<Json>,
}

impl Commit {
    /// The number of the last event, which is the resource's version after this commit.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.number.saturating_add((self.events.len() as u64).saturating_sub(1))
    }

    /// Tells the log that it is stored.
    pub(crate) fn log(&self) {
        tracing::info!(
            resource_type = &*self.resource.resource_type,
            id = %self.resource.id,
            version = self.last_number(),
            event_types = %EventTypes(&self.events),
            trace_id = self.trace.map(|trace| trace.trace_id()),
            "committed"
        );
    }

    /// The events with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &EncodedEvent)> {
        (self.number..).zip(&self.events)
    }
}

/// For the log.
struct EventTypes<'a>(&'a [EncodedEvent]);

impl fmt::Display for EventTypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, event) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{}", event.event_type)?;
        }
        Ok(())
    }
}

/// An event as it is stored: its type's name and its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedEvent {
    /// The stored name of the event's type.
    pub event_type: Cow<'static, str>,
    /// The payload; none when the event has no fields.
    pub data: Option<Json>,
}
