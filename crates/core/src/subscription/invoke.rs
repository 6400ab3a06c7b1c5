//! Hands one event to a handler: decodes it, gives it its context and its trace, and takes whatever comes of it, a panic
//! and a time-out included, as an outcome.

use std::{
    any::Any,
    error::Error,
    fmt,
    future::ready,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{
    Context, Failure, Handler, SubscriptionKey,
    context::{Occasion, within},
    follow::Follower,
    lane::Attempt,
};
use crate::{Aggregate, Commit, Recorded, TraceParent};

/// A subscription's handler of one resource type.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) key: SubscriptionKey,
    /// What causes begin with.
    origin: Box<str>,
    react: Arc<dyn React>,
}

/// A handler, whatever the type of its events.
trait React: Send + Sync {
    /// Decodes the event of that index in the commit at once. It is handled when the future runs.
    fn react(
        &self,
        commit: &Commit,
        index: usize,
        context: Context,
    ) -> BoxFuture<'static, Result<(), Failure>>;
}

struct OfAggregate<A, H>(Arc<H>, PhantomData<fn() -> A>);

impl<A: Aggregate, H: Handler<A::Event>> React for OfAggregate<A, H> {
    fn react(
        &self,
        commit: &Commit,
        index: usize,
        context: Context,
    ) -> BoxFuture<'static, Result<(), Failure>> {
        match Recorded::of(commit, index) {
            Ok(event) => {
                let handler = self.0.clone();
                // A handler may do much, or panic, before it has made its future.
                Box::pin(async move { handler.handle(event, context).await })
            }
            Err(error) => Box::pin(ready(Err(Failure::park(error)))),
        }
    }
}

impl Binding {
    pub(super) fn new<A: Aggregate>(
        subscription: &Arc<str>,
        origin: Box<str>,
        handler: impl Handler<A::Event>,
    ) -> Self {
        Self {
            key: SubscriptionKey::new(subscription.clone(), A::TYPE),
            origin,
            react: Arc::new(OfAggregate::<A, _>(Arc::new(handler), PhantomData)),
        }
    }

    /// Hands the event of that index in the commit to the handler. The commit is not needed while that goes on.
    pub(super) fn invoke(
        &self,
        commit: &Commit,
        index: usize,
        attempt: u32,
        occasion: Occasion,
        follower: &Follower,
    ) -> impl Future<Output = Result<(), Attempt>> + Send + use<> {
        let (deadline, clock) = (follower.settings.deadline, follower.clock.clone());
        let number = commit.number + index as u64;
        let cause = Context::cause_of(&self.origin, &commit.resource, number);
        let context = Context::new(self.key.subscription.clone(), cause, attempt, occasion);
        let trace = match commit.trace {
            Some(trace) => trace.child(),
            None => TraceParent::new_root(clock.now()),
        };
        // At the level that no filter leaves out: the lines of a handler are of little use without their event.
        let span = tracing::error_span!(
            "handle",
            subscription = &*self.key.subscription,
            resource_type = &*self.key.resource_type,
            id = %commit.resource.id,
            number,
            trace_id = trace.trace_id(),
        );
        let decoded = catch_unwind(AssertUnwindSafe(|| self.react.react(commit, index, context.clone())));
        async move {
            let failure = match decoded {
                Ok(handled) => {
                    let handled = AssertUnwindSafe(within(&context, trace, handled)).catch_unwind();
                    match timeout(deadline, handled).instrument(span.clone()).await {
                        Ok(Ok(Ok(()))) => {
                            span.in_scope(|| tracing::info!(attempt, "handled"));
                            return Ok(());
                        }
                        Ok(Ok(Err(failure))) => failure,
                        Ok(Err(panic)) => Failure::retry(Panicked(message(&*panic))),
                        Err(_) => Failure::retry(TookTooLong(deadline)),
                    }
                }
                Err(panic) => Failure::retry(Panicked(message(&*panic))),
            };
            let (error, may_pass) = (failure.to_string(), failure.may_pass());
            span.in_scope(|| tracing::warn!(attempt, error, "not handled"));
            Err(Attempt { error, may_pass, at: clock.now(), chance: fastrand::f64() })
        }
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Binding").field(&self.key).finish()
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned()
}

#[derive(Debug)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler panicked: {}", self.0)
    }
}

impl Error for Panicked {}

#[derive(Debug)]
struct TookTooLong(Duration);

impl fmt::Display for TookTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler was not done after {:?}", self.0)
    }
}

impl Error for TookTooLong {}
