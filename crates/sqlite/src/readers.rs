//! [`Readers`]: connections that read, side by side with the writer and with each other.
//!
//! A read is a short job: one query for one page. It runs on a thread of tokio's blocking pool, with a connection that
//! it has to itself. There are only so many connections, opened when they are first needed; a job for which there is
//! none waits for one and blocks no thread meanwhile.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
};

use rusqlite::Connection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot},
    task::spawn_blocking,
};

use crate::{
    connection,
    error::{Doing, Error},
    files::Files,
    path::FilePath,
};

/// A bounded set of connections. Clones are the same set.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Set>);

struct Set {
    path: FilePath,

    most: usize,
    /// What each may keep of the file in memory: KiB.
    cache: i32,
    /// One for each connection that nobody uses, opened or not. Closed when the set is.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Behind the connections: they are closed first.
    files: Arc<Files>,
}

/// Connections that are kept at least. Each costs up to 2 MB when it has read much.
const FEWEST: usize = 4;
const CACHE: i32 = 2 << 10;

/// The same for what follows: it goes from resource to resource. More would be thrown away with each place that is saved.
const FOLLOWING_CACHE: i32 = 8 << 10;

impl Readers {
    pub(crate) fn new(path: FilePath, files: Arc<Files>) -> Self {
        Self::of(path, files, available_parallelism().map_or(1, usize::from).max(FEWEST), CACHE)
    }

    /// One connection, which remembers more.
    pub(crate) fn following(path: FilePath, files: Arc<Files>) -> Self {
        Self::of(path, files, 1, FOLLOWING_CACHE)
    }

    fn of(path: FilePath, files: Arc<Files>, most: usize, cache: i32) -> Self {
        let (permits, idle) = (Arc::new(Semaphore::new(most)), Mutex::default());
        Self(Arc::new(Set { path, most, cache, permits, idle, files }))
    }

    /// Has a job done with a connection, as soon as there is one, or with the reason why there will be none. It is
    /// done to its end, whether or not anybody waits for it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub(crate) fn start(&self, job: impl FnOnce(Result<&Connection, Error>) + Send + 'static) {
        let readers = self.clone();
        match self.permits().try_acquire_owned() {
            Ok(permit) => readers.run(permit, job),
            Err(TryAcquireError::NoPermits) => {
                // A task of its own: whoever waits in line must take its turn when it comes, polled or not.
                tokio::spawn(async move {
                    match readers.permits().acquire_owned().await {
                        Ok(permit) => readers.run(permit, job),
                        Err(_) => job(Err(readers.closed())),
                    }
                });
            }
            Err(TryAcquireError::Closed) => job(Err(self.closed())),
        }
    }

    fn run(
        self,
        permit: OwnedSemaphorePermit,
        job: impl FnOnce(Result<&Connection, Error>) + Send + 'static,
    ) {
        spawn_blocking(move || {
            match self.take() {
                Ok(connection) => {
                    job(Ok(&connection));
                    self.put_back(connection);
                }
                Err(error) => job(Err(error)),
            }
            drop(permit);
        });
    }

    /// The result of a job.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub(crate) async fn get<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.start(move |connection| drop(answer.send(connection.and_then(job))));
        let answer = answered.await.unwrap_or_else(|_| Err(self.interrupted()));
        answer.map_err(|error| self.reason(error))
    }

    /// Why something could not be read. SQLite, or the system, may be the first to notice that files are gone, and says something else.
    pub(crate) fn reason(&self, error: Error) -> Error {
        match error {
            Error::Sqlite { .. } | Error::Io { .. } | Error::Lock { .. } => {
                self.0.files.look().err().unwrap_or(error)
            }
            _ => error,
        }
    }

    fn take(&self) -> Result<Connection, Error> {
        let Set { path, cache, files, .. } = &*self.0;
        files.check()?;
        if let Some(connection) = self.idle().pop() {
            return Ok(connection);
        }
        // SQLite opens what has the name now.
        files.look()?;
        connection::open_to_read(path, *cache).map_err(|source| Error::sqlite(path, Doing::Reading, source))
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if !self.0.permits.is_closed() {
            idle.push(connection);
        } else {
            // A reader has nothing to lose.
            let _ = self.0.files.close(connection);
        }
    }

    /// Refuses new jobs, waits for those under way, and closes all connections.
    pub(crate) async fn close(&self) {
        let most = u32::try_from(self.0.most).unwrap_or(u32::MAX);
        // An error means that they are closed already.
        if let Ok(all) = self.0.permits.acquire_many(most).await {
            self.close_idle();
            drop(all);
        }
    }

    /// Refuses new jobs and closes the connections that nobody uses; the others close when their job is done.
    pub(crate) fn close_idle(&self) {
        self.0.permits.close();
        for connection in self.idle().drain(..) {
            // A reader has nothing to lose.
            let _ = self.0.files.close(connection);
        }
    }

    /// The error of a job whose result never came.
    pub(crate) fn interrupted(&self) -> Error {
        Error::Interrupted { path: self.0.path.clone() }
    }

    fn closed(&self) -> Error {
        Error::Closed { path: self.0.path.clone() }
    }

    fn permits(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.permits)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Nothing that is done under this lock leaves the list half-changed.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
