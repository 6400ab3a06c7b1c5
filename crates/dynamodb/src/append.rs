//! Appending a commit: one conditional `PutItem`.

use aws_event_sourcing_core::{AppendError, Appended, Commit, limits};
use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure},
};

use crate::{
    item::{self, attribute},
    resource_table::ResourceTable,
};

/// Stores the commit if nobody has used its number.
///
/// When somebody has, their item comes back with the failed condition, at no further cost. If it has our commit id, the
/// commit is stored: by an earlier call, or by an attempt of this one whose answer was lost.
pub(crate) async fn append(table: &ResourceTable, commit: &Commit) -> Result<Appended, AppendError> {
    let bytes = limits::check(commit)?;
    let item = item::from_commit(commit)?;
    let mut pending = table.pending("PutItem");
    let request = table
        .dynamodb
        .client()
        .put_item()
        .table_name(&*table.name)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#id)")
        .expression_attribute_names("#id", attribute::ID)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let error = match request.customize().interceptor(pending.attempts()).send().await {
        Ok(answer) => {
            pending.wrote(answer.consumed_capacity(), write_units(bytes));
            table.was_answered().await;
            return Ok(Appended::Now);
        }
        Err(error) => error,
    };
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(table.has_failed(pending.failed(error)).into());
    };
    let Some(found) = failed.item.clone() else {
        pending.wrote(None, 1.0);
        return Err(AppendError::Conflict(None));
    };
    let by_this_call = pending.attempts().count() > 1 && found == item::from_commit(commit)?;
    let existing = item::to_commit(found, &commit.resource.resource_type, &table.name)?;
    pending.wrote(None, write_units(limits::check(&existing).unwrap_or_default()));
    if existing.id != commit.id {
        Err(AppendError::Conflict(Some(Box::new(existing))))
    } else if by_this_call {
        Ok(Appended::Now)
    } else {
        Ok(Appended::Before)
    }
}

/// What AWS bills for an item of that size, without its indexes.
fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}
