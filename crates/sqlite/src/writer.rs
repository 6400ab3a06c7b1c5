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
//! That a commit is on the disk is not enough: it has to be in a file that has a name. So before anything is answered it is
//! looked whether the [files](crate::files) are still there.
//!
//! # When there is nothing to do
//!
//! The writer looks after the files twice a second. When nobody has written for a second, it [folds the log](crate::log) into
//! the file for good.
//!
//! # Several processes
//!
//! Each takes the lock for a transaction, and then others wait that look for it every 250 µs. A busy writer would take
//! it again before they look. So a writer that has noticed another lets some time pass between its transactions, a
//! little more than the time between two looks.

use std::{
    slice,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use aws_event_sourcing_core::ErrorChain;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    connection::BETWEEN_LOOKS,
    error::{Doing, Error},
    files::Files,
    log::{Folded, Log},
    open::Open,
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

/// How often it is looked after the files when nothing is written.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long nobody has written before the log is folded in for good.
const IDLE: Duration = Duration::from_secs(1);

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
type Change = Box<dyn FnOnce(&mut Thread) + Send>;

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(path: FilePath, open: Open, readers: [Readers; 2]) -> Result<Self, Error> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let appended = watch::Sender::default();
        let thread = Thread::new(path.clone(), open, queue, readers, appended.clone())?;
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
        let change = Box::new(move |thread: &mut Thread| drop(answer.send(thread.change(change))));
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
    files: Arc<Files>,
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
    /// When it last looked after the files with nothing else to do.
    looked: Instant,
    quiet: Quiet,
    appends: Appends,
}

/// How long nobody has written, and what has been done about it.
struct Quiet {
    since: Instant,
    folded: Folded,
    /// What SQLite calls the version of the data: it changes with whatever others write.
    version: Option<i64>,
}

/// Whether appends succeed. That they do not, and that they do again, is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Appends {
    Succeed,
    Fail,
}

/// Wakes the thread up when there is something in the queue.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What there is to do.
enum Next {
    /// Requests.
    Serve,
    /// Nothing: it is time to look after the files.
    Look,
    /// Nothing, ever again.
    End,
}

impl Thread {
    fn new(
        path: FilePath,
        open: Open,
        queue: mpsc::Receiver<Request>,
        readers: [Readers; 2],
        appended: watch::Sender<()>,
    ) -> Result<Self, Error> {
        let Open { mut connection, files } = open;
        let log = Log::of(&mut connection, path.clone())
            .map_err(|source| Error::sqlite(&path, Doing::Opening, source))?;
        let now = Instant::now();
        Ok(Self {
            path,
            connection,
            files,
            queue,
            readers,
            log,
            appended,
            position: None,
            released: now,
            other_seen: None,
            looked: now,
            quiet: Quiet { since: now, folded: Folded::NotYet, version: None },
            appends: Appends::Succeed,
        })
    }

