//! Connections to the file, and what each is set to.
//!
//! | pragma | | why |
//! |---|---|---|
//! | `journal_mode` | `WAL` | readers and the writer do not wait for each other; one sync per transaction |
//! | `synchronous` | `FULL` | a transaction is on the disk when `COMMIT` returns |
//! | `fullfsync` | on | the same on macOS, where a sync otherwise ends in the drive's cache |
//! | `wal_autocheckpoint` | 0 | the [writer](crate::writer) folds the log in between transactions, when nobody waits |
//! | `journal_size_limit` | 96 MB | a log that a long read made grow is cut back; one of the usual size is used again as it is, which spares the file system the work of making it longer |
//! | `cache_size` | 8 MB for the writer and for the one that reads for subscriptions, 2 MB for each other reader | more was not faster: the rest is in the system's cache |
//! | `temp_store` | `MEMORY` | no file is made elsewhere |
//! | `query_only` | on for readers | what reads cannot write |
//!
//! Not used: memory-mapped reading (not faster here, and a disk error would be a signal that ends the process), other
//! page sizes than SQLite's own 4,096 bytes (larger ones make the log longer, smaller ones have rows spill over).

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, config::DbConfig, wal::CheckpointMode};

use crate::path::FilePath;

/// How long anybody waits for a lock that another process holds before it is an error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a lock: SQLite's own busy handler soon sleeps for 100 ms at a time, several hundred times as
/// long as a transaction takes here.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_micros(250);

/// After so many looks somebody is at something longer, a migration for instance.
const QUICK_LOOKS: i32 = 200;
const BETWEEN_LATER_LOOKS: Duration = Duration::from_millis(2);

/// A connection that can do everything; makes the file if it is not there. SQLite reads nothing yet.
pub(crate) fn open(path: &FilePath) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path.as_path(), flags)?;
    wait_for_locks(&mut connection)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Sets a connection up to write to a file that is as it should be.
pub(crate) fn prepare_to_write(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 96 << 20)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    Ok(())
}

/// A connection that reads a file which a store has opened before, and keeps up to so many KiB of it in memory.
pub(crate) fn open_to_read(path: &FilePath, cache: i32) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path.as_path(), flags)?;
    wait_for_locks(&mut connection)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -cache)?;
    Ok(connection)
}

/// A connection to a file as it is without its log. It makes nothing and locks nothing, and SQLite does not see when somebody
/// else writes meanwhile.
///
/// The locks that this process has on the file stay when it is closed: SQLite then keeps the file open as long as there are any.
pub(crate) fn open_alone(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri + "?immutable=1", flags)?;
    // A checkpoint writes the first page first: when it is not done, that one tells of pages which are not there yet. So set,
    // SQLite reads what is there.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    Ok(connection)
}

/// Has this connection leave the log alone when it is closed, should it be the last: it neither folds it in nor removes it.
pub(crate) fn leave_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

/// How many frames the log has. SQLite waits for nobody here: while another process is writing, it may be that it cannot be told.
pub(crate) fn frames_in_log(connection: &Connection) -> rusqlite::Result<i32> {
    let since = Instant::now();
    loop {
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && since.elapsed() < PATIENCE =>
            {
                thread::sleep(BETWEEN_LOOKS);
            }
            told => return told.map(|(frames, _)| frames),
        }
    }
}

/// Runs one statement that gives nothing.
pub(crate) fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Rolls a transaction back that has failed. After some errors, that of a full disk among them, SQLite has done it by itself.
pub(crate) fn roll_back_unless<T, E>(connection: &Connection, done: &Result<T, E>) -> rusqlite::Result<()> {
    if done.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK")?;
    }
    Ok(())
}

/// Does something that fails at once when somebody else has a lock.
pub(crate) fn without_waiting<T>(
    connection: &mut Connection,
    job: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.busy_timeout(Duration::ZERO)?;
    let done = job(connection);
    wait_for_locks(connection)?;
    done
}

fn wait_for_locks(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut since = Instant::now();
    connection.busy_handler(Some(move |looks| {
        if looks == 0 {
            since = Instant::now();
        }
        thread::sleep(if looks < QUICK_LOOKS { BETWEEN_LOOKS } else { BETWEEN_LATER_LOOKS });
        since.elapsed() < PATIENCE
    }))
}
