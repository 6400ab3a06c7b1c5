//! Listing what is parked, from the index `parked`.
//!
//! The index is sorted by the time of the next attempt, and those of one time are in no order there. So it is read until
//! the time changes, and those of one time are sorted by id.

use std::collections::{BTreeMap, HashMap, VecDeque};

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{ParkedCursor, ParkedPage, Progress, SubscriptionKey},
};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::{SubscriptionsTable, record};
use crate::{
    error::Error,
    item::Item,
    rows::{self, attribute, s},
    table::PARKED,
};

/// The most resources in one page.
const LONGEST: usize = 1_000;

/// What AWS bills at least for an eventually consistent read.
const LEAST: f64 = 0.5;

/// A page of what is parked.
pub(super) async fn parked(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    due: Option<Timestamp>,
    limit: usize,
    after: Option<&ParkedCursor>,
) -> Result<ParkedPage, Error> {
    let limit = limit.clamp(1, LONGEST);
    // One more than asked for tells whether there is another page.
    let wanted = limit + 1;
    let reading = Reading { table, key, name: rows::name(key), due, after, wanted };
    let (mut resources, mut unreadable) = (Vec::new(), Vec::new());
    // Those of the latest time seen: there may be more of that time.
    let mut latest: BTreeMap<ParkedCursor, Progress> = BTreeMap::new();
    let mut start = None;
    while resources.len() < wanted {
        let (items, last) = reading.query(start).await?;
        let mut items: VecDeque<_> = items.into();
        while resources.len() < wanted
            && let Some(item) = items.pop_front()
        {
            let stored = match record::unless_unreadable(item, &table.name, key) {
                Ok(stored) => stored,
                Err(record) => {
                    unreadable.push(record);
                    continue;
                }
            };
            // What the index has is parked.
            let Some(parked) = &stored.progress.parked else { continue };
            let place = ParkedCursor { next_attempt_at: parked.next_attempt_at, id: stored.id };
            if after.is_some_and(|after| place <= *after) {
                continue;
            }
            if latest.first_key_value().is_some_and(|(of, _)| of.next_attempt_at < place.next_attempt_at) {
                resources.extend(std::mem::take(&mut latest));
            }
            latest.insert(place, stored.progress);
            // However many have the same time, no more than this of them can be on the page.
            if latest.len() > wanted {
                latest.pop_last();
            }
        }
        start = last;
        if start.is_none() {
            resources.extend(std::mem::take(&mut latest));
            break;
        }
    }
    let more = resources.len() > limit;
    resources.truncate(limit);
    let next = resources.last().filter(|_| more).map(|(place, _)| place.clone());
    let resources = resources.into_iter().map(|(place, of)| (place.id, of)).collect();
    Ok(ParkedPage { resources, unreadable, next })
}

/// What is wanted of the index.
struct Reading<'a> {
    table: &'a SubscriptionsTable,
    key: &'a SubscriptionKey,
    name: String,
    due: Option<Timestamp>,
    after: Option<&'a ParkedCursor>,
    wanted: usize,
}

impl Reading<'_> {
    async fn query(&self, start: Option<Item>) -> Result<(Vec<Item>, Option<Item>), Error> {
        let mut pending = self.table.pending("Query", &self.key.resource_type);
        let (from, to) = (self.after.map(|after| after.next_attempt_at), self.due);
        // What stands in the place of a time may be any text: where nothing is asked for, nothing is left out.
        let range = match (from, to) {
            (Some(from), Some(to)) if to < from => return Ok((Vec::new(), None)),
            (Some(_), Some(_)) => " AND #at BETWEEN :from AND :to",
            (Some(_), None) => " AND #at >= :from",
            (None, Some(_)) => " AND #at <= :to",
            (None, None) => "",
        };
        let times = [(":from", from), (":to", to)];
        let times = times.into_iter().filter_map(|(name, time)| Some((name.to_owned(), s(&time?))));
        let values: HashMap<_, _> = times.chain([(":name".to_owned(), s(&self.name))]).collect();
        let mut names = HashMap::from([("#parked".to_owned(), attribute::PARKED.to_owned())]);
        if values.len() > 1 {
            names.insert("#at".to_owned(), attribute::NEXT_ATTEMPT_AT.to_owned());
        }
        let request = self
            .table
            .dynamodb
            .client()
            .query()
            .table_name(&*self.table.name)
            .index_name(PARKED)
            .key_condition_expression(format!("#parked = :name{range}"))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            // The one at the cursor, and one that shows that the time has changed.
            .limit(i32::try_from(self.wanted + 2).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| pending.failed(error))?;
        pending.read(answer.consumed_capacity.as_ref(), LEAST);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
