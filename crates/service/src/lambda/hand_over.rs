//! [`hand_over`]: calls a handler of the user's, and takes whatever comes of it, a panic and a lack of time included, as an
//! outcome.

use std::{any::Any, panic::AssertUnwindSafe};

use aws_event_sourcing_core::{TraceParent, subscription::Cause};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::handlers::Handler;

/// Hands an item to a handler, as the cause of what it commits and within a child of its trace, and gives the handler up at a
/// time. Says why it was not handled, and logs that.
pub(super) async fn hand_over<T>(
    handler: &Handler<T>,
    item: T,
    cause: String,
    trace: TraceParent,
    give_up: Instant,
) -> Result<(), String> {
    let trace = trace.child();
    // At the level that no filter leaves out: the lines of a handler are of little use without what it handles.
    let span = tracing::error_span!("handle", cause, trace_id = trace.trace_id());
    // A handler may panic before it has made its future.
    let handled = AssertUnwindSafe(async { handler(item).await }).catch_unwind();
    let cause = Cause::new(cause);
    let handled = trace.scope(cause.scope(handled));
    let handled = timeout_at(give_up, handled).instrument(span.clone()).await;
    let failure = match handled {
        Ok(Ok(Ok(()))) => {
            span.in_scope(|| tracing::info!("handled"));
            return Ok(());
        }
        Ok(Ok(Err(failure))) => failure.to_string(),
        Ok(Err(panic)) => format!("the handler panicked: {}", message(&*panic)),
        Err(_) => "the handler was not done when the time of the invocation was up".to_owned(),
    };
    span.in_scope(|| tracing::warn!(error = failure, "not handled"));
    Err(failure)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
