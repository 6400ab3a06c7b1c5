use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

use std::marker::PhantomData;

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum Audited<T, const N: usize = 1> {
    Happened { what: T, who: String },
    Undone(T),
    Forgotten,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum Sized<const N: usize> {
    Measured,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum Nested<T> {
    Leaf(T),
    Branch { parts: Vec<Nested<T>> },
}

/// What serde and `PartialEq` do not ask of a parameter, the derive does not ask either.
#[derive(PartialEq, Serialize, Deserialize, Event)]
pub enum Marked<T> {
    Seen(PhantomData<T>),
}

#[derive(PartialEq, Serialize, Deserialize)]
pub struct Amount(u32);

#[derive(PartialEq)]
pub struct NeverStored;

fn types<E: Event>() -> &'static [&'static str] {
    E::TYPES
}

fn main() {
    assert_eq!(types::<Audited<Amount>>(), ["Happened", "Undone", "Forgotten"]);
    assert_eq!(types::<Sized<3>>(), ["Measured"]);
    assert_eq!(types::<Nested<Amount>>(), ["Leaf", "Branch"]);
    assert_eq!(types::<Marked<NeverStored>>(), ["Seen"]);
    assert_eq!(Audited::<_, 2>::Undone(Amount(1)).event_type(), "Undone");
}
