//! Messages of queues and topics, schedules and events of EventBridge, on AWS Lambda. On a laptop nothing calls these handlers,
//! and the log says so:
//!
//! ```sh
//! cargo run -p aws-event-sourcing-service --example messages
//! ```

use std::convert::Infallible;

use aws_event_sourcing_core::{Aggregate, Event, Repository, subscription::Failure};
use aws_event_sourcing_service::{BusEvent, Error, Message, Service};
use serde::{Deserialize, Serialize};

use OrderEvent::{OrderPaid, OrderPlaced};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum OrderEvent {
    OrderPlaced { product: String },
    OrderPaid,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Order {
    product: String,
    is_paid: bool,
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Event = OrderEvent;
    type Error = Infallible;

    fn validate(&self, _: &OrderEvent) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderPlaced { product } => self.product.clone_from(product),
            OrderPaid => self.is_paid = true,
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    product: String,
}

/// However often the message comes, it makes one order.
async fn place(orders: Repository<Order>, message: Message) -> Result<(), Failure> {
    let Wanted { product } = message.decode()?;
    let order = orders.create(OrderPlaced { product }).await?;
    tracing::info!(order = %order.id(), cause = message.cause(), "placed");
    Ok(())
}

#[derive(Deserialize)]
struct Payment {
    order: String,
}

/// However often the event comes, the order is paid once.
async fn pay(orders: Repository<Order>, event: BusEvent) -> Result<(), Failure> {
    let Payment { order } = event.detail.decode()?;
    orders.commit(order, OrderPaid).await?;
    Ok(())
}

/// Nothing is committed here: an alert that comes twice is logged twice.
async fn alert(message: Message) -> Result<(), Failure> {
    tracing::warn!(subject = message.subject, "{}", message.body);
    Ok(())
}

async fn count(orders: Repository<Order>, night: BusEvent) -> Result<(), Failure> {
    let page = orders.list(1_000, None).await?;
    tracing::info!(orders = page.ids.len(), "the night of {}", night.at);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let service = Service::from_env("messages").await?;
    let placed = service.repository::<Order>();
    let (paid, counted) = (placed.clone(), placed.clone());
    service
        .on_queue("orders.fifo", move |message| place(placed.clone(), message))
        .on_event("payment.received", move |event| pay(paid.clone(), event))
        .on_schedule("nightly", move |night| count(counted.clone(), night))
        .on_topic("alerts", alert)
        .run()
        .await
}
