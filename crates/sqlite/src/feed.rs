//! The change feed of a SQLite file: events in the order of their positions, page by page, and then as they come.
//!
//! Whoever follows is woken when this store has stored events. What other processes store is noticed by looking, every
//! [`LOOK_EVERY`].

mod page;

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    StoreError,
    subscription::{Batch, Continuity, Feed, Hold, Part, Registration, SubscriptionKey},
};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::{oneshot, watch},
    time::{sleep, timeout},
};

use self::page::{Page, SHORTEST, Then};
use crate::{error::Error, lock::Lock, store::SqliteStore};

/// How often it is looked for events of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked whether another process has given up a lock.
const TRY_EVERY: Duration = Duration::from_millis(100);

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
        let lock = loop {
            match Lock::try_take(self.file(), key)? {
                Some(lock) => break lock,
                None => sleep(TRY_EVERY).await,
            }
        };
        let place = self.place(key).await?;
        let path = self.file().clone();
        let place = self.following().get(move |connection| page::begin(connection, &path, place)).await?;
        let name = self.file().as_path().file_name().unwrap_or_default().to_string_lossy();
        let hold = Held { store: self.clone(), key: key.clone(), _lock: lock, _held: held };
        Ok(Part {
            name: name.into(),
            continuity: Continuity::Unbroken,
            batches: batches(self.clone(), key.resource_type.clone(), place),
            hold: Arc::new(hold),
        })
    }
}

/// Batches behind a place, without an end.
fn batches(
    store: SqliteStore,
    resource_type: Arc<str>,
    place: i64,
) -> BoxStream<'static, Result<Batch, StoreError>> {
    let appended = store.writer().appended();
    let following = Following { store, resource_type, place, length: SHORTEST, appended, ahead: None };
    stream::try_unfold(following, |mut following| async {
        let batch = following.next().await?;
        Ok(Some((batch, following)))
    })
    .boxed()
}

struct Following {
    store: SqliteStore,
    resource_type: Arc<str>,
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
    async fn next(&mut self) -> Result<Batch, StoreError> {
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
            if page.up_to > self.place {
                (self.place, self.length) = (page.up_to, page.next_length());
                if page.then == Then::More {
                    // While this one is being handled.
                    self.ahead = Some(self.read());
                }
                return Ok(page.into_batch(&self.resource_type)?);
            }
            // Woken or not: it is looked again.
            let _ = timeout(LOOK_EVERY, self.appended.changed()).await;
        }
    }

    /// Begins to read what is behind the place.
    fn read(&self) -> Reading {
        let (answer, answered) = oneshot::channel();
        let (path, of) = (self.store.file().clone(), self.resource_type.clone());
        let (place, length) = (self.place, self.length);
        self.store.following().start(move |connection| {
            let page = connection.and_then(|connection| Page::read(connection, &path, &of, place, length));
            // Nobody takes it when the follower has gone away.
            drop(answer.send(page));
        });
        answered
    }
}

/// The lock, and what it is about.
struct Held {
    store: SqliteStore,
    key: SubscriptionKey,
    _lock: Lock,
    /// Dropped with the lock, and after it.
    _held: oneshot::Sender<()>,
}

impl Hold for Held {
    fn is_ours(&self) -> bool {
        true
    }

    fn save(&self, position: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.store.save(&self.key, position.cast_signed()).await })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Nothing to do before it is dropped: the lock tells everybody.
    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
