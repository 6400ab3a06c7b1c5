//! Messages of SNS topics. Lambda is called with one at a time, and calls again, twice unless it is told otherwise, when that
//! fails: <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>.

use std::collections::BTreeMap;

use aws_event_sourcing_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{InvocationError, Lambda, Message, hand_over::hand_over, invocation::Invocation, queue::name_of};

/// Hands each message to the handler of its topic.
pub(super) async fn handle(
    lambda: &Lambda,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let malformed = InvocationError::malformed("messages of a topic");
    let Records { records } = serde_json::from_str(payload.get()).map_err(malformed)?;
    for Record { sns } in records {
        let topic = name_of(&sns.topic_arn).to_owned();
        let Some(handler) = lambda.handlers.topics.get(&topic) else {
            return Err(InvocationError::NoHandler(format!(
                "messages of the topic {topic:?}: the service has no `on_topic` of that name"
            )));
        };
        let message = sns.into_message(&topic, invocation);
        let (cause, trace) = (message.cause.clone(), message.trace);
        hand_over(handler, message, cause.clone(), trace, invocation.give_up())
            .await
            .map_err(|failure| InvocationError::NotHandled { what: cause, failure })?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Notification,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: Timestamp,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    value: String,
}

impl Notification {
    fn into_message(self, topic: &str, invocation: &Invocation) -> Message {
        Message {
            cause: format!("topic/{topic}/{}", self.message_id),
            id: self.message_id,
            body: self.message,
            attributes: self
                .message_attributes
                .into_iter()
                .map(|(name, attribute)| (name, attribute.value))
                .collect(),
            subject: self.subject,
            group: None,
            deduplication_id: None,
            receive_count: 1,
            sent_at: self.timestamp,
            trace: invocation.trace(),
        }
    }
}
