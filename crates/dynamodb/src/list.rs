//! Listing by creation time: the [shards](crate::shard) of the index `listing`, merged.
//!
//! Each shard is sorted by time, and resources made in the same millisecond are in no order there. So a shard is read
//! until the time changes, and those of one time are sorted by id.
//!
//! Times are compared as the texts that they are. A text that is no time has its place among them, and is listed with the
//! others; but no page can end with it, because no cursor tells of that place.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
};

use aws_event_sourcing_core::{Cursor, Page, ResourceId, StoreError};
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

/// A resource's place in the list: the text of a time, and its id.
type Place = (String, ResourceId);

/// A page of the list.
pub(crate) async fn list(
    table: &ResourceTable,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Page, StoreError> {
    let limit = limit.clamp(1, LONGEST);
    // One more than asked for tells whether there is another page.
    let wanted = limit + 1;
    let after = after.map(|cursor| (cursor.at.to_string(), &cursor.id));
    let after = after.as_ref();
    let mut shards: Vec<_> = Shard::all().map(|shard| Reading::new(table, shard, wanted, after)).collect();
    let firsts = try_join_all(shards.iter_mut().map(Reading::next)).await?;
    let mut heads: BinaryHeap<_> =
        (0..).zip(firsts).filter_map(|(shard, first)| Some(Reverse((first?, shard)))).collect();

    let (mut page, mut last) = (Page { ids: Vec::new(), next: None }, None);
    let mut left = limit;
    while let Some(Reverse(((at, id), shard))) = heads.pop() {
        if left == 0 {
            page.next = last;
            break;
        }
        if let Ok(at) = at.parse() {
            last = Some(Cursor { at, id: id.clone() });
            left -= 1;
        }
        page.ids.push(id);
        if let Some(place) = shards[shard].next().await? {
            heads.push(Reverse((place, shard)));
        }
    }
    Ok(page)
}

/// One shard, as far as it has been read.
struct Reading<'a> {
    table: &'a ResourceTable,
    shard: Shard,
    after: Option<&'a (String, &'a ResourceId)>,
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
    fn new(
        table: &'a ResourceTable,
        shard: Shard,
        wanted: usize,
        after: Option<&'a (String, &'a ResourceId)>,
    ) -> Self {
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
                if let Some(place) = item::to_place(item) {
                    self.take(place);
                }
            }
            self.next = last.map_or(Next::Nowhere, Next::Behind);
        }
    }

    fn take(&mut self, place: Place) {
        if self.after.is_some_and(|(at, id)| (&place.0, &place.1) <= (at, *id)) {
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
        if let Some((at, _)) = self.after {
            request = request
                .key_condition_expression("#shard = :shard AND #at >= :at")
                .expression_attribute_names("#at", attribute::AT)
                .expression_attribute_values(":at", AttributeValue::S(at.clone()));
        }
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| self.table.has_failed(pending.failed(error)))?;
        pending.read(answer.consumed_capacity.as_ref(), LEAST);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
