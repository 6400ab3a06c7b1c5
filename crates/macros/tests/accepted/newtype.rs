use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize)]
pub struct Address {
    street: String,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum OrderEvent {
    OrderSent(Address),
    OrderPriced(Option<u32>),
}

fn main() {
    assert_eq!(OrderEvent::TYPES, ["OrderSent", "OrderPriced"]);
    assert_eq!(OrderEvent::OrderPriced(None).event_type(), "OrderPriced");
}
