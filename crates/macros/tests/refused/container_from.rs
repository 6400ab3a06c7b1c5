use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(from = "String")]
pub enum ProductEvent {
    ProductReserved,
}

impl From<String> for ProductEvent {
    fn from(_: String) -> Self {
        Self::ProductReserved
    }
}

fn main() {}
