//! A stream's record as a commit.

use std::{collections::HashMap, sync::Arc};

use aws_event_sourcing_core::Commit;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{AttributeValue as Streamed, OperationType, Record, StreamRecord};

use crate::{
    error::Error,
    item::{self, Item, attribute},
};

/// What a record tells.
pub(super) enum Told {
    /// A commit was made.
    Commit(Commit),
    /// Somebody has changed an item, or deleted one.
    Breach { what: OperationType, id: String, number: String },
}

/// What a record of a shard tells.
pub(super) fn read(
    record: Record,
    resource_type: &Arc<str>,
    table: &Arc<str>,
    shard: &Arc<str>,
) -> Result<Told, Error> {
    let Record { event_id, event_name, dynamodb, .. } = record;
    let Some(StreamRecord { keys, new_image, sequence_number, .. }) = dynamodb else {
        let record = event_id.unwrap_or_default();
        return Err(unreadable(table, shard, record, "it tells nothing of an item"));
    };
    match (event_name, new_image) {
        (Some(OperationType::Insert), Some(image)) => {
            let item = to_item(image).ok_or_else(|| {
                unreadable(
                    table,
                    shard,
                    sequence_number.unwrap_or_default(),
                    "it has an attribute of an unknown type",
                )
            })?;
            Ok(Told::Commit(item::to_commit(item, resource_type, table)?))
        }
        (Some(what @ (OperationType::Modify | OperationType::Remove)), _) => {
            let keys = keys.unwrap_or_default();
            let shown = |name| match keys.get(name) {
                Some(Streamed::S(text) | Streamed::N(text)) => text.clone(),
                _ => "?".to_owned(),
            };
            Ok(Told::Breach { what, id: shown(attribute::ID), number: shown(attribute::NUMBER) })
        }
        (Some(OperationType::Insert), None) => {
            Err(unreadable(table, shard, sequence_number.unwrap_or_default(), "it has no image of the item"))
        }
        _ => Err(unreadable(table, shard, sequence_number.unwrap_or_default(), "it is of an unknown sort")),
    }
}

fn unreadable(table: &Arc<str>, shard: &Arc<str>, record: String, what: &'static str) -> Error {
    Error::UnreadableRecord { table: Arc::clone(table), shard: Arc::clone(shard), record, what }
}

/// An item as the other service writes it. None when it has an attribute of a type that is not known here.
fn to_item(image: HashMap<String, Streamed>) -> Option<Item> {
    image.into_iter().map(|(name, value)| Some((name, to_value(value)?))).collect()
}

fn to_value(value: Streamed) -> Option<AttributeValue> {
    Some(match value {
        Streamed::S(text) => AttributeValue::S(text),
        Streamed::N(number) => AttributeValue::N(number),
        Streamed::M(entries) => AttributeValue::M(to_item(entries)?),
        Streamed::L(elements) => {
            AttributeValue::L(elements.into_iter().map(to_value).collect::<Option<_>>()?)
        }
        Streamed::Bool(bool) => AttributeValue::Bool(bool),
        Streamed::Null(null) => AttributeValue::Null(null),
        Streamed::Ss(texts) => AttributeValue::Ss(texts),
        Streamed::Ns(numbers) => AttributeValue::Ns(numbers),
        Streamed::B(bytes) => AttributeValue::B(bytes),
        Streamed::Bs(bytes) => AttributeValue::Bs(bytes),
        _ => return None,
    })
}
