//! The change feed of a SQLite file: events in the order of their positions, page by page, and then as they come.
//!
//! Whoever follows is woken when this store has stored events. What other processes store is noticed by looking, every
//! [`LOOK_EVERY`].

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    ResourceKey, StoreError,
    subscription::{Batch, Continuity, Delivery, Feed, Hold, Part, Registration, SubscriptionKey},
};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use rusqlite::Connection;
use tokio::{
    sync::{oneshot, watch},
    time::{sleep, timeout},
};

use crate::{
    commits::Commits,
    error::{Doing, Error},
    lock::Lock,
    path::FilePath,
    rows::{PageSize, Rows},
    store::SqliteStore,
};

/// How often it is looked for events of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked whether another process has given up a lock.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// How much is read at a time.
const PAGE: PageSize = PageSize { rows: 1024, bytes: 1 << 20 };

/// Events of other types that are passed over at a time.
const PASSED_OVER: usize = 8 * 1024;

const EVENTS: &str = r#"
SELECT resource, position, first, id, number, type, data, at, "commit", trace, cause, meta
FROM events
WHERE position > ?1
ORDER BY position
"#;

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
    let following = Following { store, resource_type, place, appended, ahead: None };
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
                self.place = page.up_to;
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
        let (path, of, place) = (self.store.file().clone(), self.resource_type.clone(), self.place);
        self.store.following().start(move |connection| {
            let page = connection.and_then(|connection| Page::read(connection, &path, &of, place));
            // Nobody takes it when the follower has gone away.
            drop(answer.send(page));
        });
        answered
    }
}

/// Rows of one type between two places.
struct Page {
    rows: Rows,
    /// The position of the last event of each commit.
    positions: Vec<i64>,
    up_to: i64,
    then: Then,
}

/// What is behind a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// More.
    More,
    /// Nothing, when it was read.
    Nothing,
}

impl Page {
    fn read(
        connection: &Connection,
        path: &FilePath,
        resource_type: &str,
        place: i64,
    ) -> Result<Self, Error> {
        let mut page =
            Self { rows: Rows::default(), positions: Vec::new(), up_to: place, then: Then::Nothing };
        let filled = page.fill(connection, resource_type);
        page.then = filled.map_err(|source| Error::sqlite(path, Doing::Reading, source))?;
        Ok(page)
    }

    fn fill(&mut self, connection: &Connection, resource_type: &str) -> rusqlite::Result<Then> {
        let mut statement = connection.prepare_cached(EVENTS)?;
        let mut found = statement.query([self.up_to])?;
        let (mut passed_over, mut last_first) = (0, None);
        while let Some(row) = found.next()? {
            let position = row.get(1)?;
            if row.get_ref(0)?.as_bytes()? != resource_type.as_bytes() {
                // The events of a commit follow one another: the one before is whole.
                passed_over += 1;
                if passed_over > PASSED_OVER {
                    return Ok(Then::More);
                }
            } else {
                let first: i64 = row.get(2)?;
                let id = if last_first == Some(first) { None } else { Some(row.get_ref(3)?.as_str()?) };
                if !self.rows.take(row, 4, id, PAGE)? {
                    return Ok(Then::More);
                }
                last_first = Some(first);
                if self.rows.last_begins_commit() {
                    self.positions.push(position);
                } else if let Some(last) = self.positions.last_mut() {
                    *last = position;
                }
            }
            self.up_to = position;
        }
        Ok(Then::Nothing)
    }

    fn into_batch(self, resource_type: &Arc<str>) -> Result<Batch, Error> {
        // The rows say whose they are.
        let mut commits = Commits::new(ResourceKey::new(resource_type.clone(), ""));
        commits.turn_page(self.rows);
        let deliveries = commits
            .zip(self.positions)
            .map(|(commit, position)| Ok(Delivery { commit: commit?, position: position.cast_unsigned() }));
        Ok(Batch { deliveries: deliveries.collect::<Result<_, Error>>()?, up_to: self.up_to.cast_unsigned() })
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
