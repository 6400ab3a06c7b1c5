//! A program that has the derive, but not the library that it is of.

use aws_event_sourcing_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
enum ProductEvent {
    ProductReserved,
}

fn main() {}
