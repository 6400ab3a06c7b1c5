//! The change feed of a SQLite file: events in the order of their positions, page by page, and then as they come.
//!
//! Whoever follows is woken when this store has stored events. What other processes store is noticed by looking, every
//! [`LOOK_EVERY`].
//!
//! Who may follow is decided by a [lease](crate::lease), which [`turn`] waits for.

mod page;
mod turn;

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    StoreError,
    subscription::{Batch, Continuity, Feed, Hold, LeasedProgress, Part, Registration, SubscriptionKey},
};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use self::page::{Page, SHORTEST, Then};
use crate::{error::Error, lease::Lease, progress::Leased, store::SqliteStore};

/// How often it is looked for events of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Feed for SqliteStore {
    /// One part: the file.
    ///
    /// # Panics
    ///
    /// When the stream is polled outside of a tokio runtime with timers.
    fn follow(
        &self,
        key: &SubscriptionKey,
        _: &Registration,
    ) -> BoxStream<'static, Result<Part, StoreError>> {
        let state = (self.clone(), key.clone(), None::<oneshot::Receiver<()>>);
        stream::unfold(state, |(store, key, held)| async {
            if let Some(held) = held {
                // Nothing is sent: the sender goes away with the hold.
                let _ = held.await;
            }
            let (hold, held) = oneshot::channel();
            let part = store.part(&key, hold).await;
            Some((part, (store, key, Some(held))))
        })
        .boxed()
    }
}

impl SqliteStore {
    /// The file, as soon as no other process follows it for that key.
    async fn part(&self, key: &SubscriptionKey, held: oneshot::Sender<()>) -> Result<Part, StoreError> {
        let lease = Arc::new(turn::wait(self, key).await?);
        let hold = Held::new(self.clone(), lease.clone(), held);
        let place = self.place(key).await?;
        let path = self.file().clone();
        let place = self.following().get(move |connection| page::begin(connection, &path, place)).await?;
        Ok(Part {
            name: self.file().name(),
            continuity: Continuity::Unbroken,
            batches: batches(self.clone(), lease, place),
            hold: Arc::new(hold),
        })
    }
}

/// Batches behind a place, for as long as the lease is ours.
fn batches(
    store: SqliteStore,
    lease: Arc<Lease>,
    place: i64,
) -> BoxStream<'static, Result<Batch, StoreError>> {
    let appended = store.writer().appended();
    let following = Following { store, lease, place, length: SHORTEST, appended, ahead: None };
    stream::try_unfold(following, |mut following| async {
        let batch = following.next().await?;
        Ok(batch.map(|batch| (batch, following)))
    })
    .boxed()
}

struct Following {
    store: SqliteStore,
    lease: Arc<Lease>,
    place: i64,
    /// How many positions the next page is to reach over.
    length: usize,
    appended: watch::Receiver<()>,
    /// The next page, when it is being read already.
    ahead: Option<Reading>,
}

/// A page on its way from the reader.
type Reading = oneshot::Receiver<Result<Page, Error>>;

impl Following {
    /// None when another process has the lease.
    async fn next(&mut self) -> Result<Option<Batch>, StoreError> {
        loop {
            let read = match self.ahead.take() {
                Some(ahead) => ahead,
                None => {
                    // What is stored from here on wakes it up below.
                    self.appended.mark_unchanged();
                    self.read()
                }
            };
            let page = read.await.unwrap_or_else(|_| Err(self.store.following().interrupted()))?;
            if !self.lease.is_ours() {
                return Ok(None);
            }
            if page.up_to > self.place {
                (self.place, self.length) = (page.up_to, page.next_length());
                if page.then == Then::More {
                    // While this one is being handled.
                    self.ahead = Some(self.read());
                }
                return Ok(Some(page.into_batch(&self.lease.key().resource_type)?));
            }
            // Woken or not: it is looked again.
            let _ = timeout(LOOK_EVERY, self.appended.changed()).await;
        }
    }

    /// Begins to read what is behind the place.
    fn read(&self) -> Reading {
        let (answer, answered) = oneshot::channel();
        let (path, of) = (self.store.file().clone(), self.lease.key().resource_type.clone());
        let (place, length) = (self.place, self.length);
        let following = self.store.following().clone();
        self.store.following().start(move |connection| {
            let page = connection.and_then(|connection| Page::read(connection, &path, &of, place, length));
            let page = page.map_err(|error| following.reason(error));
            // Nobody takes it when the follower has gone away.
            drop(answer.send(page));
        });
        answered
    }
}

/// The lease in the hands of a follower. Kept for as long as it is not dropped.
struct Held {
    leased: Leased,
    keeping: JoinHandle<()>,
    /// Dropped with the lease, and after it.
    _held: oneshot::Sender<()>,
}

impl Held {
    fn new(store: SqliteStore, lease: Arc<Lease>, held: oneshot::Sender<()>) -> Self {
        let keeping = tokio::spawn(lease.clone().keep());
        Self { leased: Leased { store, lease }, keeping, _held: held }
    }

    fn lease(&self) -> &Lease {
        &self.leased.lease
    }
}

impl Hold for Held {
    fn is_ours(&self) -> bool {
        self.lease().is_ours()
    }

    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.leased.store.save(self.lease(), position.cast_signed()).await })
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        Some(&self.leased)
    }

    /// It has no end but that another process has it.
    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { if self.lease().is_ours() { Ok(()) } else { Err(self.lease().not_ours().into()) } })
    }

    /// Nothing to do before it is dropped: the lock tells everybody.
    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeping.abort();
        self.lease().give_back();
    }
}
