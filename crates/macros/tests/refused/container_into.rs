use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Event)]
#[serde(into = "String")]
pub enum ProductEvent {
    ProductReserved,
}

impl From<ProductEvent> for String {
    fn from(_: ProductEvent) -> Self {
        Self::new()
    }
}

fn main() {}
