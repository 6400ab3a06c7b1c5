//! [`UnreadableRecord`]: that nobody knows how far a subscription is with one resource, which concerns no other one.

use std::{error::Error, fmt, sync::Arc};

use super::SubscriptionKey;
use crate::ResourceId;

/// The record of a resource cannot be read: somebody has stored something in it that no version of this library writes.
///
/// To go on as if there were none would be to hand events over again, or to miss some out. So the resource's events wait
/// until a person has mended the record, or has removed it as the [remedy](Self::remedy) says. All other resources go on.
#[derive(Debug, Clone)]
pub struct UnreadableRecord {
    /// What the record is of.
    pub key: SubscriptionKey,
    /// The resource.
    pub id: ResourceId,
    remedy: Box<str>,
    source: Arc<dyn Error + Send + Sync>,
}

impl UnreadableRecord {
    /// That this record cannot be read, for a reason. `remedy` is a sentence: how to mend it or to remove it, in the words of
    /// whatever a person has at hand for this store, and what happens when it is removed.
    pub fn new(
        key: SubscriptionKey,
        id: ResourceId,
        remedy: impl Into<Box<str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { key, id, remedy: remedy.into(), source: Arc::from(source.into()) }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for UnreadableRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of {} for {} cannot be read", self.id, self.key)
    }
}

impl Error for UnreadableRecord {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
