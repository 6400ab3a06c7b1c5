//! [`Message`]: what a handler gets of an SQS queue or an SNS topic.

use std::collections::BTreeMap;

use aws_event_sourcing_core::{Clock as _, SystemClock, Timestamp, TraceParent};
use serde::de::DeserializeOwned;

/// A message of an SQS queue or an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// SQS's or [SNS's](https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html) id of it: the same however often
    /// the message comes. One that is sent twice, or that
    /// [comes back from a dead-letter queue](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html),
    /// is a new message with a new id.
    pub id: String,
    /// What the sender has written.
    pub body: String,
    /// What the sender has attached, by name. Binary values are base64.
    pub attributes: BTreeMap<String, String>,
    /// The subject of a topic's message, when it has one.
    pub subject: Option<String>,
    /// The group of a FIFO queue's message. The messages of a group are handled in order, one at a time. A message of
    /// another queue may have one too, which says nothing about order.
    pub group: Option<String>,
    /// By which a FIFO queue recognises a message that is sent twice.
    pub deduplication_id: Option<String>,
    /// How often a queue has handed it out, this time included: 1 for the first. Always 1 for a topic's, which does not say.
    pub receive_count: u32,
    /// When the sender sent it.
    pub sent_at: Timestamp,
    /// The trace that the sender sent it in, or else the one that it is handled in. What a handler commits is part of it.
    pub trace: TraceParent,
    pub(super) cause: String,
}

impl Message {
    /// A message for a test of a handler: sent now, for the first time, with no more than this.
    pub fn new(id: impl Into<String>, body: impl Into<String>) -> Self {
        let (id, now) = (id.into(), SystemClock.now());
        Self {
            cause: format!("test/{id}"),
            id,
            body: body.into(),
            attributes: BTreeMap::new(),
            subject: None,
            group: None,
            deduplication_id: None,
            receive_count: 1,
            sent_at: now,
            trace: TraceParent::new_root(now),
        }
    }

    /// The body, which is JSON, as a Rust type.
    ///
    /// # Errors
    ///
    /// When the body is no JSON, or not of that type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.body)
    }

    /// What the handler's commits record as their [cause](aws_event_sourcing_core::subscription::Cause): `queue/orders/` or
    /// `topic/alerts/` and the id. The same whenever this message is handled: use it as the idempotency key of calls to other
    /// systems.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
