//! How far subscriptions are: the [`ProgressStore`] of a SQLite file.
//!
//! Changes go to the thread that writes, each as a transaction of its own; see [`records`] for what they do to the tables.
//! Those of a process that has a [lease](crate::lease) are made as long as it has it.

mod leases;
mod records;

use std::sync::Arc;

use aws_event_sourcing_core::{
    ResourceId, StoreError, Timestamp,
    subscription::{
        LeasedProgress, ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start,
        SubscriptionKey, Swap, UnreadableRecord,
    },
};
use futures_core::future::BoxFuture;

use crate::{
    error::Doing,
    lease::{Holder, Lease},
    store::SqliteStore,
};

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

    /// Who has the lease of a subscription, or had it last.
    pub(crate) async fn holder(&self, key: &SubscriptionKey) -> Result<Option<Holder>, StoreError> {
        let key = key.clone();
        self.look_up(move |connection| leases::holder(connection, &key)).await
    }

    /// Makes somebody the next to have the lease. Whether nobody was before them.
    pub(crate) async fn take(&self, key: &SubscriptionKey, next: Holder) -> Result<bool, StoreError> {
        let key = key.clone();
        self.change(move |connection| leases::take(connection, &key, &next)).await
    }

    /// Changes the records in a transaction in which the lease is this process's.
    async fn change_by<T: Send + 'static>(
        &self,
        lease: &Lease,
        write: impl FnOnce(&rusqlite::Connection) -> Result<T, records::Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (key, term) = (lease.key().clone(), lease.term());
        let changed = if lease.is_ours() {
            self.change(move |connection| {
                let is_ours = leases::is_of_term(connection, &key, term)?;
                if is_ours { write(connection).map(Some) } else { Ok(None) }
            })
            .await?
        } else {
            None
        };
        changed.ok_or_else(|| {
            lease.lose();
            lease.not_ours().into()
        })
    }

    /// Notes where a subscription is.
    pub(crate) async fn save(&self, lease: &Lease, place: i64) -> Result<(), StoreError> {
        let key = lease.key().clone();
        self.change_by(lease, move |connection| records::save(connection, &key, place)).await
    }
}

/// The progress of a process that follows: what it notes, it notes as long as the file is its own to follow.
pub(crate) struct Leased {
    pub(crate) store: SqliteStore,
    pub(crate) lease: Arc<Lease>,
}

impl LeasedProgress for Leased {
    fn advance<'a>(&'a self, handled: &'a [(ResourceId, u64)]) -> BoxFuture<'a, Result<(), StoreError>> {
        let (key, handled) = (self.lease.key().clone(), handled.to_vec());
        let write = move |connection: &_| records::advance(connection, &key, &handled);
        Box::pin(self.store.change_by(&self.lease, write))
    }

    fn swap<'a>(
        &'a self,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        let (key, id, next) = (self.lease.key().clone(), id.clone(), next.clone());
        let write = move |connection: &_| records::swap(connection, &key, &id, seen, &next, None);
        Box::pin(self.store.change_by(&self.lease, write))
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
    ) -> BoxFuture<'a, Result<Vec<Result<Progress, UnreadableRecord>>, StoreError>> {
        let (path, key, ids) = (self.file().clone(), key.clone(), ids.to_vec());
        Box::pin(self.look_up(move |connection| records::load(connection, &path, &key, &ids)))
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
        let (path, key, after) = (self.file().clone(), key.clone(), after.cloned());
        let limit = limit.clamp(1, LONGEST);
        Box::pin(
            self.look_up(move |connection| {
                records::parked(connection, &path, &key, due, limit, after.as_ref())
            }),
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
