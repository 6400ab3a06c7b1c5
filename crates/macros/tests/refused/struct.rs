use aws_event_sourcing_core::Event;

#[derive(Event)]
pub struct Product {
    amount: u32,
}

fn main() {}
