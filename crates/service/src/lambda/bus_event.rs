//! [`BusEvent`]: what a handler gets of EventBridge.

use aws_event_sourcing_core::{Clock as _, Json, SystemClock, Timestamp, TraceParent};

/// An event of an EventBridge bus, or of a schedule. Not one of this program's own events: it has no resource, no number, and
/// nobody keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusEvent {
    /// EventBridge's id of it: the same when it comes again.
    pub id: String,
    /// Who has put it there, such as `com.example.orders`; `aws.events` and `aws.scheduler` for schedules.
    pub source: String,
    /// What it is, such as `order.placed`; `Scheduled Event` for schedules.
    pub detail_type: String,
    /// When it happened.
    pub at: Timestamp,
    /// ARNs of what it is about; of the rule or the schedule itself for schedules.
    pub resources: Vec<String>,
    /// What its source has to say.
    pub detail: Json,
    /// The trace that it is handled in. What a handler commits is part of it.
    pub trace: TraceParent,
    pub(super) cause: String,
}

impl BusEvent {
    /// An event for a test of a handler: of now, with no more than this.
    pub fn new(id: impl Into<String>, detail_type: impl Into<String>, detail: Json) -> Self {
        let (id, now) = (id.into(), SystemClock.now());
        Self {
            cause: format!("test/{id}"),
            id,
            source: "test".into(),
            detail_type: detail_type.into(),
            at: now,
            resources: Vec::new(),
            detail,
            trace: TraceParent::new_root(now),
        }
    }

    /// `event/order.placed/` or `schedule/nightly/` and the id. The same whenever this event is handled: use it as the
    /// [idempotency key](aws_event_sourcing_core::Write::idempotency_key) of a commit, and of calls to other systems.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
