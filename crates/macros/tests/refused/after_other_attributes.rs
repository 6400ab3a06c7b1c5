use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all(serialize = "snake_case", deserialize = "snake_case"), bound(serialize = "T: Serialize"))]
#[serde(expecting = "a product's event",)]
pub enum ProductEvent<T> {
    ProductReserved { by: T },
    #[serde(bound(serialize = "T: Serialize"), alias = "held")]
    #[serde()]
    #[serde(rename(serialize = "held", deserialize = "held"), skip_deserializing)]
    ProductHeld,
}

fn main() {}
