//! [`Listed`]: an entry of a list, whether or not the resource can be read.

use aws_event_sourcing_core::{FindError, ResourceId, Unreadable};
use serde::Serialize;
use serde_json::Value;

use crate::Problem;

/// An entry of a list of resources: one as it is shown, or `{"id": …, "unreadable": {"number": …, "type": …}}` in the place
/// of one that cannot be read. For lists of your own, so that one resource does not take all others with it:
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Repository, Resource};
/// # use aws_event_sourcing_http::{JsonArray, Listed, Problem};
/// # #[derive(serde::Serialize)] struct Short { name: String }
/// # trait Named { fn name(&self) -> String; }
/// # async fn list<A: Aggregate + Named>(products: Repository<A>) -> Result<JsonArray, Problem> {
/// use futures_util::StreamExt as _;
///
/// let short = |product: Resource<A>| Short { name: product.name() };
/// JsonArray::begin(products.find_all().map(move |found| Listed::of(found.map(short)))).await
/// # }
/// ```
///
/// The first event that cannot be read is told, by its number and its type, each where it is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Listed<T> {
    /// As it is shown.
    Shown(T),
    /// In its place.
    Unreadable(UnreadableEntry),
}

/// What a list has in the place of a resource that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnreadableEntry {
    id: ResourceId,
    unreadable: UnreadableEvent,
}

/// The first event of a resource that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct UnreadableEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<Box<str>>,
}

impl<T> Listed<T> {
    /// What was found, of [`find_all`](aws_event_sourcing_core::Repository::find_all) or of a
    /// [page](aws_event_sourcing_core::Repository::find_page).
    ///
    /// # Errors
    ///
    /// Every error but that this one resource cannot be read.
    pub fn of(found: Result<T, impl Into<FindError>>) -> Result<Self, Problem> {
        match found.map_err(Into::into) {
            Ok(shown) => Ok(Self::Shown(shown)),
            Err(FindError::Unreadable(unreadable)) => Ok(Self::Unreadable(UnreadableEntry::of(&unreadable))),
            Err(error) => Err(error.into()),
        }
    }
}

impl UnreadableEntry {
    fn of(unreadable: &Unreadable) -> Self {
        Self { id: unreadable.resource.id.clone(), unreadable: UnreadableEvent::of(unreadable) }
    }
}

impl UnreadableEvent {
    pub(crate) fn of(unreadable: &Unreadable) -> Self {
        Self { number: unreadable.number, r#type: unreadable.event_type.clone() }
    }

    pub(crate) fn new(number: u64, event_type: &str) -> Self {
        Self { number: Some(number), r#type: Some(event_type.into()) }
    }

    /// One that the history does not have.
    pub(crate) fn missing(number: u64) -> Self {
        Self { number: Some(number), r#type: None }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a number and a text have a JSON")
    }
}
