//! [`Writer`]: the one thread of a store that writes.
//!
//! Appends wait in a queue. The writer takes all that wait, stores them in one transaction, and answers each when they
//! are on the disk. What takes long in a commit is to wait for the disk, so it is as fast for a hundred as it is for
//! one, and the next hundred gather meanwhile.
//!
//! When a transaction fails, none of its commits is stored. That may be because of one of them alone, a large one when
//! the disk is nearly full: so each is then tried once more by itself, and gets an error of its own if that fails too.
//! The next ones are tried as if nothing had happened: when there is room again, they are stored.
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
use tokio::sync::{mpsc, oneshot, watch};

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

/// How long the writer waits on its feet for the next append to come: less than a transaction takes.
const MOMENT: Duration = Duration::from_micros(100);

/// How long another process gets to take the lock, and for how long it is remembered that there is one.
const WAY: Duration = BETWEEN_LOOKS.saturating_mul(2);
const MEMORY: Duration = Duration::from_millis(200);

/// The way to the thread that writes. The thread ends, after what is in the queue, when this is gone.
pub(crate) struct Writer {
    path: FilePath,
    queue: mpsc::Sender<Request>,
    appended: watch::Sender<()>,
}

enum Request {
    Append(Box<Record>, oneshot::Sender<Outcome>),
    Change(Change),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// What is to be done to anything but events, in a transaction of its own. It answers by itself.
type Change = Box<dyn FnOnce(&Connection) + Send>;

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        path: FilePath,
        connection: Connection,
        readers: [Readers; 2],
    ) -> Result<Self, Error> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let appended = watch::Sender::default();
        let thread = Thread::new(path.clone(), connection, queue, readers, appended.clone())?;
        thread::Builder::new()
            .name("events-writer".to_owned())
            .spawn(|| thread.run())
            .map_err(|source| Error::Io { path: path.clone(), doing: Doing::Opening, source })?;
        Ok(Self { path, queue: sender, appended })
    }

    /// Stores a commit with the next transaction.
    pub(crate) async fn append(&self, record: Record) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let Ok(()) = self.queue.send(Request::Append(Box::new(record), answer)).await else {
            return Err(Error::Closed { path: self.path.clone() }.into());
        };
        answered.await.unwrap_or_else(|_| Err(Error::WriterGone { path: self.path.clone() }.into()))
    }

    /// Is told whenever this store has stored events. Other processes, and other stores of this one, do not count.
    pub(crate) fn appended(&self) -> watch::Receiver<()> {
        self.appended.subscribe()
    }

    /// Makes a change in a transaction of its own, after what waits. It is made to its end, whether or not anybody waits
    /// for it.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let path = self.path.clone();
        let change = Box::new(move |connection: &Connection| {
            drop(answer.send(transaction::run_in(connection, &path, change)));
        });
        let Ok(()) = self.queue.send(Request::Change(change)).await else {
            return Err(Error::Closed { path: self.path.clone() });
        };
        answered.await.unwrap_or_else(|_| Err(Error::WriterGone { path: self.path.clone() }))
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
    /// Their connections are closed before the one that writes.
    readers: [Readers; 2],
    log: Log,
    /// Is told of every transaction that has stored events.
    appended: watch::Sender<()>,
    /// The last position that this thread has seen.
    position: Option<i64>,
    /// When it last gave the lock back.
    released: Instant,
    /// When it last saw that somebody else had written.
    other_seen: Option<Instant>,
}

impl Thread {
    fn new(
        path: FilePath,
        mut connection: Connection,
        queue: mpsc::Receiver<Request>,
        readers: [Readers; 2],
        appended: watch::Sender<()>,
    ) -> Result<Self, Error> {
        let log = Log::of(&mut connection).map_err(|source| Error::sqlite(&path, Doing::Opening, source))?;
        let released = Instant::now();
        Ok(Self {
            path,
            connection,
            queue,
            readers,
            log,
            appended,
            position: None,
            released,
            other_seen: None,
        })
    }

