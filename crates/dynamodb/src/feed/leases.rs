//! [`Leases`]: who follows what, as it is kept in the table of subscriptions. One item for each part of a feed.
//!
//! The item of the past counts **rounds**. A round begins with reading the table, and then comes what its stream has; when
//! something may be missing, a new round begins. A part is taken within a round, and the items of earlier rounds mean
//! nothing but that somebody may still be at it.
//!
//! Each change of an item makes its counter grow. A lease whose counter does not grow for as long as the lease says is
//! abandoned. Who finds that compares what they saw with what is there when they take it: no clock of one machine is
//! compared with that of another.

mod place;
mod update;

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{Clock as _, SystemClock, Timestamp, subscription::SubscriptionKey};
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata as _,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::{
        AttributeValue, ConditionCheck, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem,
    },
};
use uuid::Uuid;

use self::update::Update;
use super::{
    plan::{Entry, PastEntry},
    reached::Place,
};
use crate::{
    error::Error,
    item::{Item, Unreadable},
    rows::{
        self, FEED_PARTS, Row, TABLE_PART, attribute, feed_id, keyed, n, s, set, set_number, waiting_part,
    },
    subscriptions::{Patience, SubscriptionsTable},
    transaction,
};

/// What a write is answered whose item is part of a transaction at that moment.
const CONFLICT: &str = "TransactionConflictException";

/// The leases of one subscription of a resource type.
pub(super) struct Leases {
    table: Arc<SubscriptionsTable>,
    key: SubscriptionKey,
    id: String,
}

/// All items of a subscription of a resource type.
pub(super) struct Looked {
    pub(super) past: Option<PastEntry>,
    pub(super) shards: Vec<Entry>,
    /// Processes that would have a shard.
    pub(super) waiting: Vec<Entry>,
}

/// Somebody who takes a part.
pub(super) struct Taker<'a> {
    pub(super) owner: &'a str,
    pub(super) lease: Duration,
}

/// What somebody says who has a part: that they have it, and how often it was changed with this time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) part: &'a str,
    pub(super) round: u64,
    pub(super) owner: &'a str,
    pub(super) counter: u64,
}

/// What is changed by whoever has a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing: they are still there.
    Renew,
    /// Everything up to this record of the shard is done.
    Checkpoint(Box<str>),
    /// Everything up to these places of the table is done.
    Places(Vec<Place>),
    /// Everything is done.
    Finish,
    /// Everything is done, and has to be done once more, by whoever has it next.
    ReadAgain,
    /// Somebody else may have it.
    Release,
}

/// Whether something that was to be changed was as it was thought to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Done,
    /// Somebody else was there before.
    TooLate,
}

impl Leases {
    pub(super) fn new(table: Arc<SubscriptionsTable>, key: SubscriptionKey) -> Self {
        let id = feed_id(&rows::name(&key));
        Self { table, key, id }
    }

    pub(super) fn key(&self) -> &SubscriptionKey {
        &self.key
    }

