//! [`InSpan`]: puts all that happens in an invocation, the runtime's own lines about its failure included, into a span that has
//! Lambda's id of it.

use std::task::{Context, Poll};

use lambda_runtime::{LambdaInvocation, Service};
use tracing::{Instrument as _, instrument::Instrumented};

/// The runtime, within a span for each invocation.
pub(super) struct InSpan<S>(pub(super) S);

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for InSpan<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        // At the level that no filter leaves out: it leads to Lambda's own lines about the invocation.
        let span = tracing::error_span!("invocation", lambda_request_id = invocation.context.request_id);
        let future = span.in_scope(|| self.0.call(invocation));
        future.instrument(span)
    }
}
