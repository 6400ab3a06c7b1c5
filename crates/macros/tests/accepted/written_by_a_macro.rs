use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($name:ident, $rule:literal, { $($variant:ident $stored:literal ($content:ty),)* }) => {
        #[derive(PartialEq, Serialize, Deserialize, Event)]
        #[serde(rename_all = $rule)]
        pub enum $name {
            Made,
            $(#[serde(rename = $stored)] $variant($content),)*
        }
    };
}

events!(ProductEvent, "kebab-case", { Sold "sold" (u32), Moved "went" (String), });

fn main() {
    assert_eq!(ProductEvent::TYPES, ["made", "sold", "went"]);
}
