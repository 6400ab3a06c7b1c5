use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(untagged)]
pub enum ProductEvent {
    ProductReserved,
}

fn main() {}
