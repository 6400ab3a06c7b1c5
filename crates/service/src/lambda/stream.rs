//! Records of a table's stream: their commits go to the subscriptions, and the answer tells up to where that went well.

use aws_event_sourcing_core::{ErrorChain, StoreError, subscription::Batch};
use aws_event_sourcing_dynamodb::{Change, StreamEvent};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{InvocationError, Lambda, invocation::Invocation};

/// What Lambda takes as the answer to a batch: the first record that it has to hand over again, with all behind it. None
/// when all is well.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

/// The records of a batch.
struct Records {
    /// Their commits, each at its place among the records, from 1 on.
    batch: Batch,
    sequence_numbers: Vec<String>,
    /// Why the record behind the batch tells of nothing, if there is one.
    unreadable: Option<StoreError>,
}

/// Hands the commits of a batch to the subscriptions, and tells how far that went.
pub(super) async fn handle(
    lambda: &Lambda,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, InvocationError> {
    let event: StreamEvent =
        serde_json::from_str(payload.get()).map_err(InvocationError::malformed("records of a stream"))?;
    let Some(first) = event.records.first() else { return Ok(Answer::of(Vec::new())) };
    let stream = first.stream_arn().to_owned();
    let Some(resource_type) = lambda.resource_type_of(first).map(str::to_owned) else {
        let what = format!("records of {stream}: no subscription follows a resource type with that table");
        return Err(InvocationError::NoHandler(what));
    };
    let Records { batch, mut sequence_numbers, unreadable } = Records::read(event, &stream, &resource_type)?;
    let followers = lambda.subscriptions.iter().filter(|subscription| subscription.follows(&resource_type));
    let handled = followers.map(async |subscription| {
        let source = lambda.stores.source(subscription.name(), &resource_type)?;
        let registration = lambda.registrations.of(subscription, &resource_type, &source);
        let registration =
            invocation.in_time(registration, "it was known where the subscription begins").await??;
        let handled = subscription.handle(&source, &registration, batch.clone(), invocation.cut_off);
        Ok::<_, InvocationError>(handled.await)
    });
    let (mut up_to, mut failure) = (batch.up_to, unreadable);
    for handled in join_all(handled).await {
        let handled = handled?;
        up_to = up_to.min(handled.up_to);
        failure = handled.error.or(failure);
    }
    let done = usize::try_from(up_to).unwrap_or(usize::MAX);
    if let Some(error) = failure {
        if done == 0 {
            // Nothing is to be told but that it failed, and that counts as an error of the function.
            return Err(error.into());
        }
        tracing::error!(
            resource_type,
            error = %ErrorChain::of(&error),
            "not all records of the batch were handled: they come again"
        );
    }
    let left = sequence_numbers.split_off(done.min(sequence_numbers.len()));
    if !left.is_empty() {
        tracing::warn!(
            resource_type,
            handled = done,
            left = left.len(),
            "some records of the batch come again"
        );
    }
    Ok(Answer::of(left))
}

impl Answer {
    /// The answer when these records are left. Of several failures Lambda takes the lowest one: no other is told.
    fn of(left: Vec<String>) -> Self {
        let failed = left.into_iter().next().map(|item_identifier| Failed { item_identifier });
        Self { batch_item_failures: failed.into_iter().collect() }
    }
}

impl Records {
    /// Reads records, up to one that tells of nothing. All of them are of one stream.
    fn read(event: StreamEvent, stream: &str, resource_type: &str) -> Result<Self, InvocationError> {
        let sequence_numbers: Vec<_> =
            event.records.iter().map(|record| record.sequence_number().to_owned()).collect();
        let (mut batch, mut unreadable) = (Batch::default(), None);
        for (record, position) in event.records.into_iter().zip(1..) {
            if record.stream_arn() != stream {
                let error = format!("some are of {stream}, and one is of {}", record.stream_arn());
                return Err(InvocationError::malformed("records of a stream")(error));
            }
            let added = match record.change(resource_type) {
                Ok(Change::Committed(commit)) => batch.add(position, Ok(commit)),
                Ok(Change::Breach { what, id, number }) => {
                    tracing::error!(
                        stream,
                        id = &*id,
                        number = &*number,
                        what = &*what,
                        "somebody has changed or removed an event by hand: events are immutable, and this is not handled"
                    );
                    Ok(())
                }
                Ok(_) => Ok(()),
                Err(error) => batch.add(position, Err(error)),
            };
            if let Err(error) = added {
                unreadable = Some(error);
                break;
            }
            batch.up_to = position;
        }
        Ok(Self { batch, sequence_numbers, unreadable })
    }
}

#[cfg(test)]
mod tests;
