use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all(serialize = "snake_case", deserialize = "kebab-case"))]
pub enum ProductEvent {
    ProductReserved,
    ProductRestocked { amount: u32 },
}

fn main() {}
