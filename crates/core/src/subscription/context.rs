//! [`Context`]: what a handler knows beside the event.

use std::sync::Arc;

use super::Cause;
use crate::{ResourceKey, TraceParent};

/// The circumstances in which an event is handled. Cheap to clone.
///
/// While a handler runs, its event is the [cause](Cause) of what it commits: that happens once, however often the event
/// comes, and is part of the event's trace. Nothing has to be done for it. Tasks that a handler spawns are not part of it,
/// unless they run inside [`scope`](Self::scope).
#[derive(Debug, Clone)]
pub struct Context {
    subscription: Arc<str>,
    cause: Cause,
    attempt: u32,
    occasion: Occasion,
}

/// How an event came to be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The feed delivered it.
    Delivered,
    /// Its resource is parked, and it is tried again.
    Redriven,
}

impl Context {
    pub(super) fn new(subscription: Arc<str>, cause: Cause, attempt: u32, occasion: Occasion) -> Self {
        Self { subscription, cause, attempt, occasion }
    }

    /// The subscription's name.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// What the handler's commits record as their cause: `subscription/resource id/number`. The same whenever this
    /// event is handled by this subscription: use it as the idempotency key of calls to other systems.
    ///
    /// A subscription of several resource types has `subscription:type/resource id/number` for all but the first of them.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.cause.as_str()
    }

    /// How often this event has been tried, this time included: 1 for the first.
    ///
    /// A process that ends forgets the attempts that it has made, unless they led to the resource being parked.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the resource is parked, and the event tried again.
    #[must_use]
    pub fn is_redrive(&self) -> bool {
        self.occasion == Occasion::Redriven
    }

    /// Runs a future as part of this handling, as the handler itself is run: for what is spawned. The future keeps the
    /// trace that it finds.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        self.cause.scope(future).await
    }

    /// The cause that an event of a subscription is.
    pub(super) fn cause_of(origin: &str, resource: &ResourceKey, number: u64) -> Cause {
        Cause::new(format!("{origin}/{}/{number}", resource.id))
    }
}

/// Runs a handler's future within its handling and its trace.
pub(super) async fn within<F: Future>(context: &Context, trace: TraceParent, future: F) -> F::Output {
    trace.scope(context.scope(future)).await
}
