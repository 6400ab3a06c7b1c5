//! A record of a shard, as the service of streams has it.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{AttributeValue as Streamed, OperationType, Record, StreamRecord};

use crate::{
    change::{Change, Place},
    error::Error,
    item::Item,
};

/// What a record of a shard tells.
pub(super) fn read(
    record: Record,
    resource_type: &Arc<str>,
    table: &Arc<str>,
    shard: &Arc<str>,
) -> Result<Change, Error> {
    let Record { event_id, event_name, dynamodb, .. } = record;
    let Some(StreamRecord { keys, new_image, sequence_number, .. }) = dynamodb else {
        let place = Place { table, within: shard, record: &event_id.unwrap_or_default() };
        return Err(place.unreadable("it tells nothing of an item"));
    };
    let place = Place { table, within: shard, record: &sequence_number.unwrap_or_default() };
    let known =
        |item| to_item(item).ok_or_else(|| place.unreadable("it has an attribute of an unknown type"));
    let (keys, image) = (known(keys.unwrap_or_default())?, new_image.map(known).transpose()?);
    let name = event_name.as_ref().map_or("", OperationType::as_str);
    Change::read(name, &keys, image, resource_type, place)
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
