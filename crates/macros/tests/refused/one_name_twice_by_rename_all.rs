#![allow(unreachable_patterns)]

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "lowercase")]
pub enum ProductEvent {
    BackOrdered,
    Backordered,
}

fn main() {}
