#![allow(unreachable_patterns)]

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    #[serde(rename(serialize = "held", deserialize = "reserved"), alias = "held")]
    ProductHeld,
    #[serde(rename = "reserved")]
    ProductReserved,
}

fn main() {}
