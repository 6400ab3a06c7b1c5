//! How far subscriptions are: the [`ProgressStore`] of a SQLite file.
//!
//! Changes go to the thread that writes, each as a transaction of its own; see [`records`] for what they do to the tables.

mod records;

use aws_event_sourcing_core::{
    ResourceId, StoreError, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey,
        Swap,
    },
};
use futures_core::future::BoxFuture;

use crate::{error::Doing, store::SqliteStore};

/// The most parked resources in a page, whatever the limit: a page is in memory as a whole.
const LONGEST: usize = 1_000;

impl SqliteStore {
    /// Reads something of the records.
    async fn look_up<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, records::Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.file().clone();
        let read = move |connection: &_| read(connection).map_err(|failed| failed.at(&path, Doing::Reading));
        Ok(self.readers().get(read).await?)
    }

    /// Changes the records, in a transaction.
    async fn change<T: Send + 'static>(
        &self,
        write: impl FnOnce(&rusqlite::Connection) -> Result<T, records::Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.file().clone();
        let write =
            move |connection: &_| write(connection).map_err(|failed| failed.at(&path, Doing::Writing));
        Ok(self.writer().change(write).await?)
    }

    /// Where a subscription is in the order of the whole store.
    pub(crate) async fn place(&self, key: &SubscriptionKey) -> Result<i64, StoreError> {
        let key = key.clone();
        self.look_up(move |connection| records::place(connection, &key)).await
    }

    /// Notes where a subscription is.
    pub(crate) async fn save(&self, key: &SubscriptionKey, place: i64) -> Result<(), StoreError> {
        let key = key.clone();
        self.change(move |connection| records::save(connection, &key, place)).await
    }
}

/// # Panics
///
/// When a future is polled outside of a tokio runtime.
impl ProgressStore for SqliteStore {
    fn register<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Registration, StoreError>> {
        let key = key.clone();
        Box::pin(self.change(move |connection| records::register(connection, &key, start, now)))
    }

    fn registered(&self) -> BoxFuture<'_, Result<Vec<Registration>, StoreError>> {
        Box::pin(self.look_up(records::registered))
    }

    fn load<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> BoxFuture<'a, Result<Vec<Progress>, StoreError>> {
        let (key, ids) = (key.clone(), ids.to_vec());
        Box::pin(self.look_up(move |connection| records::load(connection, &key, &ids)))
    }

    /// All in one transaction.
    fn advance<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (key, handled) = (key.clone(), handled.to_vec());
        Box::pin(self.change(move |connection| records::advance(connection, &key, &handled)))
    }

    fn swap<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
        skipped: Option<&'a Skipped>,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        let (key, id, next, skipped) = (key.clone(), id.clone(), next.clone(), skipped.cloned());
        Box::pin(
            self.change(move |connection| {
                records::swap(connection, &key, &id, seen, &next, skipped.as_ref())
            }),
        )
    }

    /// At most 1,000, whatever the limit.
    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> BoxFuture<'a, Result<ParkedPage, StoreError>> {
        let (key, after, limit) = (key.clone(), after.cloned(), limit.clamp(1, LONGEST));
        Box::pin(
            self.look_up(move |connection| records::parked(connection, &key, due, limit, after.as_ref())),
        )
    }

    fn skipped<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> BoxFuture<'a, Result<Vec<Skipped>, StoreError>> {
        let (key, id) = (key.clone(), id.clone());
        Box::pin(self.look_up(move |connection| records::skipped(connection, &key, &id)))
    }
}
