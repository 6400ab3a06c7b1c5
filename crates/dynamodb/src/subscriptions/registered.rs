//! The subscriptions that have run.

use std::sync::Arc;

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{Registration, Start, SubscriptionKey},
};
use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure::AllOld},
};

use super::SubscriptionsTable;
use crate::{
    error::Error,
    item::{Item, Unreadable},
    rows::{self, REGISTERED, REGISTERED_PARTS, Row, attribute, keyed, registered_part, s, set},
};

/// As they are stored.
const BEGINNING: &str = "beginning";
const NOW: &str = "now";

/// Notes that a subscription runs, unless that is noted. What is noted comes back with the refusal.
pub(super) async fn register(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    start: Start,
    now: Timestamp,
) -> Result<Registration, Error> {
    let registration = Registration { key: key.clone(), start, started_at: now };
    let mut pending = table.pending("PutItem", &key.resource_type);
    let request = table
        .dynamodb
        .client()
        .put_item()
        .table_name(&*table.name)
        .set_item(Some(from_registration(&registration)))
        .condition_expression("attribute_not_exists(#id)")
        .expression_attribute_names("#id", attribute::ID)
        .return_values_on_condition_check_failure(AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let error = match request.customize().interceptor(pending.attempts()).send().await {
        Ok(answer) => {
            pending.wrote(answer.consumed_capacity.as_ref(), 1.0);
            return Ok(registration);
        }
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
            pending.wrote(None, 1.0);
            to_registration(failed.item.clone().unwrap_or_default(), &table.name)
        }
        _ => Err(pending.failed(error)),
    }
}

/// All that have run, in the order of their keys.
pub(super) async fn registered(table: &SubscriptionsTable) -> Result<Vec<Registration>, Error> {
    let mut all = Vec::new();
    let mut start = None;
    loop {
        let mut pending = table.pending("Query", &"".into());
        let request = table
            .dynamodb
            .client()
            .query()
            .table_name(&*table.name)
            .consistent_read(true)
            .key_condition_expression("#id = :id AND begins_with(#part, :parts)")
            .expression_attribute_names("#id", attribute::ID)
            .expression_attribute_names("#part", attribute::PART)
            .expression_attribute_values(":id", s(REGISTERED))
            .expression_attribute_values(":parts", s(REGISTERED_PARTS))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| pending.failed(error))?;
        pending.read(answer.consumed_capacity.as_ref(), 1.0);
        for item in answer.items.unwrap_or_default() {
            all.push(to_registration(item, &table.name)?);
        }
        start = answer.last_evaluated_key;
        if start.is_none() {
            all.sort_by(|one, other| one.key.cmp(&other.key));
            return Ok(all);
        }
    }
}

fn from_registration(registration: &Registration) -> Item {
    let Registration { key, start, started_at } = registration;
    let mut item = keyed(REGISTERED, registered_part(&rows::name(key)));
    set(&mut item, attribute::SUBSCRIPTION, &*key.subscription);
    set(&mut item, attribute::TYPE, &*key.resource_type);
    let start = match start {
        Start::Beginning => BEGINNING,
        Start::Now => NOW,
    };
    set(&mut item, attribute::START, start);
    set(&mut item, attribute::STARTED_AT, started_at.to_string());
    item
}

fn to_registration(item: Item, table: &Arc<str>) -> Result<Registration, Error> {
    let mut row = Row::new(item, table);
    let subscription = row.text(attribute::SUBSCRIPTION)?;
    let resource_type = row.text(attribute::TYPE)?;
    let start = match row.text(attribute::START)?.as_deref() {
        Some(BEGINNING) => Start::Beginning,
        Some(NOW) => Start::Now,
        _ => return Err(row.unreadable(Unreadable::new(attribute::START, "it is no known beginning"))),
    };
    let started_at = row.parsed(attribute::STARTED_AT)?;
    Ok(Registration {
        key: SubscriptionKey::new(
            row.required(attribute::SUBSCRIPTION, subscription)?,
            row.required(attribute::TYPE, resource_type)?,
        ),
        start,
        started_at: row.required(attribute::STARTED_AT, started_at)?,
    })
}
