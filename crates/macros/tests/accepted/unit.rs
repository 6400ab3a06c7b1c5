use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductReserved,
    ProductSold,
}

fn main() {
    assert_eq!(ProductEvent::TYPES, ["ProductReserved", "ProductSold"]);
    assert_eq!(ProductEvent::ProductSold.event_type(), "ProductSold");
}
