//! Reading records: `GetItem` for one, `BatchGetItem` for many.

use std::collections::{HashMap, HashSet};

use aws_event_sourcing_core::{
    ResourceId, limits,
    subscription::{Progress, SubscriptionKey, UnreadableRecord},
};
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{SubscriptionsTable, patience::Patience, record};
use crate::{
    error::{Error, Fault},
    item::Item,
    rows::{self, keyed},
};

/// The most keys of one request.
const BATCH: usize = 100;

/// Requests that are under way at a time.
const SIDE_BY_SIDE: usize = 4;

/// The records of these resources, in their order.
pub(super) async fn load(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    ids: &[ResourceId],
) -> Result<Vec<Loaded>, Error> {
    let name = rows::name(key);
    // No record can be of an id beyond the limits; the service would refuse the whole request.
    let wanted: HashSet<_> = ids.iter().filter(|id| limits::check_resource_id(id).is_ok()).collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let found: HashMap<ResourceId, Loaded> = match wanted[..] {
        [id] => get(table, key, keyed(id.as_str(), &name)).await?.into_iter().collect(),
        _ => {
            let keys = wanted.chunks(BATCH);
            let keys = keys.map(|ids| ids.iter().map(|id| keyed(id.as_str(), &name)).collect());
            let batches: Vec<Vec<_>> = keys.collect();
            let found: Vec<Vec<_>> = stream::iter(batches)
                .map(|keys| batch(table, key, keys))
                .buffer_unordered(SIDE_BY_SIDE)
                .try_collect()
                .await?;
            found.into_iter().flatten().collect()
        }
    };
    Ok(ids.iter().map(|id| found.get(id).cloned().unwrap_or_else(|| Ok(Progress::default()))).collect())
}

type Loaded = Result<Progress, UnreadableRecord>;

type Found = (ResourceId, Loaded);

async fn get(table: &SubscriptionsTable, key: &SubscriptionKey, item: Item) -> Result<Option<Found>, Error> {
    let mut pending = table.pending("GetItem", &key.resource_type);
    let request = table.dynamodb.client().get_item().table_name(&*table.name).set_key(Some(item));
    let request = request.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
    let answer = request.customize().interceptor(pending.attempts()).send().await;
    let answer = answer.map_err(|error| pending.failed(error))?;
    pending.read(answer.consumed_capacity.as_ref(), 1.0);
    Ok(answer.item.map(|item| found(table, key, item)))
}

/// What is left over is asked for again: the service gives less when it is busy, and when an answer would be too large.
async fn batch(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    mut keys: Vec<Item>,
) -> Result<Vec<Found>, Error> {
    let mut all = Vec::with_capacity(keys.len());
    let mut patience = Patience::new(table.dynamodb.deadline());
    loop {
        let asked = keys.len();
        let (items, left) = ask(table, key, keys).await?;
        all.extend(items.into_iter().map(|item| found(table, key, item)));
        if left.is_empty() {
            return Ok(all);
        }
        if left.len() == asked {
            let source = Fault::new("UnprocessedKeys", "none of the keys was looked at");
            patience.wait(Error::Busy { target: table.target("BatchGetItem"), source }).await?;
        }
        keys = left;
    }
}

/// The items, and the keys that were not looked at.
async fn ask(
    table: &SubscriptionsTable,
    key: &SubscriptionKey,
    keys: Vec<Item>,
) -> Result<(Vec<Item>, Vec<Item>), Error> {
    let mut pending = table.pending("BatchGetItem", &key.resource_type);
    let asked = keys.len();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
    let keys = keys.build().expect("keys are set");
    let request = table.dynamodb.client().batch_get_item().request_items(&*table.name, keys);
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    let answer = request.customize().interceptor(pending.attempts()).send().await;
    let answer = answer.map_err(|error| pending.failed(error))?;
    // A table that is named by its ARN may be called by its name in the answer: there is only one.
    let items = answer.responses.unwrap_or_default().into_values().flatten().collect();
    let left = answer.unprocessed_keys.unwrap_or_default().into_values();
    let left: Vec<_> = left.flat_map(|keys| keys.keys).collect();
    pending.read(answer.consumed_capacity.iter().flatten(), asked.saturating_sub(left.len()) as f64);
    Ok((items, left))
}

fn found(table: &SubscriptionsTable, key: &SubscriptionKey, item: Item) -> Found {
    match record::unless_unreadable(item, &table.name, key) {
        Ok(stored) => (stored.id, Ok(stored.progress)),
        Err(record) => (record.id.clone(), Err(record)),
    }
}
