use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

use serde::de::DeserializeOwned;

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum Audited<T>
where
    T: Clone,
{
    Happened(T),
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(bound = "")]
pub enum Bounded<T: Serialize + DeserializeOwned + Send + Sync + 'static>
where
    Vec<T>: Clone,
{
    Happened(T),
}

fn types<E: Event>() -> &'static [&'static str] {
    E::TYPES
}

fn main() {
    assert_eq!(types::<Audited<u8>>(), ["Happened"]);
    assert_eq!(types::<Bounded<String>>(), ["Happened"]);
}
