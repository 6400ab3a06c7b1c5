use aws_event_sourcing_core::Event;

#[derive(Event)]
pub enum ProductEvent<'a> {
    ProductNamed { name: &'a str },
}

fn main() {}
