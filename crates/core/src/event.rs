//! [`Event`]: what a user's event enum is to the library. Derived, never written by hand.

use serde::{Serialize, de::DeserializeOwned};

/// A fact about a resource, in the past tense, as a variant of the user's enum.
///
/// Derive it, together with serde's traits and `PartialEq`, by which a repeated event is known again. Each variant is one event type; its stored name is the variant's name,
/// or what serde's `rename` and `rename_all` make of it. An `alias` keeps an older stored name readable.
///
/// ```
/// use aws_event_sourcing_core::Event;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// enum ProductEvent {
///     ProductReserved,
///     #[serde(alias = "ProductRefilled")]
///     ProductRestocked { amount: u32 },
/// }
///
/// assert_eq!(ProductEvent::TYPES, ["ProductReserved", "ProductRestocked"]);
/// assert_eq!(ProductEvent::ProductRestocked { amount: 5 }.event_type(), "ProductRestocked");
/// ```
///
/// The derive refuses what could not be stored or read back: a struct, a tuple variant with more than one field, two
/// variants with one stored name, and the serde attributes that change how the enum itself is represented.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "this type is stored as events",
    note = "make it an enum with one variant for each thing that can happen, and put \
            `#[derive(PartialEq, Serialize, Deserialize, Event)]` on it"
)]
pub trait Event: PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stored names of all variants, in the order of their declaration.
    const TYPES: &'static [&'static str];

    /// The stored name of this event's variant.
    fn event_type(&self) -> &'static str;
}
