//! The call to redrive what is parked, by a schedule.

use std::time::Duration;

use aws_event_sourcing_core::{
    StoreError,
    subscription::{Redriven, SubscriptionKey},
};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::{InvocationError, Lambda};
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
}

/// Tries the parked resources that are due, and tells what is left.
pub(super) async fn handle(lambda: &Lambda, cut_off: Instant) -> Result<Answer, InvocationError> {
    let time = cut_off.saturating_duration_since(Instant::now());
    let until = cut_off - COUNTING.min(time / 4);
    let redrives = lambda.subscriptions.iter().flat_map(|subscription| {
        subscription.resource_types().map(async |resource_type| {
            let source = lambda.stores.source(subscription.name(), resource_type)?;
            let redriven = subscription.redrive_due(&source, resource_type, until).await;
            let key = SubscriptionKey::new(subscription.name(), resource_type);
            let parked = count_parked(&*source.progress, &key).await;
            Ok::<_, InvocationError>((redriven, parked))
        })
    });
    let (mut answer, mut failure) = (Answer::default(), None);
    for redrive in join_all(redrives).await {
        let (redriven, parked) = redrive?;
        let Redriven { released, failed } = known(redriven, &mut failure);
        answer.released += released;
        answer.failed += failed;
        answer.parked_resources += known(parked, &mut failure);
    }
    if let Some(error) = failure {
        return Err(error.into());
    }
    let Answer { released, failed, parked_resources } = answer;
    // The template's metric filter reads this line: part of the contract with it.
    tracing::info!(service = lambda.name, released, failed, parked_resources, "redrive");
    Ok(answer)
}

/// What is known, and the first error where it is not.
fn known<T: Default>(result: Result<T, StoreError>, failure: &mut Option<StoreError>) -> T {
    result.unwrap_or_else(|error| {
        failure.get_or_insert(error);
        T::default()
    })
}
