use aws_event_sourcing_core::Event;

#[derive(Event)]
pub enum ProductEvent {}

fn main() {}
