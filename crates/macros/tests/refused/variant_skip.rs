use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductReserved,
    #[serde(skip)]
    ProductHeld,
}

fn main() {}
