//! [`BusEvent`]: what a handler gets of EventBridge.

use aws_event_sourcing_core::{Clock as _, Json, SystemClock, Timestamp, TraceParent};

/// An event of an EventBridge bus, or of a schedule. Not one of this program's own events: it has no resource, no number, and
/// nobody keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusEvent {
    /// EventBridge's [id](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html) of it: the same
    /// when Lambda hands it over again. A schedule that comes twice for one time may have two.
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

    /// What the handler's commits record as their [cause](aws_event_sourcing_core::subscription::Cause): `event/order.placed/`
    /// and the id, or `schedule/default/nightly/` and the time, where `default` is the group of the schedule. A rule has no
    /// group: `schedule/nightly/` and the time. The same whenever this event is handled: use it as the idempotency key of calls
    /// to other systems.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
