//! What happened before a function was handed the events of a table: read from the table, by the call to redrive.
//!
//! A stream goes back 24 hours. A subscription that begins with the first event, and comes to a table that is older, finds
//! the rest of its past here, as far as the time of an invocation goes, and goes on with the next one.

use aws_event_sourcing_core::subscription::{Source, Subscription};
use aws_event_sourcing_dynamodb::Past;
use tokio::time::{Instant, timeout_at};

use super::{InvocationError, Lambda};

/// Whether a subscription has handled its past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CaughtUp {
    Yes,
    /// This function, or another one, goes on with it.
    #[default]
    NotYet,
}

/// Handles what a subscription has not handled of its past, as far as the time goes.
pub(super) async fn catch_up(
    lambda: &Lambda,
    subscription: &Subscription,
    resource_type: &str,
    source: &Source,
    cut_off: Instant,
) -> Result<CaughtUp, InvocationError> {
    let registration = lambda.registrations.of(subscription, resource_type, source).await?;
    if lambda.registrations.has_caught_up(&registration.key) {
        return Ok(CaughtUp::Yes);
    }
    macro_rules! tell {
        ($what:literal) => {
            tracing::info!(subscription = subscription.name(), resource_type, $what)
        };
    }
    // It may have to be waited for somebody who is not heard of any more.
    match timeout_at(cut_off, lambda.stores.past(&registration)).await.unwrap_or(Ok(Past::Elsewhere))? {
        Past::Elsewhere => return Ok(CaughtUp::NotYet),
        Past::Unread(part) => {
            tell!("the table is read for what happened before");
            if !subscription.catch_up(source, &registration, part, cut_off).await? {
                return Ok(CaughtUp::NotYet);
            }
            tell!("what happened before is handled");
        }
        Past::Read => {}
    }
    lambda.registrations.caught_up(registration.key);
    Ok(CaughtUp::Yes)
}
