use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all(deserialize = "snake_case"))]
pub enum ProductEvent {
    ProductReserved,
}

fn main() {}
