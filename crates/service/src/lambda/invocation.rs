//! [`Invocation`]: one call of the function, its time and its trace.

use std::time::{Duration, SystemTime};

use aws_event_sourcing_core::{Clock as _, SystemClock, TraceParent};
use lambda_runtime::Context;
use tokio::time::{Instant, timeout_at};

use super::{InvocationError, xray};

/// How long before it is cut off an invocation answers, and gives up what is under way.
const MARGIN: Duration = Duration::from_millis(500);

/// What is begun has as long as this, at least, until it is given up.
const LEAST: Duration = Duration::from_secs(1);

/// One call of the function.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    /// Lambda's id of it: the `requestId` of Lambda's own lines in the log.
    pub(super) id: String,
    /// When Lambda ends it, and the process with it.
    pub(super) cut_off: Instant,
    begun: Instant,
    trace: Option<TraceParent>,
}

impl Invocation {
    pub(super) fn of(context: &Context) -> Self {
        let begun = Instant::now();
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        Self {
            id: context.request_id.clone(),
            cut_off: begun + left,
            begun,
            trace: context.xray_trace_id.as_deref().and_then(xray::trace),
        }
    }

    /// The trace that it is part of, or a new one.
    pub(super) fn trace(&self) -> TraceParent {
        self.trace.unwrap_or_else(|| TraceParent::new_root(SystemClock.now()))
    }

    /// The trace that Lambda has begun or continued, if it has.
    pub(super) fn known_trace(&self) -> Option<TraceParent> {
        self.trace
    }

    /// From then on nothing more is begun: one second before it would be given up, or a quarter of the time that there is.
    pub(super) fn last_begin(&self) -> Instant {
        self.give_up() - LEAST.min(self.time() / 4)
    }

    /// Then what is under way is given up, so that there is time to answer: half a second before it is cut off, or a quarter
    /// of the time that there is.
    pub(super) fn give_up(&self) -> Instant {
        self.cut_off - MARGIN.min(self.time() / 4)
    }

    /// Does something as long as there is time for it.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = T>,
        done: &'static str,
    ) -> Result<T, InvocationError> {
        timeout_at(self.give_up(), work).await.map_err(|_| InvocationError::Late(done))
    }

    fn time(&self) -> Duration {
        self.cut_off - self.begun
    }

    /// One with so much time, for tests.
    #[cfg(test)]
    pub(super) fn with_time(time: Duration) -> Self {
        let begun = Instant::now();
        Self { id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(), cut_off: begun + time, begun, trace: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_time_to_work_and_to_answer_however_little_there_is() {
        for (time, last_begin, give_up) in
            [(900_000, 898_500, 899_500), (3_000, 1_750, 2_500), (1_000, 500, 750)]
        {
            let invocation = Invocation::with_time(Duration::from_millis(time));
            let millis = |at: Instant| (at - invocation.begun).as_millis();
            assert_eq!(
                (millis(invocation.last_begin()), millis(invocation.give_up())),
                (last_begin, give_up)
            );
        }
    }
}
