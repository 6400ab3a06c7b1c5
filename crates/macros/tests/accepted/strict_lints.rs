//! The derive adds no warning to a crate that tolerates none.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, unused_results, single_use_lifetimes)]
#![deny(elided_lifetimes_in_paths, explicit_outlives_requirements, unsafe_code, non_ascii_idents)]

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

/// What happens to a product.
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent<T> {
    /// Held for somebody.
    #[deprecated = "products are reserved"]
    ProductHeld,
    /// Reserved by somebody.
    ProductReserved(T),
}

/// Once.
#[deprecated]
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum OldEvent {
    /// Long ago.
    Happened,
}

fn main() {
    assert_eq!(ProductEvent::<u8>::TYPES, ["ProductHeld", "ProductReserved"]);
    assert_eq!(ProductEvent::ProductReserved(1).event_type(), "ProductReserved");
}
