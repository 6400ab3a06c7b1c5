//! Messages of SQS queues. What is not handled is named in the answer, and comes again:
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

use std::{collections::BTreeMap, iter};

use aws_event_sourcing_core::Timestamp;
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    InvocationError, Lambda, Message, hand_over::hand_over, handlers::Handler, invocation::Invocation, xray,
};

/// How many messages are handled at the same time. All of them run in one task.
const CONCURRENCY: usize = 64;

/// Hands each message to the handler of its queue: those of a FIFO queue in order within their group, all others side by
/// side.
pub(super) async fn handle(
    lambda: &Lambda,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, InvocationError> {
    let malformed = InvocationError::malformed("messages of a queue");
    let Records { records } = serde_json::from_str(payload.get()).map_err(malformed)?;
    let mut lanes = Lanes::default();
    for record in records {
        let queue = name_of(&record.event_source_arn).to_owned();
        let Some(handler) = lambda.handlers.queues.get(&queue) else {
            return Err(InvocationError::NoHandler(format!(
                "messages of the queue {queue:?}: the service has no `on_queue` of that name"
            )));
        };
        lanes.add(&queue, record.into_message(&queue, invocation), handler);
    }
    let handled = stream::iter(lanes.0).map(|lane| lane.run(invocation)).buffer_unordered(CONCURRENCY);
    let failed = handled.concat().await;
    let batch_item_failures = failed.into_iter().map(|item_identifier| Failed { item_identifier }).collect();
    Ok(Answer { batch_item_failures })
}

/// What is to come again. None: all is handled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

/// The last part of the ARN of a queue or a topic.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// All messages, those that have to be in order in one lane.
#[derive(Default)]
struct Lanes(Vec<Lane>);

/// Messages that are handled one after the other, in order.
struct Lane {
    /// Of a FIFO queue.
    group: Option<String>,
    handler: Handler<Message>,
    messages: Vec<Message>,
}

impl Lanes {
    fn add(&mut self, queue: &str, message: Message, handler: &Handler<Message>) {
        // Groups of other queues say who is to get a fair share, and nothing about order.
        let group = message.group.clone().filter(|_| queue.ends_with(".fifo"));
        let lane = group.as_ref().and_then(|_| self.0.iter_mut().find(|lane| lane.group == group));
        match lane {
            Some(lane) => lane.messages.push(message),
            None => self.0.push(Lane { group, handler: handler.clone(), messages: vec![message] }),
        }
    }
}

impl Lane {
    /// The ids of those that were not handled: the first that could not be, and all behind it.
    async fn run(self, invocation: &Invocation) -> Vec<String> {
        let mut messages = self.messages.into_iter();
        while let Some(message) = messages.next() {
            let (id, cause, trace) = (message.id.clone(), message.cause.clone(), message.trace);
            let is_handled = if Instant::now() < invocation.last_begin() {
                hand_over(&self.handler, message, cause, trace, invocation.give_up()).await.is_ok()
            } else {
                tracing::warn!(cause, "a message is not begun, because the time of the invocation is up");
                false
            };
            if !is_handled {
                return iter::once(id).chain(messages.map(|message| message.id)).collect();
            }
        }
        Vec::new()
    }
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    body: String,
    attributes: SystemAttributes,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

/// Those of SQS's own, all of them as text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SystemAttributes {
    approximate_receive_count: String,
    sent_timestamp: String,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    #[serde(rename = "AWSTraceHeader")]
    trace_header: Option<String>,
}

/// One of the sender's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl Record {
    fn into_message(self, queue: &str, invocation: &Invocation) -> Message {
        let Self { message_id, body, attributes, message_attributes, .. } = self;
        let trace = attributes.trace_header.as_deref().and_then(xray::trace);
        Message {
            cause: format!("queue/{queue}/{message_id}"),
            id: message_id,
            body,
            attributes: message_attributes
                .into_iter()
                .filter_map(|(name, attribute)| {
                    Some((name, attribute.string_value.or(attribute.binary_value)?))
                })
                .collect(),
            subject: None,
            group: attributes.message_group_id,
            deduplication_id: attributes.message_deduplication_id,
            receive_count: attributes.approximate_receive_count.parse().unwrap_or(1),
            sent_at: Timestamp::from_unix_millis(attributes.sent_timestamp.parse().unwrap_or_default()),
            trace: trace.unwrap_or_else(|| invocation.trace()),
        }
    }
}
