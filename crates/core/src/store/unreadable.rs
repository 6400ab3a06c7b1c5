//! [`Unreadable`]: that a resource cannot be read, which concerns no other one.

use std::{error::Error, fmt};

use super::{StoreError, StoreErrorKind};
use crate::ResourceKey;

/// A resource that cannot be read to its end: an event is of a type that the code does not know or does not fit its fields,
/// a number is missing, or something is stored that no version of this library writes.
///
/// What comes before that event is fine, and so are all other resources. A newer version of the program may know the type,
/// as while one takes another one's place; otherwise a developer's task. HTTP 500.
#[derive(Debug)]
pub struct Unreadable {
    /// The resource.
    pub resource: ResourceKey,
    /// The first event that cannot be read. None where what is stored has no number that an event can have.
    pub number: Option<u64>,
    /// That event's type, where it is known.
    pub event_type: Option<Box<str>>,
    source: Box<dyn Error + Send + Sync>,
}

impl Unreadable {
    /// That this event of a resource cannot be read, for a reason.
    pub fn new(
        resource: ResourceKey,
        number: Option<u64>,
        event_type: Option<&str>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { resource, number, event_type: event_type.map(Into::into), source: source.into() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "event {number} of {}", self.resource)?,
            None => write!(f, "what is stored of {}", self.resource)?,
        }
        if let Some(event_type) = &self.event_type {
            write!(f, ", of type {event_type:?},")?;
        }
        f.write_str(" cannot be read")
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<Unreadable> for StoreError {
    fn from(unreadable: Unreadable) -> Self {
        Self::new(StoreErrorKind::Undecodable, unreadable)
    }
}

impl StoreError {
    /// The resource that this is about, when nothing else is wrong but that this one cannot be read. A
    /// [stream of commits](super::CommitStream) goes on behind such an error.
    #[must_use]
    pub fn unreadable(&self) -> Option<&Unreadable> {
        self.source.downcast_ref()
    }

    /// The same, taken out of the error.
    pub(crate) fn into_unreadable(self) -> Result<Unreadable, Self> {
        let Self { kind, source } = self;
        source.downcast().map(|unreadable| *unreadable).map_err(|source| Self { kind, source })
    }
}
