//! The call to redrive what is parked, by a schedule, and to go on with what happened before.

use std::time::Duration;

use aws_event_sourcing_core::subscription::{Redriven, SubscriptionKey};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    InvocationError, Lambda,
    invocation::Invocation,
    past::{CaughtUp, catch_up},
};
use crate::followers::count_parked;

/// The time that is left for counting what is parked.
const COUNTING: Duration = Duration::from_secs(2);

/// What came of a redrive, and what is left.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Answer {
    /// Resources that were parked, and of which everything is handled now.
    released: usize,
    /// Resources that were tried in vain.
    failed: usize,
    /// Resources that are parked, up to 1,000 of each subscription and resource type.
    parked_resources: usize,
    /// Subscriptions of a resource type that have not handled all that happened before them.
    catching_up: usize,
}

/// Tries the parked resources that are due, goes on with what happened before, and tells what is left.
pub(super) async fn handle(lambda: &Lambda, invocation: &Invocation) -> Result<Answer, InvocationError> {
    let time = invocation.cut_off.saturating_duration_since(Instant::now());
    let until = invocation.cut_off - COUNTING.min(time / 4);
    let redrives = lambda.subscriptions.iter().flat_map(|subscription| {
        subscription.resource_types().map(async |resource_type| {
            let source = lambda.stores.source(subscription.name(), resource_type)?;
            let redriven = subscription.redrive_due(&source, resource_type, until).await;
            let caught_up = catch_up(lambda, subscription, resource_type, &source, until);
            let caught_up = invocation.in_time(caught_up, "it was known what happened before").await?;
            let key = SubscriptionKey::new(subscription.name(), resource_type);
            let parked = count_parked(&*source.progress, &key);
            let parked = invocation.in_time(parked, "it was counted what is parked").await?;
            Ok::<_, InvocationError>((redriven, caught_up, parked))
        })
    });
    let (mut answer, mut failure) = (Answer::default(), None);
    for redrive in join_all(redrives).await {
        let (redriven, caught_up, parked) = redrive?;
        let Redriven { released, failed } = known(redriven, &mut failure);
        answer.released += released;
        answer.failed += failed;
        answer.parked_resources += known(parked, &mut failure);
        answer.catching_up += usize::from(known(caught_up, &mut failure) == CaughtUp::NotYet);
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let Answer { released, failed, parked_resources, catching_up } = answer;
    // The template's metric filter reads this line: part of the contract with it.
    tracing::info!(service = lambda.name, released, failed, parked_resources, catching_up, "redrive");
    Ok(answer)
}

/// What is known, and the first error where it is not.
fn known<T: Default, E: Into<InvocationError>>(
    result: Result<T, E>,
    failure: &mut Option<InvocationError>,
) -> T {
    result.unwrap_or_else(|error| {
        failure.get_or_insert(error.into());
        T::default()
    })
}
