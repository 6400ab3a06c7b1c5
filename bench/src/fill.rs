//! Fills a store with history, many writes at a time, so that what is measured afterwards has something to read.

use std::path::Path;

use aws_event_sourcing::{
    Aggregate as _, Commit, EncodedEvent, EventStore, ResourceId, ResourceKey, Timestamp, TraceParent, codec,
    sqlite::SqliteStore,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::{
    Result,
    domain::{Stock, StockEvent},
};

/// Writes under way at a time, where many at once are faster.
pub(crate) const MANY: usize = 512;

/// The same where they are not.
pub(crate) const FEW: usize = 32;

/// Opens a new store.
pub(crate) async fn store(folder: &Path, name: &str) -> Result<SqliteStore> {
    Ok(SqliteStore::open(folder.join(name))?)
}

/// Gives each resource a history of that many commits of one event each, as a service would have written them.
pub(crate) async fn histories(
    store: &impl EventStore,
    ids: &[ResourceId],
    length: u64,
    at_once: usize,
) -> Result {
    histories_of(store, ids, length, 1, at_once).await
}

/// The same, with so many events in each commit.
pub(crate) async fn histories_of(
    store: &impl EventStore,
    ids: &[ResourceId],
    commits: u64,
    events: u64,
    at_once: usize,
) -> Result {
    let event = codec::encode(&StockEvent::StockAdded { amount: 5 })?;
    let numbers = (0..commits).map(|commit| 1 + commit * events);
    let commits = numbers.flat_map(|number| ids.iter().map(move |id| (id, number)));
    stream::iter(commits)
        .map(|(id, number)| {
            let events = (0..events).map(|_| event.clone()).collect();
            let commit = commit(id, number, events);
            async move { store.append(&commit).await.map(drop) }
        })
        .buffer_unordered(at_once)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// New random ids.
pub(crate) fn ids(count: usize) -> Vec<ResourceId> {
    (0..count).map(|_| Uuid::new_v4().into()).collect()
}

fn commit(id: &ResourceId, number: u64, events: Vec<EncodedEvent>) -> Commit {
    let at = Timestamp::from_unix_millis(1_700_000_000_000 + number);
    Commit {
        resource: ResourceKey::new(Stock::TYPE, id),
        number,
        events,
        at,
        id: Uuid::now_v7().into(),
        follows: None,
        trace: Some(TraceParent::new_root(at)),
        cause: None,
        meta: None,
    }
}
