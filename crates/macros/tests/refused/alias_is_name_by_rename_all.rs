#![allow(unreachable_patterns)]

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "snake_case")]
pub enum ProductEvent {
    #[serde(alias = "product_reserved")]
    ProductHeld,
    ProductReserved,
}

fn main() {}
