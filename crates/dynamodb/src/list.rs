//! Listing by creation time: the [shards](crate::shard) of the index `listing`, merged.
//!
//! Each shard is sorted by time, and resources made in the same millisecond are in no order there. So a shard is read
//! until the time changes, and those of one time are sorted by id.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
};

use aws_event_sourcing_core::{Cursor, Page, ResourceId, StoreError, Timestamp};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use futures_util::future::try_join_all;

use crate::{
    error::Error,
    item::{self, Item, attribute},
    resource_table::ResourceTable,
    shard::Shard,
    table::LISTING,
};

/// The most ids in one page.
const LONGEST: usize = 10_000;

/// What AWS bills at least for an eventually consistent read.
const LEAST: f64 = 0.5;

/// A resource's place in the list.
type Place = (Timestamp, ResourceId);

/// A page of the list.
pub(crate) async fn list(
    table: &ResourceTable,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Page, StoreError> {
    let limit = limit.clamp(1, LONGEST);
    // One more than asked for tells whether there is another page.
    let wanted = limit + 1;
    let mut shards: Vec<_> = Shard::all().map(|shard| Reading::new(table, shard, wanted, after)).collect();
    let firsts = try_join_all(shards.iter_mut().map(Reading::next)).await?;
    let mut heads: BinaryHeap<_> =
        (0..).zip(firsts).filter_map(|(shard, first)| Some(Reverse((first?, shard)))).collect();

    let mut places: Vec<Place> = Vec::new();
    while places.len() < wanted
        && let Some(Reverse((place, shard))) = heads.pop()
    {
        places.push(place);
        if places.len() < wanted
            && let Some(place) = shards[shard].next().await?
        {
            heads.push(Reverse((place, shard)));
        }
    }

    let more = places.len() > limit;
    places.truncate(limit);
    let last = places.last().filter(|_| more).cloned();
    Ok(Page {
        next: last.map(|(at, id)| Cursor { at, id }),
        ids: places.into_iter().map(|(_, id)| id).collect(),
    })
}

/// One shard, as far as it has been read.
struct Reading<'a> {
    table: &'a ResourceTable,
    shard: Shard,
    after: Option<&'a Cursor>,
    /// How many places are wanted at most.
    wanted: usize,
    /// Those in order, ready to be taken.
    ready: VecDeque<Place>,
    /// Those of the latest time seen: there may be more of that time.
    latest: BTreeSet<Place>,
    next: Next,
}

enum Next {
    First,
    Behind(Item),
    Nowhere,
}

impl<'a> Reading<'a> {
    fn new(table: &'a ResourceTable, shard: Shard, wanted: usize, after: Option<&'a Cursor>) -> Self {
        let (ready, latest) = (VecDeque::new(), BTreeSet::new());
        Self { table, shard, after, wanted, ready, latest, next: Next::First }
    }

    async fn next(&mut self) -> Result<Option<Place>, StoreError> {
        loop {
            if let Some(place) = self.ready.pop_front() {
                return Ok(Some(place));
            }
            let start = match std::mem::replace(&mut self.next, Next::Nowhere) {
                Next::First => None,
                Next::Behind(key) => Some(key),
                Next::Nowhere => {
                    self.ready.extend(std::mem::take(&mut self.latest));
                    return Ok(self.ready.pop_front());
                }
            };
            let (items, last) = self.query(start).await?;
            for item in items {
                self.take(item::to_place(item, &self.table.name)?);
            }
            self.next = last.map_or(Next::Nowhere, Next::Behind);
        }
    }

    fn take(&mut self, place: Place) {
        if self.after.is_some_and(|after| (place.0, &place.1) <= (after.at, &after.id)) {
            return;
        }
        if self.latest.first().is_some_and(|(at, _)| *at < place.0) {
            self.ready.extend(std::mem::take(&mut self.latest));
        }
        self.latest.insert(place);
        // However many were made at the same time, no more than this of them can be on the page.
        if self.latest.len() > self.wanted {
            self.latest.pop_last();
        }
    }

    async fn query(&self, start: Option<Item>) -> Result<(Vec<Item>, Option<Item>), Error> {
        let mut pending = self.table.pending("Query");
        // Its share of the page, and a little more so that most shards need one query only.
        let share = self.wanted / Shard::all().count();
        let limit = i32::try_from(share + share / 2 + 8).unwrap_or(i32::MAX);
        let mut request = self
            .table
            .dynamodb
            .client()
            .query()
            .table_name(&*self.table.name)
            .index_name(LISTING)
            .expression_attribute_names("#shard", attribute::SHARD)
            .expression_attribute_values(":shard", AttributeValue::S(self.shard.to_string()))
            .key_condition_expression("#shard = :shard")
            .limit(limit)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if let Some(after) = self.after {
            request = request
                .key_condition_expression("#shard = :shard AND #at >= :at")
                .expression_attribute_names("#at", attribute::AT)
                .expression_attribute_values(":at", AttributeValue::S(after.at.to_string()));
        }
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| self.table.has_failed(pending.failed(error)))?;
        pending.read(answer.consumed_capacity.as_ref(), LEAST);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