    fn run(mut self) {
        let mut requests = Vec::new();
        let (mut records, mut answers, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        let mut close = None;
        while self.queue.blocking_recv_many(&mut requests, BATCH) > 0 {
            for request in requests.drain(..) {
                match request {
                    // What nobody waits for any more is not stored.
                    Request::Append(_, answer) if answer.is_closed() => {}
                    Request::Append(record, answer) => {
                        records.push(*record);
                        answers.push(answer);
                    }
                    Request::Change(change) => changes.push(change),
                    Request::Close(answer) => {
                        self.queue.close();
                        close.get_or_insert(answer);
                    }
                }
            }
            let expected = records.len();
            self.serve(&records, &mut answers);
            records.clear();
            for change in changes.drain(..) {
                self.give_way();
                change(&self.connection);
                self.released = Instant::now();
            }
            self.log.fold_in_if_long(&self.connection, &self.path, self.queue.is_empty());
            self.gather(expected);
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

    /// Waits for as many appends as were answered just now, for as long as they keep coming: their callers are about to
    /// come back, and two transactions take nearly twice as long as one of twice the size. One caller alone has nobody
    /// to wait for.
    fn gather(&self, expected: usize) {
        let (mut waiting, mut since) = (0, Instant::now());
        while expected > 1 && waiting < expected && since.elapsed() < MOMENT {
            thread::yield_now();
            let now_waiting = self.queue.len();
            if now_waiting > waiting {
                (waiting, since) = (now_waiting, Instant::now());
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
        match self.try_to_store(batch) {
            Ok(outcomes) => outcomes,
            // Nobody's fault, and it took long enough.
            Err(Error::Locked { path }) => {
                batch.iter().map(|_| Err(Error::Locked { path: path.clone() }.into())).collect()
            }
            Err(_) => {
                // If it was for want of room, there is some in the log.
                self.log.fold_in(&self.connection, &self.path);
                let each = batch.iter().map(slice::from_ref);
                each.flat_map(|one| self.try_to_store(one).unwrap_or_else(|error| vec![Err(error.into())]))
                    .collect()
            }
        }
    }

    fn try_to_store(&mut self, batch: &[Record]) -> Result<Vec<Outcome>, Error> {
        self.give_way();
        let stored = transaction::store(&self.connection, &self.path, batch);
        self.released = Instant::now();
        let stored = stored?;
        if self.position.is_some_and(|position| position != stored.position_before) {
            self.other_seen = Some(self.released);
        }
        self.position = Some(stored.position);
        if stored.position != stored.position_before {
            self.appended.send_replace(());
        }
        Ok(stored.outcomes)
    }

    /// Lets other processes have the lock in between, if there are any.
    fn give_way(&self) {
        if self.other_seen.is_some_and(|seen| seen.elapsed() < MEMORY) {
            thread::sleep(WAY.saturating_sub(self.released.elapsed()));
        }
    }

    /// Closes the file. If nobody else has it open, SQLite folds in the log and removes it.
    fn close(self) -> Result<(), Error> {
        for readers in &self.readers {
            readers.close_idle();
        }
        self.connection.close().map_err(|(_, source)| Error::sqlite(&self.path, Doing::Closing, source))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use aws_event_sourcing_core::{
        AppendError, Appended, Commit, CommitId, EncodedEvent, Json, ResourceKey, StoreErrorKind, Timestamp,
    };

    use super::*;
    use crate::open;

    /// The thread of a new store, without the thread.
    fn thread(folder: &Path) -> Thread {
        let path = FilePath::new(&folder.join("events.db")).unwrap();
        let connection = open::open(&path).unwrap();
        let readers = [Readers::new(path.clone()), Readers::following(path.clone())];
        Thread::new(path, connection, mpsc::channel(1).1, readers, watch::Sender::default()).unwrap()
    }

    fn record(id: &str, number: u64, bytes: usize) -> Record {
        let data = Some(Json::from_stored(format!("\"{}\"", "a".repeat(bytes))));
        Record::new(&Commit {
            resource: ResourceKey::new("note", id),
            number,
            events: vec![EncodedEvent { event_type: "Noted".into(), data }],
            at: Timestamp::from_unix_millis(0),
            id: CommitId::from(format!("{id}-{number}")),
            follows: None,
            trace: None,
            cause: None,
            meta: None,
        })
        .unwrap()
    }

    fn kinds(outcomes: Vec<Outcome>) -> Vec<Result<Appended, StoreErrorKind>> {
        let kind = |error| match error {
            AppendError::Store(error) => error.kind(),
            AppendError::Conflict(_) => panic!("a conflict"),
        };
        outcomes.into_iter().map(|outcome| outcome.map_err(kind)).collect()
    }

    #[test]
    fn what_does_not_fit_is_refused_alone_and_stored_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut thread = thread(folder.path());
        thread.connection.pragma_update(None, "max_page_count", 20).unwrap();
        let batch =
            [record("a", 1, 10), record("b", 1, 300_000), record("a", 2, 10), record("c", 1, 300_000)];
        let full = Err(StoreErrorKind::Full);
        for stored in [Ok(Appended::Now), Ok(Appended::Before)] {
            assert_eq!(kinds(thread.store(&batch)), [stored, full, stored, full]);
            assert_eq!(kinds(thread.store(&batch[1..2])), [full]);
            assert_eq!(kinds(thread.store(&batch[2..3])), [Ok(Appended::Before)]);
        }
        thread.connection.pragma_update(None, "max_page_count", 1000).unwrap();
        let (before, now) = (Ok(Appended::Before), Ok(Appended::Now));
        assert_eq!(kinds(thread.store(&batch)), [before, now, before, now]);
        assert_eq!(thread.position, Some(4));
    }

    #[test]
    fn who_cannot_have_the_lock_is_told_so_and_has_it_later() {
        let folder = tempfile::tempdir().unwrap();
        let mut thread = thread(folder.path());
        thread.connection.busy_timeout(Duration::ZERO).unwrap();
        let other = open::open(&thread.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let batch = [record("a", 1, 10), record("b", 1, 10)];
        assert_eq!(kinds(thread.store(&batch)), [Err(StoreErrorKind::Unavailable); 2]);
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(kinds(thread.store(&batch)), [Ok(Appended::Now); 2]);
    }

    #[test]
    fn a_batch_beyond_its_size_is_stored_and_answered_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut thread = thread(folder.path());
        let records: Vec<_> = (0..30).map(|id| record(&id.to_string(), 1, 300_000)).collect();
        let (mut answers, mut answered): (Vec<_>, Vec<_>) =
            records.iter().map(|_| oneshot::channel()).unzip();
        // Nobody waits for this one any more; the others get their answers all the same.
        answered.swap_remove(7);
        thread.serve(&records, &mut answers);
        assert!(answers.is_empty());
        for mut answer in answered {
            assert_eq!(kinds(vec![answer.try_recv().unwrap()]), [Ok(Appended::Now)]);
        }
        assert_eq!(thread.position, Some(30));
    }
}
