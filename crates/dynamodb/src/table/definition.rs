//! What the tables have: their keys, their indexes and their streams. [`Kind`] tells them apart.
//!
//! A table of events:
//!
//! | | | why |
//! |---|---|---|
//! | key | `id` S, `number` N | one item for each commit, a resource's in order |
//! | index `listing` | `shard` S, `at` S, keys only | resources by creation time; sparse: first commits only |
//! | local index `together` | `id` S, `never` S, keys only | always empty. A table with a local index keeps all items of one `id` in one partition, and so in one shard of the stream, in order |
//! | stream | new image | subscriptions |
//! | billing | on demand | nothing to plan, nothing to pay when idle |
//!
//! A table of subscriptions:
//!
//! | | | why |
//! |---|---|---|
//! | key | `id` S, `part` S | one item for each subscription and resource; all of one resource lie together |
//! | index `parked` | `parked` S, `next_attempt_at` S, all attributes | what waits to be tried again, by time; sparse: parked resources only |
//! | billing | on demand | as above |

use std::fmt;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use serde::Serialize;

use crate::{item::attribute, rows::attribute as row};

/// The index that lists resources by creation time.
pub(crate) const LISTING: &str = "listing";

/// The local index that is always empty.
pub(crate) const TOGETHER: &str = "together";

/// The index that lists what is parked, by the time of the next attempt.
pub(crate) const PARKED: &str = "parked";

/// The attribute that no item has.
const NEVER: &str = "never";

/// The tag by which people know what a table is.
pub(super) const TAG: &str = "aws-event-sourcing";

/// What a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The events of a resource type.
    Events,
    /// How far subscriptions are: one table for all of a system.
    Subscriptions,
}

/// As the tag of a table has it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Events => "events",
            Self::Subscriptions => "subscriptions",
        })
    }
}

/// An attribute of a key: its name and type.
pub(crate) type KeyAttribute = (&'static str, ScalarAttributeType);

/// Partition key and sort key.
pub(crate) type Key = [KeyAttribute; 2];

/// A global index.
pub(super) struct GlobalIndex {
    pub(super) name: &'static str,
    pub(super) key: Key,
    pub(super) projection: ProjectionType,
}

pub(super) const LISTING_INDEX: GlobalIndex = GlobalIndex {
    name: LISTING,
    key: [(attribute::SHARD, ScalarAttributeType::S), (attribute::AT, ScalarAttributeType::S)],
    projection: ProjectionType::KeysOnly,
};

pub(super) const PARKED_INDEX: GlobalIndex = GlobalIndex {
    name: PARKED,
    key: [(row::PARKED, ScalarAttributeType::S), (row::NEXT_ATTEMPT_AT, ScalarAttributeType::S)],
    projection: ProjectionType::All,
};

pub(super) const TOGETHER_KEY: Key =
    [(attribute::ID, ScalarAttributeType::S), (NEVER, ScalarAttributeType::S)];

impl Kind {
    /// What follows the name of a table in a command about it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Events => "",
            Self::Subscriptions => " --subscriptions",
        }
    }

    /// The kind of table that has a sort key of that name.
    pub(super) fn by_sort_key(name: &str) -> Self {
        if name == row::PART { Self::Subscriptions } else { Self::Events }
    }

    pub(super) fn key(self) -> Key {
        match self {
            Self::Events => {
                [(attribute::ID, ScalarAttributeType::S), (attribute::NUMBER, ScalarAttributeType::N)]
            }
            Self::Subscriptions => [(row::ID, ScalarAttributeType::S), (row::PART, ScalarAttributeType::S)],
        }
    }

    pub(super) fn global_index(self) -> GlobalIndex {
        match self {
            Self::Events => LISTING_INDEX,
            Self::Subscriptions => PARKED_INDEX,
        }
    }

    /// What a type of attribute needs to be said of it, for all keys.
    pub(super) fn attributes(self) -> Vec<AttributeDefinition> {
        let mut keys: Vec<KeyAttribute> = self.key().into_iter().chain(self.global_index().key).collect();
        if self == Self::Events {
            let [_, never] = TOGETHER_KEY;
            keys.push(never);
        }
        let definition = |(name, kind): KeyAttribute| {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
            definition.build().expect("name and type are set")
        };
        keys.into_iter().map(definition).collect()
    }

    /// Its local index, if it has one.
    pub(super) fn local_index(self) -> Option<LocalSecondaryIndex> {
        (self == Self::Events).then(|| {
            let index = LocalSecondaryIndex::builder().index_name(TOGETHER);
            let index = index.projection(projection(ProjectionType::KeysOnly));
            index.set_key_schema(Some(key_schema(TOGETHER_KEY))).build().expect("name and key are set")
        })
    }

    /// Its stream, if it has one.
    pub(super) fn stream(self) -> Option<StreamSpecification> {
        (self == Self::Events).then(|| {
            let stream = StreamSpecification::builder().stream_enabled(true);
            let stream = stream.stream_view_type(StreamViewType::NewImage);
            stream.build().expect("whether it is enabled is set")
        })
    }
}

impl From<GlobalIndex> for GlobalSecondaryIndex {
    fn from(index: GlobalIndex) -> Self {
        let GlobalIndex { name, key, projection: kind } = index;
        let index = Self::builder().index_name(name).projection(projection(kind));
        index.set_key_schema(Some(key_schema(key))).build().expect("name and key are set")
    }
}

pub(super) fn key_schema(key: Key) -> Vec<KeySchemaElement> {
    let element = |((name, _), kind): (KeyAttribute, KeyType)| {
        let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        element.build().expect("name and type are set")
    };
    key.into_iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect()
}

fn projection(kind: ProjectionType) -> Projection {
    Projection::builder().projection_type(kind).build()
}
