//! Messages of queues and topics, schedules and events of EventBridge, on AWS Lambda. On a laptop nothing calls these handlers,
//! and the log says so:
//!
//! ```sh
//! cargo run -p aws-event-sourcing-service --example messages
//! ```

use aws_event_sourcing_core::subscription::Failure;
use aws_event_sourcing_service::{BusEvent, Error, Message, Service};

/// Handles what does not say that it is bad.
async fn handle(message: Message) -> Result<(), Failure> {
    if message.body.starts_with("bad") {
        return Err(Failure::retry("it says so itself"));
    }
    tracing::info!(cause = message.cause(), body = message.body, "a message");
    Ok(())
}

async fn note(event: BusEvent) -> Result<(), Failure> {
    tracing::info!(cause = event.cause(), detail = event.detail.as_str(), "an event");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    Service::from_env("messages")
        .await?
        .on_queue("orders", handle)
        .on_queue("orders.fifo", handle)
        .on_topic("alerts", handle)
        .on_schedule("nightly", note)
        .on_event("order.placed", note)
        .run()
        .await
}
