use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    #[serde(rename = "reserved")]
    ProductReserved,
    #[serde(rename(serialize = "sold", deserialize = "sold"))]
    ProductSold,
    // Both took the other's name.
    #[serde(rename = "ProductLost")]
    ProductFound,
    #[serde(rename = "ProductFound")]
    ProductLost,
}

fn main() {
    assert_eq!(ProductEvent::TYPES, ["reserved", "sold", "ProductLost", "ProductFound"]);
}
