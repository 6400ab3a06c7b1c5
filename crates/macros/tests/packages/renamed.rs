//! A program that calls the library `es`, and serde `serialization`.

use es::Event;
use serialization::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(crate = "serialization")]
enum ProductEvent {
    ProductReserved,
    ProductRestocked { amount: u32 },
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(crate = "serialization")]
enum Audited<T> {
    Happened(T),
}

mod elsewhere {
    pub use serialization as serde;
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(crate = "crate::elsewhere::serde")]
enum Undone<T> {
    Undone(T),
}

/// Without type parameters, the derive has no need of serde's path.
#[derive(PartialEq, Event)]
enum Handwritten {
    Happened,
}

impl Serialize for Handwritten {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_variant("Handwritten", 0, self.event_type())
    }
}

impl<'de> Deserialize<'de> for Handwritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self::Happened)
    }
}

fn main() {
    let restocked = ProductEvent::ProductRestocked { amount: 5 };
    let happened = Audited::Happened(restocked);
    let undone = Undone::Undone(happened);
    assert_eq!(ProductEvent::TYPES, ["ProductReserved", "ProductRestocked"]);
    assert_eq!(Audited::<u8>::TYPES, ["Happened"]);
    println!("{} {}", undone.event_type(), Handwritten::Happened.event_type());
}
