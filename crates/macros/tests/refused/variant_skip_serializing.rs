use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductReserved,
    #[serde(skip_serializing)]
    ProductHeld,
}

fn main() {}
