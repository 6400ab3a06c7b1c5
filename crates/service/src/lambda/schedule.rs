//! Events of EventBridge: those of a bus, and those of schedules. Lambda calls again, twice unless it is told otherwise, when
//! one fails: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>.

use aws_event_sourcing_core::{Json, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{BusEvent, InvocationError, Lambda, hand_over::hand_over, invocation::Invocation};

/// Hands the event to the handler of its schedule, or of its detail type.
pub(super) async fn handle(
    lambda: &Lambda,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let malformed = InvocationError::malformed("an event of EventBridge");
    let event: Event<'_> = serde_json::from_str(payload.get()).map_err(malformed)?;
    let handlers = &lambda.handlers;
    let (cause, handler) = match event.schedule() {
        // Whoever has no schedules does not miss the handler of one.
        Some(Schedule { name, .. }) if handlers.schedules.is_empty() && event.says_nothing() => {
            tracing::warn!(
                service = lambda.name,
                schedule = name,
                "a schedule has called, which the service has no `on_schedule` for: taken as keeping it warm"
            );
            return Ok(());
        }
        Some(Schedule { path, name }) => {
            let handler = handlers.schedules.get(name).ok_or_else(|| {
                InvocationError::NoHandler(format!(
                    "the schedule {name:?}: the service has no `on_schedule` of that name"
                ))
            })?;
            // By its time, because EventBridge may run a schedule twice for one time, as two events:
            // <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html>.
            (format!("schedule/{path}/{}", event.time), handler)
        }
        None => {
            let detail_type = &event.detail_type;
            let handler = handlers.events.get(detail_type).ok_or_else(|| {
                InvocationError::NoHandler(format!(
                    "the event {detail_type:?} of {:?}: the service has no `on_event` of that name",
                    event.source
                ))
            })?;
            (format!("event/{detail_type}/{}", event.id), handler)
        }
    };
    let event = event.into_bus_event(cause.clone(), invocation);
    let trace = event.trace;
    hand_over(handler, event, cause.clone(), trace, invocation.give_up())
        .await
        .map_err(|failure| InvocationError::NotHandled { what: cause, failure })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Event<'a> {
    id: String,
    source: String,
    detail_type: String,
    time: Timestamp,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

/// A rule with a schedule, or a schedule of EventBridge Scheduler.
struct Schedule<'a> {
    /// What tells it from all others: its name, behind that of its group if it is in one.
    path: &'a str,
    name: &'a str,
}

impl Event<'_> {
    /// What has called by the clock, if that is what this is.
    fn schedule(&self) -> Option<Schedule<'_>> {
        let is_scheduled = self.detail_type == "Scheduled Event"
            && matches!(self.source.as_str(), "aws.events" | "aws.scheduler");
        let arn = self.resources.first().filter(|_| is_scheduled)?;
        let (_, path) = arn.split_once('/')?;
        Some(Schedule { path, name: path.rsplit('/').next()? })
    }

    /// Whether there is nothing in it but that it is time. EventBridge Scheduler writes that as a text.
    fn says_nothing(&self) -> bool {
        matches!(self.detail.get(), "{}" | r#""{}""#)
    }

    fn into_bus_event(self, cause: String, invocation: &Invocation) -> BusEvent {
        BusEvent {
            id: self.id,
            source: self.source,
            detail_type: self.detail_type,
            at: self.time,
            resources: self.resources,
            detail: Json::from_stored(self.detail.get().to_owned()),
            trace: invocation.trace(),
            cause,
        }
    }
}
