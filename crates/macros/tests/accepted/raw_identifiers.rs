use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[allow(non_camel_case_types)]
#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum r#enum {
    r#type,
    r#Plain,
    r#match { r#fn: u8 },
}

fn main() {
    assert_eq!(r#enum::TYPES, ["type", "Plain", "match"]);
    assert_eq!(r#enum::r#type.event_type(), "type");
}