    fn run(mut self) {
        let mut requests = Vec::new();
        let (mut records, mut answers, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        let mut close = None;
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match self.next(&mut requests, &waker) {
                Next::Serve => {}
                Next::Look => {
                    self.look();
                    continue;
                }
                Next::End => break,
            }
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
                change(&mut self);
                self.released = Instant::now();
            }
            if self.log.is_long(self.queue.is_empty()) {
                self.fold_in();
            }
            self.gather(expected);
        }
        let closed = self.close();
        match close {
            Some(answer) => drop(answer.send(closed)),
            None => {
                if let Err(error) = closed {
                    tracing::warn!(error = %ErrorChain::of(&error), "an event store was not closed in good order");
                }
            }
        }
    }

    /// Waits for requests, until it is time to look after the files.
    fn next(&mut self, requests: &mut Vec<Request>, waker: &Waker) -> Next {
        loop {
            match self.queue.poll_recv_many(&mut Context::from_waker(waker), requests, BATCH) {
                Poll::Ready(0) => return Next::End,
                Poll::Ready(_) => return Next::Serve,
                Poll::Pending => {}
            }
            let left = LOOK_EVERY.saturating_sub(self.looked.elapsed());
            if left.is_zero() {
                return Next::Look;
            }
            thread::park_timeout(left);
        }
    }

    /// Looks after the files, and folds the log in when nobody has written for a while.
    fn look(&mut self) {
        self.looked = Instant::now();
        // Whoever reads or writes next is told, and the log has a line about it.
        if self.files.look_at_all(&self.connection).is_err() {
            return;
        }
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0)).ok();
        if self.quiet.version != version {
            self.quiet = Quiet { since: self.looked, folded: Folded::NotYet, version };
        }
        if self.quiet.folded == Folded::NotYet && self.quiet.since.elapsed() >= IDLE {
            self.quiet.folded = self.log.fold_for_good(&mut self.connection);
        }
    }

    /// Is told that it has written.
    fn has_written(&mut self) {
        self.released = Instant::now();
        (self.quiet.since, self.quiet.folded) = (self.released, Folded::NotYet);
    }

    /// Makes a checkpoint, into the file that the log belongs to and no other.
    fn fold_in(&mut self) {
        if self.is_whole().is_ok() {
            self.log.fold_in(&self.connection);
        }
    }

    /// Whether the file may be written: a checkpoint makes one that was cut short long again, and hides what it has lost.
    fn is_whole(&self) -> Result<(), Error> {
        self.files.check()?;
        self.files.look_at_all(&self.connection)
    }

    /// Whether what was written just now is in files that have their names.
    fn is_in_place(&self) -> Result<(), Error> {
        self.files.look_at_all(&self.connection)?;
        self.files.note_log(self.log.length());
        Ok(())
    }

    fn change<T>(&mut self, change: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.is_whole()?;
        let changed = transaction::run_in(&self.connection, &self.path, &mut self.log, change)?;
        self.has_written();
        self.is_in_place()?;
        Ok(changed)
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
            Err(Error::Lost { path, loss }) => {
                let lost = || Error::Lost { path: path.clone(), loss: loss.clone() };
                batch.iter().map(|_| Err(lost().into())).collect()
            }
            Err(_) => {
                // If it was for want of room, there is some in the log.
                self.fold_in();
                let each = batch.iter().map(slice::from_ref);
                each.flat_map(|one| self.try_to_store(one).unwrap_or_else(|error| vec![Err(error.into())]))
                    .collect()
            }
        }
    }

    fn try_to_store(&mut self, batch: &[Record]) -> Result<Vec<Outcome>, Error> {
        self.is_whole()?;
        self.give_way();
        let stored = transaction::store(&self.connection, &self.path, &mut self.log, batch);
        self.has_written();
        let stored = self.note(stored)?;
        self.is_in_place()?;
        if self.position.is_some_and(|position| position != stored.position_before) {
            self.other_seen = Some(self.released);
        }
        self.position = Some(stored.position);
        if stored.position != stored.position_before {
            self.appended.send_replace(());
        }
        Ok(stored.outcomes)
    }

    /// Says when appends begin to fail for everybody, and when they are over that.
    fn note<T>(&mut self, stored: Result<T, Error>) -> Result<T, Error> {
        let path = &self.path;
        match (&stored, self.appends) {
            (Err(error), Appends::Succeed) => {
                tracing::error!(file = %path, error = %ErrorChain::of(error), "the event store cannot store events");
                self.appends = Appends::Fail;
            }
            (Ok(_), Appends::Fail) => {
                tracing::info!(file = %path, "the event store stores events again");
                self.appends = Appends::Succeed;
            }
            _ => {}
        }
        stored
    }

    /// Lets other processes have the lock in between, if there are any.
    fn give_way(&self) {
        if self.other_seen.is_some_and(|seen| seen.elapsed() < MEMORY) {
            thread::sleep(WAY.saturating_sub(self.released.elapsed()));
        }
    }

    /// Closes the file. If nobody else has it open, SQLite folds in the log and removes it.
    fn close(mut self) -> Result<(), Error> {
        for readers in &self.readers {
            readers.close_idle();
        }
        if self.quiet.folded == Folded::NotYet && self.files.look_at_all(&self.connection).is_ok() {
            self.log.fold_for_good(&mut self.connection);
        }
        self.files.close(self.connection).map_err(|source| Error::sqlite(&self.path, Doing::Closing, source))
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
        let open = open::open(&path).unwrap();
        let files = || Arc::clone(&open.files);
        let readers = [Readers::new(path.clone(), files()), Readers::following(path.clone(), files())];
        Thread::new(path, open, mpsc::channel(1).1, readers, watch::Sender::default()).unwrap()
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
        let other = open::open(&thread.path).unwrap().connection;
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
