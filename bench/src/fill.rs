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

/// Writes under way at a time.
const AT_ONCE: usize = 512;

/// Opens a new store.
pub(crate) async fn store(folder: &Path, name: &str) -> Result<SqliteStore> {
    Ok(SqliteStore::open(folder.join(name))?)
}

/// Gives each resource a history of that many commits of one event each, as a service would have written them.
pub(crate) async fn histories(store: &impl EventStore, ids: &[ResourceId], length: u64) -> Result {
    let event = codec::encode(&StockEvent::StockAdded { amount: 5 })?;
    let commits = (1..=length).flat_map(|number| ids.iter().map(move |id| (id, number)));
    stream::iter(commits)
        .map(|(id, number)| {
            let commit = commit(id, number, event.clone());
            async move { store.append(&commit).await.map(drop) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// New random ids.
pub(crate) fn ids(count: usize) -> Vec<ResourceId> {
    (0..count).map(|_| Uuid::new_v4().into()).collect()
}

fn commit(id: &ResourceId, number: u64, event: EncodedEvent) -> Commit {
    let at = Timestamp::from_unix_millis(1_700_000_000_000 + number);
    Commit {
        resource: ResourceKey::new(Stock::TYPE, id),
        number,
        events: vec![event],
        at,
        id: Uuid::now_v7().into(),
        trace: Some(TraceParent::new_root(at)),
        cause: None,
        meta: None,
    }
}
