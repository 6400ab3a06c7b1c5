#![allow(unreachable_patterns)]

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    #[serde(rename = "")]
    ProductReserved,
    ProductMoved(String, String),
    #[serde(alias = "ProductMoved", skip_serializing)]
    ProductHeld(),
}

fn main() {}
