use aws_event_sourcing_core::Event;

#[derive(Event)]
pub union Product {
    amount: u32,
}

fn main() {}
