//! What was skipped of a resource.

use aws_event_sourcing_core::{
    ResourceId, limits,
    subscription::{Skipped, SubscriptionKey},
};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::{SubscriptionsTable, record};
use crate::{
    error::Error,
    rows::{self, attribute, s, skipped_part},
};

/// What was skipped, in the order of the numbers.
pub(super) async fn skipped(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    id: &ResourceId,
) -> Result<Vec<Skipped>, Error> {
    if limits::check_resource_id(id).is_err() {
        return Ok(Vec::new());
    }
    let name = rows::name(key);
    let mut all = Vec::new();
    let mut start = None;
    loop {
        let mut pending = table.pending("Query", &key.resource_type);
        let request = table
            .dynamodb
            .client()
            .query()
            .table_name(&*table.name)
            .consistent_read(true)
            .key_condition_expression("#id = :id AND #part BETWEEN :first AND :last")
            .expression_attribute_names("#id", attribute::ID)
            .expression_attribute_names("#part", attribute::PART)
            .expression_attribute_values(":id", s(id))
            .expression_attribute_values(":first", s(&skipped_part(&name, 0)))
            .expression_attribute_values(":last", s(&skipped_part(&name, u64::MAX)))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| pending.failed(error))?;
        pending.read(answer.consumed_capacity.as_ref(), 1.0);
        for item in answer.items.unwrap_or_default() {
            let part = item.get(attribute::PART).and_then(|part| part.as_s().ok().cloned());
            let skipped = record::to_skipped(item, &table.name)?;
            // The name of another type may go on where this one ends.
            if part.is_some_and(|part| part == skipped_part(&name, skipped.number)) {
                all.push(skipped);
            }
        }
        start = answer.last_evaluated_key;
        if start.is_none() {
            return Ok(all);
        }
    }
}
