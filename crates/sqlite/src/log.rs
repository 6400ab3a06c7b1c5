//! [`Log`]: how long the write-ahead log is, and when it is folded into the file.
//!
//! A transaction is appended to the log, and from there goes into the file in a checkpoint, in which all changes of one
//! page count as one. The longer the log the less there is to do for each commit; but readers look through it, and so
//! does whoever opens the file after a crash. So a checkpoint is made between transactions, never within one, when the
//! log has grown long: sooner when nobody waits.
//!
//! After a checkpoint SQLite writes the log from its beginning again. That is faster than to make a file longer.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use rusqlite::{Connection, ErrorCode, MAIN_DB, hooks::Wal, wal::CheckpointMode};

use crate::path::FilePath;

/// Pages of 4 KB after which a checkpoint is made, when nobody waits and in any case.
const LONG: i32 = 4_000;
const TOO_LONG: i32 = 16_000;

/// The log of a connection that writes.
pub(crate) struct Log {
    pages: Arc<AtomicI32>,
    /// How long it was when a checkpoint was last made.
    folded_at: i32,
}

impl Log {
    pub(crate) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, pages| {
            told.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, folded_at: 0 })
    }

    /// Makes a checkpoint if the log is long enough for one.
    pub(crate) fn fold_in_if_long(&mut self, connection: &Connection, path: &FilePath, nobody_waits: bool) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.folded_at {
            // It has begun anew.
            self.folded_at = 0;
        }
        if pages - self.folded_at >= if nobody_waits { LONG } else { TOO_LONG } {
            self.fold_in(connection, path);
        }
    }

    /// Makes a checkpoint: does what can be done without waiting for anybody. What readers still need stays in the
    /// log, which then grows on until the next time.
    pub(crate) fn fold_in(&mut self, connection: &Connection, path: &FilePath) {
        self.folded_at = self.pages.load(Ordering::Relaxed);
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
            Ok(_) => {}
            // Another process is at it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            Err(error) => {
                tracing::warn!(%path, error = &error as &dyn Error, "cannot fold in the log of the event store");
            }
        }
    }
}
