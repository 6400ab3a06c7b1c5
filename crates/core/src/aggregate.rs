//! [`Aggregate`]: the user's rules. Two pure functions and two names; no I/O, no clock, no randomness.

use crate::Event;

/// Folds events into state, and says which new events may happen.
///
/// The type that implements this *is* the state: what the events of one resource add up to. It is never stored; every
/// resource starts from [`Default`] and is brought up to date by applying its events in order.
///
/// ```
/// use aws_event_sourcing_core::{Aggregate, Event};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// enum CounterEvent {
///     CounterIncreased { by: u64 },
/// }
///
/// #[derive(Debug, Clone, Default)]
/// struct Counter {
///     total: u64,
/// }
///
/// impl Aggregate for Counter {
///     const TYPE: &'static str = "counter";
///     type Event = CounterEvent;
///     type Error = String;
///
///     fn validate(&self, CounterEvent::CounterIncreased { by }: &CounterEvent) -> Result<(), String> {
///         if *by == 0 { Err("a counter is increased by at least 1".into()) } else { Ok(()) }
///     }
///
///     fn apply(&mut self, CounterEvent::CounterIncreased { by }: &CounterEvent) {
///         self.total = self.total.saturating_add(*by);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    label = "a repository needs to know how this type's events change it",
    note = "implement `Aggregate` for `{Self}`: its resource type, its event enum, `validate` and `apply`"
)]
pub trait Aggregate: Clone + Default + Send + Sync + 'static {
    /// The resource type: a lower-case noun in the singular, such as `product`. It is stored with every event (in
    /// SQLite) or names the table (in DynamoDB), so it stays what it is for good.
    const TYPE: &'static str;

    /// What can happen to a resource of this type.
    type Event: Event;

    /// Why a new event may not happen. Its `Display` is shown to clients.
    type Error: std::fmt::Display + std::fmt::Debug + Send + Sync + 'static;

    /// May this new event happen now?
    ///
    /// Asked of new events only, never of history: a rule can be tightened without making the past unreadable. An event that
    /// will be read as another one than it is now, because a field is not stored, is asked about in both forms.
    ///
    /// # Errors
    ///
    /// The reason why not. Nothing of the commit is stored then.
    fn validate(&self, event: &Self::Event) -> Result<(), Self::Error>;

    /// Changes the state as the event says. Total: every stored event can always be applied, so this neither fails nor
    /// panics, and reads nothing but its arguments.
    fn apply(&mut self, event: &Self::Event);
}
