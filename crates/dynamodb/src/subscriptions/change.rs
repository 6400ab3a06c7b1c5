//! Changing records: one conditional write for each. What is skipped is written with the record, in a transaction.

use aws_event_sourcing_core::{
    ResourceId, limits,
    subscription::{Progress, Skipped, SubscriptionKey, Swap},
};
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata as _,
    operation::{
        put_item::PutItemError, transact_write_items::TransactWriteItemsError, update_item::UpdateItemError,
    },
    types::{Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::{
    SubscriptionsTable,
    patience::Patience,
    record::{self, write_units},
};
use crate::{
    error::Error,
    item::Item,
    rows::{self, attribute, keyed, n},
    transaction,
};

/// Writes that are under way at a time.
const SIDE_BY_SIDE: usize = 16;

/// Notes what is handled, of each resource by itself.
pub(super) async fn advance(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    handled: &[(ResourceId, u64)],
) -> Result<(), Error> {
    let name = rows::name(key);
    let writes = handled.iter().map(|(id, number)| advance_one(table, key, &name, id, *number));
    let writes: Vec<_> = writes.collect();
    stream::iter(writes).buffer_unordered(SIDE_BY_SIDE).try_collect().await
}

async fn advance_one(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    name: &str,
    id: &ResourceId,
    number: u64,
) -> Result<(), Error> {
    limits::check_resource_id(id)?;
    let mut patience = Patience::new(table.dynamodb.deadline());
    loop {
        let mut pending = table.pending("UpdateItem", &key.resource_type);
        let request = table
            .dynamodb
            .client()
            .update_item()
            .table_name(&*table.name)
            .set_key(Some(keyed(id.as_str(), name)))
            .update_expression("SET #handled = :number ADD #revision :one")
            .condition_expression(
                "attribute_not_exists(#parked) AND (attribute_not_exists(#handled) OR #handled < :number)",
            )
            .expression_attribute_names("#handled", attribute::HANDLED)
            .expression_attribute_names("#revision", attribute::REVISION)
            .expression_attribute_names("#parked", attribute::PARKED)
            .expression_attribute_values(":number", n(number))
            .expression_attribute_values(":one", n(1_u64))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.as_ref(), 1.0);
                return Ok(());
            }
            Err(error) => error,
        };
        // It is further, by somebody else or by an attempt whose answer was lost, or it is parked.
        if let Some(UpdateItemError::ConditionalCheckFailedException(_)) = error.as_service_error() {
            pending.wrote(None, 1.0);
            return Ok(());
        }
        let meets_another = error.code() == Some("TransactionConflictException");
        let error = pending.failed(error);
        if !meets_another {
            return Err(error);
        }
        patience.wait(error).await?;
    }
}

/// Replaces a record if it still has that revision.
pub(super) async fn swap(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    id: &ResourceId,
    seen: u64,
    next: &Progress,
    skipped: Option<&Skipped>,
) -> Result<Swap, Error> {
    limits::check_resource_id(id)?;
    let name = rows::name(key);
    // By this the record tells who wrote it.
    let write = Uuid::new_v4().simple().to_string();
    let revision = seen + 1;
    let writing = Writing {
        table,
        key,
        seen,
        item: record::from_progress(&name, id, next, revision, &write),
        skipped: skipped.map(|skipped| record::from_skipped(&name, id, skipped)),
        write: &write,
    };
    let mut patience = Patience::new(table.dynamodb.deadline());
    let found = loop {
        let written = match &writing.skipped {
            None => writing.put().await?,
            Some(skipped) => writing.transact(skipped).await?,
        };
        match written {
            Written::Done => return Ok(Swap::Done(revision)),
            Written::Met(found) => break found,
            Written::Busy(error) => patience.wait(error).await?,
        }
    };
    // The record that was seen has never been there, or is gone.
    let Some(found) = found else { return Ok(Swap::Changed(Progress::default())) };
    let stored = record::to_progress(found, &table.name)?;
    if stored.write.as_ref() == Some(&write) {
        // The answer to an attempt of this call was lost. What happened since then is behind it.
        return Ok(Swap::Done(revision));
    }
    Ok(Swap::Changed(stored.progress))
}

/// What came of an attempt.
enum Written {
    Done,
    /// Another record is there, or none.
    Met(Option<Item>),
    /// Somebody else is writing it at this moment.
    Busy(Error),
}

/// A record on its way.
struct Writing<'a> {
    table: &'a SubscriptionsTable,
    key: &'a SubscriptionKey,
    seen: u64,
    item: Item,
    skipped: Option<Item>,
    write: &'a str,
}

impl Writing<'_> {
    /// The condition, with the name and the value that it needs.
    fn condition(&self) -> (&'static str, &'static str) {
        if self.seen == 0 {
            ("attribute_not_exists(#seen)", attribute::ID)
        } else {
            ("#seen = :seen", attribute::REVISION)
        }
    }

    async fn put(&self) -> Result<Written, Error> {
        let mut pending = self.table.pending("PutItem", &self.key.resource_type);
        let (condition, name) = self.condition();
        let mut request = self
            .table
            .dynamodb
            .client()
            .put_item()
            .table_name(&*self.table.name)
            .set_item(Some(self.item.clone()))
            .condition_expression(condition)
            .expression_attribute_names("#seen", name)
            .return_values_on_condition_check_failure(AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if self.seen > 0 {
            request = request.expression_attribute_values(":seen", n(self.seen));
        }
        let error = match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.as_ref(), write_units(&self.item));
                return Ok(Written::Done);
            }
            Err(error) => error,
        };
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            pending.wrote(None, failed.item.as_ref().map_or(1.0, write_units));
            return Ok(Written::Met(failed.item.clone()));
        }
        let meets_another = error.code() == Some("TransactionConflictException");
        let error = pending.failed(error);
        if meets_another { Ok(Written::Busy(error)) } else { Err(error) }
    }

    async fn transact(&self, skipped: &Item) -> Result<Written, Error> {
        let mut pending = self.table.pending("TransactWriteItems", &self.key.resource_type);
        let (condition, name) = self.condition();
        let mut record = Put::builder()
            .table_name(&*self.table.name)
            .set_item(Some(self.item.clone()))
            .condition_expression(condition)
            .expression_attribute_names("#seen", name)
            .return_values_on_condition_check_failure(AllOld);
        if self.seen > 0 {
            record = record.expression_attribute_values(":seen", n(self.seen));
        }
        let skip = Put::builder().table_name(&*self.table.name).set_item(Some(skipped.clone()));
        let put = |put: Put| TransactWriteItem::builder().put(put).build();
        let request = self
            .table
            .dynamodb
            .client()
            .transact_write_items()
            .transact_items(put(record.build().expect("table and item are set")))
            .transact_items(put(skip.build().expect("table and item are set")))
            .client_request_token(self.write)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let units = 2.0 * (write_units(&self.item) + write_units(skipped));
        let error = match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.iter().flatten(), units);
                return Ok(Written::Done);
            }
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(pending.failed(error));
        };
        if let Some(reason) = transaction::unmet(cancelled) {
            pending.wrote(None, units);
            return Ok(Written::Met(reason.item.clone().filter(|item| !item.is_empty())));
        }
        let may_pass = transaction::may_pass(cancelled);
        let error = pending.failed(error);
        if may_pass { Ok(Written::Busy(error.passing())) } else { Err(error) }
    }
}
