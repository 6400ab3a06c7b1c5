use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductReserved,
    #[serde(skip)]
    ProductHeld,
}

fn main() {}
