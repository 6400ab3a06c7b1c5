//! [`Writer`]: the one thread of a store that writes.
//!
//! Appends wait in a queue. The writer takes all that wait, stores them in one transaction, and answers each when they
//! are on the disk. What takes long in a commit is to wait for the disk, so it is as fast for a hundred as it is for
//! one, and the next hundred gather meanwhile.
//!
//! When a transaction fails, none of its commits is stored. It may have been for one of them alone, a large one when
//! the disk is nearly full: so each is then tried once by itself.
//!
//! # Several processes
//!
//! Each takes the lock for a transaction, and then others wait that look for it every 250 µs. A busy writer would take
//! it again before they look. So a writer that has noticed another lets some time pass between its transactions, a
//! little more than the time between two looks.

use std::{
    slice, thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    connection::BETWEEN_LOOKS,
    error::{Doing, Error},
    log::Log,
    path::FilePath,
    readers::Readers,
    transaction::{self, Outcome, Record},
};

/// Appends that may wait. Whoever comes after that waits to be let into the queue.
const QUEUE: usize = 1024;

/// The most appends in one transaction.
const BATCH: usize = 1024;

/// The most bytes in one transaction, but for its last append.
const BATCH_BYTES: usize = 4 << 20;

/// How long another process gets to take the lock, and for how long it is remembered that there is one.
const WAY: Duration = BETWEEN_LOOKS.saturating_mul(2);
const MEMORY: Duration = Duration::from_millis(200);

/// The way to the thread that writes. The thread ends, after what is in the queue, when this is gone.
pub(crate) struct Writer {
    path: FilePath,
    queue: mpsc::Sender<Request>,
}

enum Request {
    Append(Record, oneshot::Sender<Outcome>),
    Close(oneshot::Sender<Result<(), Error>>),
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(path: FilePath, mut connection: Connection, readers: Readers) -> Result<Self, Error> {
        let log = Log::of(&mut connection).map_err(|source| Error::sqlite(&path, Doing::Opening, source))?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let thread = Thread {
            path: path.clone(),
            connection,
            queue,
            readers,
            log,
            position: None,
            released: Instant::now(),
            other_seen: None,
        };
        thread::Builder::new()
            .name("events-writer".to_owned())
            .spawn(|| thread.run())
            .map_err(|source| Error::Io { path: path.clone(), doing: Doing::Opening, source })?;
        Ok(Self { path, queue: sender })
    }

    /// Stores a commit with the next transaction.
    pub(crate) async fn append(&self, record: Record) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let Ok(()) = self.queue.send(Request::Append(record, answer)).await else {
            return Err(Error::Closed { path: self.path.clone() }.into());
        };
        answered.await.unwrap_or_else(|_| Err(Error::WriterGone { path: self.path.clone() }.into()))
    }

    /// Has the thread refuse new appends, store what waits, close the file and end.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        match self.queue.send(Request::Close(answer)).await {
            Ok(()) => answered.await.unwrap_or(Ok(())),
            // Somebody else has closed it.
            Err(_) => Ok(()),
        }
    }
}

/// What the thread has.
struct Thread {
    path: FilePath,
    connection: Connection,
    queue: mpsc::Receiver<Request>,
    readers: Readers,
    log: Log,
    /// The last position that this thread has seen.
    position: Option<i64>,
    /// When it last gave the lock back.
    released: Instant,
    /// When it last saw that somebody else had written.
    other_seen: Option<Instant>,
}

impl Thread {
    fn run(mut self) {
        let mut requests = Vec::new();
        let (mut records, mut answers) = (Vec::new(), Vec::new());
        let mut close = None;
        while self.queue.blocking_recv_many(&mut requests, BATCH) > 0 {
            for request in requests.drain(..) {
                match request {
                    // What nobody waits for any more is not stored.
                    Request::Append(_, answer) if answer.is_closed() => {}
                    Request::Append(record, answer) => {
                        records.push(record);
                        answers.push(answer);
                    }
                    Request::Close(answer) => {
                        self.queue.close();
                        close.get_or_insert(answer);
                    }
                }
            }
            self.serve(&records, &mut answers);
            records.clear();
            self.log.fold_in(&self.connection, &self.path, self.queue.is_empty());
        }
        let closed = self.close();
        match close {
            Some(answer) => drop(answer.send(closed)),
            None => {
                if let Err(error) = closed {
                    tracing::warn!(error = &error as &dyn std::error::Error, "an event store was left open");
                }
            }
        }
    }

    /// Stores these appends, in as many transactions as their size asks for, and answers them.
    fn serve(&mut self, mut records: &[Record], answers: &mut Vec<oneshot::Sender<Outcome>>) {
        while !records.is_empty() {
            let mut bytes = 0;
            let batch = records.iter().take_while(|record| {
                let fits = bytes < BATCH_BYTES;
                bytes += record.bytes();
                fits
            });
            let (batch, rest) = records.split_at(batch.count());
            let outcomes = self.store(batch);
            for (answer, outcome) in answers.drain(..batch.len()).zip(outcomes) {
                // Whoever has dropped their future does not learn what came of it.
                drop(answer.send(outcome));
            }
            records = rest;
        }
    }

    fn store(&mut self, batch: &[Record]) -> Vec<Outcome> {
        self.give_way();
        let stored = transaction::store(&self.connection, &self.path, batch);
        self.released = Instant::now();
        match stored {
            Ok(stored) => {
                if self.position.is_some_and(|position| position != stored.position_before) {
                    self.other_seen = Some(self.released);
                }
                self.position = Some(stored.position);
                stored.outcomes
            }
            Err(Error::Locked { path }) => {
                batch.iter().map(|_| Err(Error::Locked { path: path.clone() }.into())).collect()
            }
            Err(error) if batch.len() == 1 => vec![Err(error.into())],
            Err(_) => batch.iter().flat_map(|record| self.store(slice::from_ref(record))).collect(),
        }
    }

    /// Lets other processes have the lock in between, if there are any.
    fn give_way(&self) {
        if self.other_seen.is_some_and(|seen| seen.elapsed() < MEMORY) {
            thread::sleep(WAY.saturating_sub(self.released.elapsed()));
        }
    }

    /// Closes the file. If nobody else has it open, SQLite folds in the log and removes it.
    fn close(self) -> Result<(), Error> {
        self.readers.close_idle();
        self.connection.close().map_err(|(_, source)| Error::sqlite(&self.path, Doing::Closing, source))
    }
}
