use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    #[serde(alias = "ProductTaken", alias = "ProductHeld")]
    ProductReserved,
    // An alias that says nothing new does no harm.
    #[serde(rename = "sold", alias = "ProductSold", alias = "sold")]
    ProductSold,
}

fn main() {
    assert_eq!(ProductEvent::TYPES, ["ProductReserved", "sold"]);
}
