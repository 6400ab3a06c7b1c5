//! [`Handler`]: what a user does about an event. [`Failure`]: that it could not be done.

use std::{error::Error, fmt};

use super::Context;
use crate::{ErrorChain, Recorded};

/// Does something about the events of a subscription.
///
/// Any function or closure of a [`Recorded`] event and a [`Context`] that gives a future of `Result<(), Failure>` is
/// one:
///
/// ```
/// # use aws_event_sourcing_core::{Event, Recorded, subscription::{Context, Failure}};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// # enum DeployEvent { DeployDeleted }
/// async fn announce(event: Recorded<DeployEvent>, context: Context) -> Result<(), Failure> {
///     println!("{}: {:?} happened to {}", context.subscription(), event.event, event.resource);
///     Ok(())
/// }
/// ```
///
/// # What it may rely on
///
/// - It gets the events of each resource in order, one at a time, and misses none. It gets those of several resources side
///   by side, in no particular order.
/// - It may get an event again, when a process ends or is cut off before it could note that the event was handled. So
///   what it does must bear being done twice. What it commits does by itself: see [`Cause`](super::Cause).
/// - It has as long as the subscription's [deadline](super::Subscription::deadline). Then it is dropped, at the `await`
///   that it is at, and counts as failed. A panic counts as failed too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle events of type `{E}`",
    label = "not a function of `(Recorded<{E}>, Context)` that gives a future of `Result<(), Failure>`",
    note = "the parameters of a closure need their types: `move |event: Recorded<{E}>, context: Context| async move {{ Ok(()) }}`",
    note = "its future must be `Send` and own what it uses: `with_state` gives it a clone for each call"
)]
pub trait Handler<E>: Send + Sync + 'static {
    /// Handles an event.
    fn handle(
        &self,
        event: Recorded<E>,
        context: Context,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static;
}

impl<E, F, R> Handler<E> for F
where
    F: Fn(Recorded<E>, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Failure>> + Send + 'static,
{
    fn handle(
        &self,
        event: Recorded<E>,
        context: Context,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        self(event, context)
    }
}

/// Gives a handler something of its own to work with: repositories, clients of other systems. It is cloned for each
/// event.
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Recorded, Repository};
/// # use aws_event_sourcing_core::subscription::{Context, Failure, Subscription, with_state};
/// # fn example<Product: Aggregate, Reorder: Aggregate>(reorders: Repository<Reorder>) {
/// async fn reorder<Product: Aggregate, Reorder: Aggregate>(
///     reorders: Repository<Reorder>,
///     event: Recorded<Product::Event>,
///     context: Context,
/// ) -> Result<(), Failure> {
///     // …
///     Ok(())
/// }
///
/// let handler = with_state(reorders, reorder::<Product, Reorder>);
/// let subscription = Subscription::new("reorders").on::<Product>(handler);
/// # }
/// ```
pub fn with_state<S, F>(state: S, handler: F) -> WithState<S, F> {
    WithState { state, handler }
}

/// A handler and what it works with: see [`with_state`].
#[derive(Debug, Clone)]
pub struct WithState<S, F> {
    state: S,
    handler: F,
}

impl<E, S, F, R> Handler<E> for WithState<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(S, Recorded<E>, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Failure>> + Send + 'static,
{
    fn handle(
        &self,
        event: Recorded<E>,
        context: Context,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        (self.handler)(self.state.clone(), event, context)
    }
}

/// An event could not be handled.
///
/// Every error becomes one by `?`, and is then tried again: see [`retry`](Self::retry). An error that will not pass by
/// itself is better [parked](Self::park) at once.
pub struct Failure {
    source: Box<dyn Error + Send + Sync>,
    remedy: Remedy,
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    Retry,
    Park,
}

impl Failure {
    /// It may go well in a moment: a time-out, a lost connection. The event is tried again a few times, and then the
    /// resource is parked.
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: error.into(), remedy: Remedy::Retry }
    }

    /// It will not go well before something is mended: the handler, the data, a permission. The resource is parked at
    /// once.
    pub fn park(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: error.into(), remedy: Remedy::Park }
    }

    /// Whether trying again at once is of use.
    pub(super) fn may_pass(&self) -> bool {
        self.remedy == Remedy::Retry
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// The error and its causes.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is kept as its author has worded it.
        write!(f, "{:#}", ErrorChain::of(&*self.source))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("source", &self.source).field("remedy", &self.remedy).finish()
    }
}
