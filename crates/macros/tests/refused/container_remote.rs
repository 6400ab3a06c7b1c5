use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

pub enum ForeignEvent {
    ProductReserved,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(remote = "ForeignEvent")]
pub enum ProductEvent {
    ProductReserved,
}

fn main() {}
