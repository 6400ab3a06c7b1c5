//! What a table of events has: its keys, its indexes and its stream.
//!
//! | | | why |
//! |---|---|---|
//! | key | `id` S, `number` N | one item for each commit, a resource's in order |
//! | index `listing` | `shard` S, `at` S, keys only | resources by creation time; sparse: first commits only |
//! | local index `together` | `id` S, `never` S, keys only | always empty. A table with a local index keeps all items of one `id` in one partition, and so in one shard of the stream, in order |
//! | stream | new image | subscriptions |
//! | billing | on demand | nothing to plan, nothing to pay when idle |

use aws_sdk_dynamodb::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};

use crate::item::attribute;

/// The index that lists resources by creation time.
pub(crate) const LISTING: &str = "listing";

/// The local index that is always empty.
pub(crate) const TOGETHER: &str = "together";

/// The attribute that no item has.
const NEVER: &str = "never";

/// An attribute of a key: its name and type.
pub(crate) type KeyAttribute = (&'static str, ScalarAttributeType);

/// Partition key and sort key.
pub(crate) type Key = [KeyAttribute; 2];

pub(crate) const TABLE_KEY: Key =
    [(attribute::ID, ScalarAttributeType::S), (attribute::NUMBER, ScalarAttributeType::N)];
pub(crate) const LISTING_KEY: Key =
    [(attribute::SHARD, ScalarAttributeType::S), (attribute::AT, ScalarAttributeType::S)];
pub(crate) const TOGETHER_KEY: Key =
    [(attribute::ID, ScalarAttributeType::S), (NEVER, ScalarAttributeType::S)];

/// What a type of attribute needs to be said of it, for all keys.
pub(crate) fn attributes() -> Vec<AttributeDefinition> {
    let [id, number] = TABLE_KEY;
    let [shard, at] = LISTING_KEY;
    let [_, never] = TOGETHER_KEY;
    let definition = |(name, kind): KeyAttribute| {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
        definition.build().expect("name and type are set")
    };
    [id, number, shard, at, never].map(definition).into()
}

pub(crate) fn key_schema(key: Key) -> Vec<KeySchemaElement> {
    let element = |((name, _), kind): (KeyAttribute, KeyType)| {
        let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        element.build().expect("name and type are set")
    };
    key.into_iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect()
}

pub(crate) fn listing() -> GlobalSecondaryIndex {
    let index = GlobalSecondaryIndex::builder().index_name(LISTING).projection(keys_only());
    index.set_key_schema(Some(key_schema(LISTING_KEY))).build().expect("name and key are set")
}

pub(crate) fn together() -> LocalSecondaryIndex {
    let index = LocalSecondaryIndex::builder().index_name(TOGETHER).projection(keys_only());
    index.set_key_schema(Some(key_schema(TOGETHER_KEY))).build().expect("name and key are set")
}

fn keys_only() -> Projection {
    Projection::builder().projection_type(ProjectionType::KeysOnly).build()
}

pub(crate) fn stream() -> StreamSpecification {
    let stream = StreamSpecification::builder().stream_enabled(true);
    stream.stream_view_type(StreamViewType::NewImage).build().expect("whether it is enabled is set")
}
