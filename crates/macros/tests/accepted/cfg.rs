use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[cfg_attr(all(), serde(rename_all = "snake_case"))]
#[cfg_attr(any(), serde(tag = "type"))]
pub enum ProductEvent {
    ProductReserved,
    #[cfg(any())]
    ProductSold(u8, u8),
    #[cfg(all())]
    ProductSold,
    #[cfg_attr(all(), serde(rename = "moved"))]
    #[cfg_attr(any(), serde(skip))]
    ProductMoved,
}

fn main() {
    assert_eq!(ProductEvent::TYPES, ["product_reserved", "product_sold", "moved"]);
}
