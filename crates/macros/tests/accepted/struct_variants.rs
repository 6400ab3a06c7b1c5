use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductMoved { from: String, to: String },
    ProductSold {},
}

fn main() {
    assert_eq!(ProductEvent::TYPES, ["ProductMoved", "ProductSold"]);
    assert_eq!(ProductEvent::ProductSold {}.event_type(), "ProductSold");
}
