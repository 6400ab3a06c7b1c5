//! The derive macro of aws-event-sourcing.
//!
//! Depend on `aws-event-sourcing` instead, or on `aws-event-sourcing-core`: both export [`macro@Event`] beside the
//! trait of that name, and what the macro writes refers to one of them.

mod dependency;
mod derive;
mod names;
mod refusals;
mod rename;
mod serde_attrs;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes an enum the events of a resource: one variant for each thing that can happen.
///
/// ```
/// use aws_event_sourcing_core::Event;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(PartialEq, Serialize, Deserialize, Event)]
/// enum ProductEvent {
///     ProductReserved,
///     ProductRestocked { amount: u32 },
/// }
///
/// assert_eq!(ProductEvent::TYPES, ["ProductReserved", "ProductRestocked"]);
/// assert_eq!(ProductEvent::ProductRestocked { amount: 5 }.event_type(), "ProductRestocked");
/// ```
///
/// # Stored names
///
/// An event is written and read by the enum's own `Serialize` and `Deserialize`, so the name that is stored with it is
/// the one that serde gives to its variant. serde's attributes change it, which matters as soon as events are stored:
///
/// ```
/// # use aws_event_sourcing_core::Event;
/// # use serde::{Deserialize, Serialize};
/// #[derive(PartialEq, Serialize, Deserialize, Event)]
/// #[serde(rename_all = "kebab-case")]
/// enum DeployEvent {
///     DeployStarted,
///     // What was stored as "deploy-cancelled" is still read.
///     #[serde(alias = "deploy-cancelled")]
///     DeployAborted { reason: String },
///     #[serde(rename = "deploy-done")]
///     DeployFinished,
/// }
///
/// assert_eq!(DeployEvent::TYPES, ["deploy-started", "deploy-aborted", "deploy-done"]);
/// ```
///
/// The macro reads the attributes of serde's derives. It cannot look into a hand-written `Serialize`, which has to
/// write each variant under its Rust name.
///
/// # What is refused
///
/// Whatever could not be stored, or not be read back, does not compile, and the message says what to do:
///
/// - a struct, a union, an enum without variants, a lifetime parameter;
/// - a variant with several unnamed fields, or with empty parentheses;
/// - a stored name that is empty, that belongs to two variants, or that its variant is not read from;
/// - on the enum, serde's `tag`, `content`, `untagged`, `from`, `try_from`, `into`, `remote` and `transparent`;
/// - on a variant, serde's `untagged`, `skip`, `skip_serializing`, `skip_deserializing` and `other`.
///
/// ```compile_fail
/// # use aws_event_sourcing_core::Event;
/// # use serde::{Deserialize, Serialize};
/// #[derive(PartialEq, Serialize, Deserialize, Event)]
/// enum ProductEvent {
///     ProductMoved(String, String), // from where to where? Name them: `ProductMoved { from: String, to: String }`
/// }
/// ```
///
/// # Generics
///
/// A generic enum is an event wherever serde can write and read it, and it is `Send`, `Sync` and `'static`. `serde` is
/// then named as serde's own derives name it: as the dependency `serde`, or by `#[serde(crate = "...")]`.
#[proc_macro_derive(Event)]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive::expand(&input).into()
}
