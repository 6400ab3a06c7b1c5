use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "data")]
pub enum ProductEvent {
    ProductReserved,
}

fn main() {}