    /// All items, as they are now.
    pub(super) async fn look(&self) -> Result<Looked, Error> {
        let mut looked = Looked { past: None, shards: Vec::new(), waiting: Vec::new() };
        let mut start = None;
        loop {
            let mut pending = self.table.pending("Query", &self.key.resource_type);
            let request = self.table.dynamodb.client().query();
            let request = request
                .table_name(&*self.table.name)
                .consistent_read(true)
                .key_condition_expression("#id = :id AND begins_with(#part, :parts)")
                .expression_attribute_names("#id", attribute::ID)
                .expression_attribute_names("#part", attribute::PART)
                .expression_attribute_values(":id", s(&self.id))
                .expression_attribute_values(":parts", s(FEED_PARTS))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.customize().interceptor(pending.attempts()).send().await;
            let answer = answer.map_err(|error| pending.failed(error))?;
            pending.read(answer.consumed_capacity.as_ref(), 1.0);
            for item in answer.items.unwrap_or_default() {
                let mut row = Row::new(item, &self.table.name);
                if row.part() == TABLE_PART {
                    looked.past = Some(to_past(row)?);
                } else if row.part().starts_with(rows::SHARD_PARTS) {
                    looked.shards.push(to_entry(&mut row)?);
                } else if row.part().starts_with(rows::WAITING_PARTS) {
                    looked.waiting.push(to_entry(&mut row)?);
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(looked);
            }
        }
    }

    /// Makes the item of the past, for the first round of a stream, if that is followed. `finished_at` where the past is not
    /// asked for.
    pub(super) async fn begin(
        &self,
        stream: Option<&str>,
        finished_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let mut item = keyed(&self.id, TABLE_PART);
        set_number(&mut item, attribute::ROUND, 1_u64);
        set_number(&mut item, attribute::COUNTER, 0_u64);
        if let Some(stream) = stream {
            set(&mut item, attribute::STREAM, stream);
        }
        if let Some(finished_at) = finished_at {
            set(&mut item, attribute::FINISHED_AT, finished_at.to_string());
        }
        let mut pending = self.table.pending("PutItem", &self.key.resource_type);
        let request = self.table.dynamodb.client().put_item().table_name(&*self.table.name);
        let request = request
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", attribute::ID)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => pending.wrote(answer.consumed_capacity.as_ref(), 1.0),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => pending.wrote(None, 1.0),
                // Somebody who takes a part looks at it: so it is there.
                _ if error.code() == Some(CONFLICT) => {}
                _ => return Err(pending.failed(error)),
            },
        }
        Ok(())
    }

    /// Begins another round, of this stream, unless one has begun.
    pub(super) async fn start_over(&self, round: u64, stream: &str) -> Result<Changed, Error> {
        let update = Update::new()
            .set(attribute::ROUND, n(round + 1))
            .set(attribute::STREAM, s(stream))
            .add(attribute::COUNTER, n(1_u64))
            .remove(attribute::FINISHED_AT)
            .remove(attribute::BEGUN_AT)
            .remove(attribute::PLACES)
            .remove(attribute::ROOTS)
            .remove(attribute::OPENED)
            .if_is(attribute::ROUND, n(round));
        Ok(self.update(TABLE_PART, update).await?.0)
    }

    /// Notes with which shards a round begins.
    pub(super) async fn open(&self, round: u64, roots: Vec<String>) -> Result<Changed, Error> {
        // A set may not be empty.
        let roots = (!roots.is_empty()).then_some(AttributeValue::Ss(roots));
        let update = Update::new()
            .set(attribute::OPENED, AttributeValue::Bool(true))
            .set_if_any(attribute::ROOTS, roots)
            .add(attribute::COUNTER, n(1_u64))
            .if_is(attribute::ROUND, n(round))
            .if_absent(attribute::OPENED);
        Ok(self.update(TABLE_PART, update).await?.0)
    }

    /// Notes that a process would have a shard.
    pub(super) async fn announce(&self, round: u64, taker: &Taker<'_>) -> Result<(), Error> {
        let update = Update::new()
            .set(attribute::ROUND, n(round))
            .set(attribute::OWNER, s(taker.owner))
            .set(attribute::LEASE, n(millis(taker.lease)))
            .set(attribute::RENEWED_AT, s(&SystemClock.now()))
            .add(attribute::COUNTER, n(1_u64))
            .if_is_or_absent(attribute::OWNER, s(taker.owner));
        self.update(&waiting_part(taker.owner), update).await.map(drop)
    }

    /// Takes the past, if it is still as it was looked at. Gives the counter.
    pub(super) async fn take_past(
        &self,
        past: &PastEntry,
        begun_at: Timestamp,
        taker: &Taker<'_>,
    ) -> Result<Option<u64>, Error> {
        let Entry { round, counter, .. } = past.entry;
        let next = counter + 1;
        let update = Update::new()
            .set(attribute::OWNER, s(taker.owner))
            .set(attribute::LEASE, n(millis(taker.lease)))
            .set(attribute::COUNTER, n(next))
            .set(attribute::RENEWED_AT, s(&SystemClock.now()))
            .set(attribute::BEGUN_AT, s(&begun_at))
            .if_is(attribute::ROUND, n(round))
            .if_is(attribute::COUNTER, n(counter))
            .if_absent(attribute::FINISHED_AT);
        // If the answer to an attempt of this call is lost, the next look shows whose it is.
        let (changed, _) = self.update(TABLE_PART, update).await?;
        Ok((changed == Changed::Done).then_some(next))
    }

    /// Takes a shard in a round whose past is finished, if it is still as it was looked at. Gives the counter.
    pub(super) async fn take_shard(
        &self,
        round: u64,
        part: &str,
        entry: Option<&Entry>,
        read_to: Option<Timestamp>,
        taker: &Taker<'_>,
    ) -> Result<Option<u64>, Error> {
        let next = entry.map_or(0, |entry| entry.counter) + 1;
        let mut item = keyed(&self.id, part);
        set_number(&mut item, attribute::ROUND, round);
        set_number(&mut item, attribute::COUNTER, next);
        set(&mut item, attribute::OWNER, taker.owner);
        set_number(&mut item, attribute::LEASE, millis(taker.lease));
        set(&mut item, attribute::RENEWED_AT, SystemClock.now().to_string());
        if let Some(checkpoint) = entry.and_then(|entry| entry.checkpoint.as_ref()) {
            set(&mut item, attribute::CHECKPOINT, &**checkpoint);
        }
        if let Some(read_to) = read_to {
            set(&mut item, attribute::READ_TO, read_to.to_string());
        }
        let put = Put::builder().table_name(&*self.table.name).set_item(Some(item));
        let put = match entry {
            None => put
                .condition_expression("attribute_not_exists(#id)")
                .expression_attribute_names("#id", attribute::ID),
            Some(entry) => put
                .condition_expression("#counter = :counter AND #round = :round")
                .expression_attribute_names("#counter", attribute::COUNTER)
                .expression_attribute_names("#round", attribute::ROUND)
                .expression_attribute_values(":counter", n(entry.counter))
                .expression_attribute_values(":round", n(entry.round)),
        };
        let past = ConditionCheck::builder()
            .table_name(&*self.table.name)
            .set_key(Some(keyed(&self.id, TABLE_PART)))
            .condition_expression("#round = :round AND attribute_exists(#finished)")
            .expression_attribute_names("#round", attribute::ROUND)
            .expression_attribute_names("#finished", attribute::FINISHED_AT)
            .expression_attribute_values(":round", n(round));
        let past = past.build().expect("table, key and condition are set");
        let put = put.build().expect("table and item are set");

        let mut pending = self.table.pending("TransactWriteItems", &self.key.resource_type);
        let request = self.table.dynamodb.client().transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().condition_check(past).build())
            .transact_items(TransactWriteItem::builder().put(put).build())
            .client_request_token(Uuid::new_v4().to_string())
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.iter().flatten(), 4.0);
                return Ok(Some(next));
            }
            Err(error) => error,
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            // Somebody else has it, or is just taking something, or too many are.
            if transaction::unmet(cancelled).is_some() || transaction::may_pass(cancelled) {
                pending.wrote(None, 4.0);
                return Ok(None);
            }
        }
        Err(pending.failed(error))
    }

    /// Writes what the owner of a part has to say, if they still are: all that was written before `read_to` is handled.
    pub(super) async fn write(
        &self,
        claim: Claim<'_>,
        change: &Change,
        read_to: Option<Timestamp>,
    ) -> Result<Changed, Error> {
        let Claim { part, round, owner, counter } = claim;
        let now = SystemClock.now();
        let update = match change {
            Change::Renew => Update::new(),
            Change::Checkpoint(record) => Update::new().set(attribute::CHECKPOINT, s(&**record)),
            Change::Places(places) => {
                let places = places.iter().map(place::to_attribute).collect();
                Update::new().set(attribute::PLACES, AttributeValue::L(places))
            }
            Change::Finish => Update::new()
                .set(attribute::FINISHED_AT, s(&now))
                .remove(attribute::BEGUN_AT)
                .remove(attribute::PLACES)
                .remove(attribute::OWNER),
            Change::ReadAgain => {
                Update::new().remove(attribute::BEGUN_AT).remove(attribute::PLACES).remove(attribute::OWNER)
            }
            Change::Release => Update::new().remove(attribute::OWNER),
        };
        let update = update
            .set(attribute::COUNTER, n(counter))
            .set(attribute::RENEWED_AT, s(&now))
            .set_if_any(attribute::READ_TO, read_to.map(|read_to| s(&read_to)))
            .if_is(attribute::OWNER, s(owner))
            .if_less(attribute::COUNTER, n(counter))
            .if_is(attribute::ROUND, n(round));
        let (changed, found) = self.update(part, update).await?;
        let is_this = |found: &Item| {
            // Counters that grew are used once; an owner is removed by themselves, or replaced.
            found.get(attribute::COUNTER) == Some(&n(counter))
                && found.get(attribute::ROUND) == Some(&n(round))
                && found.get(attribute::OWNER).is_none_or(|found| *found == s(owner))
        };
        match (changed, found) {
            (Changed::TooLate, Some(found)) if is_this(&found) => Ok(Changed::Done),
            (changed, _) => Ok(changed),
        }
    }

    /// Deletes an item, if it is still as it was looked at.
    pub(super) async fn forget(&self, entry: &Entry) -> Result<Changed, Error> {
        let mut pending = self.table.pending("DeleteItem", &self.key.resource_type);
        let request = self.table.dynamodb.client().delete_item().table_name(&*self.table.name);
        let request = request
            .set_key(Some(keyed(&self.id, &*entry.part)))
            .condition_expression("#counter = :counter AND #round = :round")
            .expression_attribute_names("#counter", attribute::COUNTER)
            .expression_attribute_names("#round", attribute::ROUND)
            .expression_attribute_values(":counter", n(entry.counter))
            .expression_attribute_values(":round", n(entry.round))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.as_ref(), 1.0);
                Ok(Changed::Done)
            }
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => {
                    pending.wrote(None, 1.0);
                    Ok(Changed::TooLate)
                }
                // Somebody is taking it.
                _ if error.code() == Some(CONFLICT) => Ok(Changed::TooLate),
                _ => Err(pending.failed(error)),
            },
        }
    }

    /// Changes an item on a condition. Gives the item where the condition does not hold.
    async fn update(&self, part: &str, update: Update) -> Result<(Changed, Option<Item>), Error> {
        let mut patience = Patience::new(self.table.dynamodb.deadline());
        loop {
            match self.update_once(part, &update).await {
                // Somebody is taking it, or looking whether it is finished.
                Err(error @ Error::Busy { .. }) => patience.wait(error).await?,
                answer => return answer,
            }
        }
    }

    async fn update_once(&self, part: &str, update: &Update) -> Result<(Changed, Option<Item>), Error> {
        let (expression, condition) = update.expressions();
        let mut pending = self.table.pending("UpdateItem", &self.key.resource_type);
        let request = self.table.dynamodb.client().update_item().table_name(&*self.table.name);
        let request = request
            .set_key(Some(keyed(&self.id, part)))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values()))
            .return_values_on_condition_check_failure(AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match request.customize().interceptor(pending.attempts()).send().await {
            Ok(answer) => {
                pending.wrote(answer.consumed_capacity.as_ref(), 1.0);
                return Ok((Changed::Done, None));
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                pending.wrote(None, 1.0);
                Ok((Changed::TooLate, failed.item.clone()))
            }
            _ => Err(pending.failed(error)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn to_past(mut row: Row<'_>) -> Result<PastEntry, Error> {
    let entry = to_entry(&mut row)?;
    let places = row.list(attribute::PLACES)?.into_iter().map(place::from_attribute).collect();
    let places: Option<Vec<_>> = places;
    let unreadable = || row.unreadable(Unreadable::new(attribute::PLACES, "one of them is no place"));
    let places = places.ok_or_else(unreadable)?;
    Ok(PastEntry {
        stream: row.text(attribute::STREAM)?.map(Into::into),
        begun_at: row.parsed(attribute::BEGUN_AT)?,
        places,
        is_opened: row.has(attribute::OPENED),
        roots: row.texts(attribute::ROOTS)?.into_iter().map(Into::into).collect(),
        entry,
    })
}

fn to_entry(row: &mut Row<'_>) -> Result<Entry, Error> {
    let round = row.number(attribute::ROUND)?;
    let counter = row.number(attribute::COUNTER)?;
    Ok(Entry {
        part: row.part().into(),
        round: row.required(attribute::ROUND, round)?,
        counter: row.required(attribute::COUNTER, counter)?,
        owner: row.text(attribute::OWNER)?.map(Into::into),
        lease: Duration::from_millis(row.number(attribute::LEASE)?.unwrap_or_default()),
        checkpoint: row.text(attribute::CHECKPOINT)?.map(Into::into),
        read_to: row.parsed(attribute::READ_TO)?,
        finished_at: row.parsed(attribute::FINISHED_AT)?,
    })
}
