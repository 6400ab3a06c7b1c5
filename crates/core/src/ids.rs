//! Names of things: [`ResourceId`], [`ResourceKey`], [`CommitId`], and the [`IdSource`] that makes new ones.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What tells one resource from all others of its type: a UUID v4, unless the caller brings its own.
///
/// Any text of 1 to [`MAX_ID_BYTES`](crate::limits::MAX_ID_BYTES) bytes of UTF-8. Checked when something is written;
/// a longer or empty id names a resource that has no events. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceId(Arc<str>);

impl ResourceId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that [`create`](crate::Repository::create) gives a resource when it is called with an idempotency key: the UUID
    /// v5 of its type and of the [commit id](CommitId::of_key) that key and scope make, so that whoever repeats the call
    /// comes to the same resource.
    pub(crate) fn from_idempotency_key(resource_type: &str, key: &str) -> Self {
        // The name is "<type>/<key>" in the URL namespace. Part of the stored form: never changes.
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{resource_type}/{key}").as_bytes()).into()
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ResourceId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ResourceId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for ResourceId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<Uuid> for ResourceId {
    fn from(id: Uuid) -> Self {
        Self(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned().into())
    }
}

impl From<&Self> for ResourceId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

/// A resource among all of a store: its type and its id. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    /// The resource type, an aggregate's [`TYPE`](crate::Aggregate::TYPE).
    pub resource_type: Arc<str>,
    /// The resource's id.
    pub id: ResourceId,
}

impl ResourceKey {
    /// The resource of that type with that id.
    pub fn new(resource_type: impl Into<Arc<str>>, id: impl Into<ResourceId>) -> Self {
        Self { resource_type: resource_type.into(), id: id.into() }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resource_type, self.id)
    }
}

/// What tells one commit from all others of its resource: the caller's idempotency key, or a UUID v7.
///
/// A store that is asked to append a commit again recognises it by this id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(Box<str>);

impl CommitId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of a commit that is made with this [idempotency key](crate::Write::idempotency_key), within this
    /// [scope](crate::Write::idempotency_scope) or none.
    ///
    /// Without a scope it is the key. A scope stands in front of it as the UUID v5 of its text, of namespace OID, in
    /// parentheses: who a user is shows in no history. A key without a scope that begins with a parenthesis has an empty
    /// pair in front, so that no key can be taken for one of a scope.
    ///
    /// ```
    /// # use aws_event_sourcing_core::CommitId;
    /// assert_eq!(CommitId::of_key("order-7", None).as_str(), "order-7");
    /// assert_eq!(
    ///     CommitId::of_key("order-7", Some("north")).as_str(),
    ///     "(66285360-b386-5259-a296-a07133def1f6)order-7",
    /// );
    /// ```
    #[must_use]
    pub fn of_key(key: &str, scope: Option<&str>) -> Self {
        // Part of the stored form: never changes.
        match scope {
            // An empty key is none, whosever it is.
            _ if key.is_empty() => key.into(),
            Some(scope) => format!("({}){key}", Uuid::new_v5(&Uuid::NAMESPACE_OID, scope.as_bytes())).into(),
            None if key.starts_with('(') => format!("(){key}").into(),
            None => key.into(),
        }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for CommitId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for CommitId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<Uuid> for CommitId {
    fn from(id: Uuid) -> Self {
        Self((&*id.hyphenated().encode_lower(&mut Uuid::encode_buffer())).into())
    }
}

/// Makes the ids that nobody brought along. Tests give a [`Repository`](crate::Repository) one that they can predict.
pub trait IdSource: Send + Sync + 'static {
    /// The id of a new resource. Never the same twice.
    fn resource_id(&self) -> ResourceId;

    /// The id of a new commit. Never the same twice.
    fn commit_id(&self) -> CommitId;
}

/// UUID v4 for resources; UUID v7, which sorts by time, for commits.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn resource_id(&self) -> ResourceId {
        Uuid::new_v4().into()
    }

    fn commit_id(&self) -> CommitId {
        Uuid::now_v7().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_made_from_an_idempotency_key_is_part_of_the_stored_form() {
        let id = ResourceId::from_idempotency_key("product", "order-1");
        assert_eq!(id.as_str(), "c456382a-a1ea-56bb-bb97-8d3d08de8e7a");
        assert_ne!(id, ResourceId::from_idempotency_key("order", "order-1"));
    }
}
