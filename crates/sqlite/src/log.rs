//! [`Log`]: how long the write-ahead log is, and when it is folded into the file.
//!
//! A transaction is appended to the log, and from there goes into the file in a checkpoint, in which all changes of one
//! page count as one. The longer the log the less there is to do for each commit; but readers look through it, and so
//! does whoever opens the file after a crash. So a checkpoint is made between transactions, never within one, when the
//! log has grown long: sooner when nobody waits. And it is made when nothing was written for a while, however short the log is:
//! the file alone is then a complete copy.
//!
//! After a checkpoint SQLite writes the log from its beginning again. That is faster than to make a file longer. Only that of an
//! idle store is emptied. Each log says which file it belongs to: see [`seal`](crate::seal).

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use aws_event_sourcing_core::ErrorChain;
use rusqlite::{Connection, ErrorCode, MAIN_DB, hooks::Wal, wal::CheckpointMode};

use crate::{
    connection::{self, without_waiting},
    path::FilePath,
    seal::{self, Seal, State},
};

/// Pages of 4 KB after which a checkpoint is made, when nobody waits and in any case.
const LONG: i32 = 4_000;
const TOO_LONG: i32 = 16_000;

/// The log of a connection that writes.
pub(crate) struct Log {
    path: FilePath,
    pages: Arc<AtomicI32>,
    /// How long it was when a checkpoint was last made.
    folded_at: i32,
    /// How long it was when this connection last committed.
    length: i32,
    counting: Counting,
    checkpoints: Checkpoints,
    /// The seal's number as it was last seen, and the one that the file alone has at least.
    number: i64,
    in_file: i64,
}

/// Whether the next transaction has to count, because the log begins anew with it, or has begun without that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    Due,
    /// The transaction under way does.
    UnderWay,
    Done,
}

/// How checkpoints went lately. That they fail is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkpoints {
    Succeed,
    Fail,
}

/// How much of the log is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folded {
    /// All of it.
    Whole,
    /// Not all: somebody reads what the file had before, or is writing.
    NotYet,
}

impl Log {
    pub(crate) fn of(connection: &mut Connection, path: FilePath) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, pages| {
            told.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            path,
            pages,
            folded_at: 0,
            length: 0,
            counting: Counting::Due,
            checkpoints: Checkpoints::Succeed,
            number: 0,
            in_file: 0,
        })
    }

    /// Begins a transaction. When the file alone is complete, one that does nothing but say otherwise comes first.
    pub(crate) fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        loop {
            connection::run(connection, "BEGIN IMMEDIATE")?;
            let seal = Seal::read(connection)?;
            self.number = seal.number;
            match seal.state {
                State::InUse => break,
                State::Folded => {
                    seal::count(connection, self.in_file, State::InUse)?;
                    connection::run(connection, "COMMIT")?;
                    self.number += 1;
                    self.fold_in(connection);
                }
            }
        }
        if self.counting == Counting::Due {
            seal::count(connection, self.in_file, State::InUse)?;
            self.counting = Counting::UnderWay;
        }
        Ok(())
    }

    /// Is told that the transaction is committed.
    pub(crate) fn committed(&mut self) {
        let length = self.pages.load(Ordering::Relaxed);
        self.counting = match self.counting {
            Counting::UnderWay => Counting::Done,
            _ if length < self.length => Counting::Due,
            counting => counting,
        };
        self.length = length;
    }

    /// Is told that the transaction was rolled back.
    pub(crate) fn rolled_back(&mut self) {
        if self.counting == Counting::UnderWay {
            self.counting = Counting::Due;
        }
    }

    /// How many frames it had when this connection last committed.
    pub(crate) fn length(&self) -> i32 {
        self.length
    }

    /// Whether it is long enough for a checkpoint.
    pub(crate) fn is_long(&mut self, nobody_waits: bool) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.folded_at {
            // It has begun anew.
            self.folded_at = 0;
        }
        pages - self.folded_at >= if nobody_waits { LONG } else { TOO_LONG }
    }

    /// Makes a checkpoint: does what can be done without waiting for anybody. What readers still need stays in the
    /// log, which then grows on until the next time.
    pub(crate) fn fold_in(&mut self, connection: &Connection) {
        self.folded_at = self.pages.load(Ordering::Relaxed);
        let made = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
        self.made(made);
    }

    /// Has the file alone say everything, and empties the log. Waits for nobody.
    pub(crate) fn fold_for_good(&mut self, connection: &mut Connection) -> Folded {
        let folded = without_waiting(connection, |connection| {
            if Seal::read(connection)?.state == State::InUse {
                connection::run(connection, "BEGIN IMMEDIATE")?;
                let counted = seal::count(connection, self.in_file, State::Folded)
                    .and_then(|()| Seal::read(connection))
                    .and_then(|seal| connection::run(connection, "COMMIT").map(|()| seal.number));
                connection::roll_back_unless(connection, &counted)?;
                self.number = counted?;
            }
            connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE)
        });
        match self.made(folded) {
            Folded::Whole => {
                self.pages.store(0, Ordering::Relaxed);
                (self.folded_at, self.length) = (0, 0);
                Folded::Whole
            }
            Folded::NotYet => {
                self.fold_in(connection);
                Folded::NotYet
            }
        }
    }

    /// What a checkpoint has done: to how many frames of how many.
    fn made(&mut self, checkpoint: rusqlite::Result<(i32, i32)>) -> Folded {
        match checkpoint {
            Ok((frames, folded)) => {
                self.checkpoints = Checkpoints::Succeed;
                if frames < 0 || frames != folded {
                    return Folded::NotYet;
                }
                self.in_file = self.in_file.max(self.number);
                self.counting = Counting::Due;
                Folded::Whole
            }
            // Somebody else reads, writes, or is at it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Folded::NotYet,
            Err(error) => {
                if self.checkpoints == Checkpoints::Succeed {
                    tracing::warn!(
                        file = %self.path, error = %ErrorChain::of(&error),
                        "the log of the event store could not be folded into its file"
                    );
                }
                self.checkpoints = Checkpoints::Fail;
                Folded::NotYet
            }
        }
    }
}
