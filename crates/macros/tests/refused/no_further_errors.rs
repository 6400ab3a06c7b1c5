use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductMoved(String, String),
}

fn needs_an_event<E: Event>() {}

fn uses_it_as_an_event() {
    needs_an_event::<ProductEvent>();
}

fn main() {}
