//! Reading page by page: a `Query` of one resource's commits, and a `Scan` of a segment of a table.
//!
//! A page ends at 1 MB, or where DynamoDB likes, and says where the next one begins. One page is held at a time, and
//! the next is asked for when that one has been taken.

use std::{collections::VecDeque, sync::Arc};

use aws_event_sourcing_core::{CommitStream, ResourceKey};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};

use crate::{
    error::Error,
    item::{self, Item, attribute},
    resource_table::ResourceTable,
};

/// The least that AWS bills for a strongly consistent read.
const LEAST: f64 = 1.0;

/// What is read.
#[derive(Clone)]
pub(crate) enum Source {
    /// A resource's commits past a version.
    History { resource: ResourceKey, after: u64 },
    /// One of several segments of a whole table, behind the item with a key if there is one.
    Segment { segment: i32, of: i32, behind: Option<Item> },
}

/// Where the next page is.
enum Next {
    First,
    Behind(Item),
    Nowhere,
}

struct Reading {
    table: ResourceTable,
    source: Source,
    next: Next,
    page: VecDeque<Item>,
}

/// The commits of a source, to the end, with an error in the place of each that cannot be read.
pub(crate) fn commits(table: ResourceTable, source: Source) -> CommitStream {
    let (resource_type, name) = (Arc::clone(&table.resource_type), Arc::clone(&table.name));
    let commits = items(table, source).map(move |item| Ok(item::to_commit(item?, &resource_type, &name)?));
    commits.boxed()
}

/// The items of a source, to the end, whatever is in them.
pub(crate) fn items(table: ResourceTable, source: Source) -> BoxStream<'static, Result<Item, Error>> {
    let reading = Reading { table, source, next: Next::First, page: VecDeque::new() };
    stream::try_unfold(
        reading,
        |mut reading| async move { Ok(reading.item().await?.map(|item| (item, reading))) },
    )
    .boxed()
}

impl Reading {
    async fn item(&mut self) -> Result<Option<Item>, Error> {
        loop {
            if let Some(item) = self.page.pop_front() {
                return Ok(Some(item));
            }
            let start = match std::mem::replace(&mut self.next, Next::Nowhere) {
                Next::First => None,
                Next::Behind(key) => Some(key),
                Next::Nowhere => return Ok(None),
            };
            let (page, last) = match &self.source {
                Source::History { resource, after } => self.query(resource, *after, start).await?,
                Source::Segment { segment, of, behind } => {
                    self.scan(*segment, *of, start.or_else(|| behind.clone())).await?
                }
            };
            self.page = page.into();
            self.next = last.map_or(Next::Nowhere, Next::Behind);
        }
    }

    async fn query(
        &self,
        resource: &ResourceKey,
        after: u64,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Error> {
        let mut pending = self.table.pending("Query");
        let mut request = self
            .table
            .dynamodb
            .client()
            .query()
            .table_name(&*self.table.name)
            .consistent_read(true)
            .expression_attribute_names("#id", attribute::ID)
            .expression_attribute_values(":id", AttributeValue::S(resource.id.to_string()))
            .key_condition_expression(if after == 0 { "#id = :id" } else { "#id = :id AND #number > :after" })
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if after > 0 {
            request = request
                .expression_attribute_names("#number", attribute::NUMBER)
                .expression_attribute_values(":after", AttributeValue::N(after.to_string()));
        }
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| self.table.has_failed(pending.failed(error)))?;
        self.table.was_answered().await;
        pending.read(answer.consumed_capacity.as_ref(), LEAST);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    async fn scan(
        &self,
        segment: i32,
        of: i32,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Error> {
        let mut pending = self.table.pending("Scan");
        let request = self
            .table
            .dynamodb
            .client()
            .scan()
            .table_name(&*self.table.name)
            .consistent_read(true)
            .segment(segment)
            .total_segments(of)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| self.table.has_failed(pending.failed(error)))?;
        pending.read(answer.consumed_capacity.as_ref(), LEAST);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
