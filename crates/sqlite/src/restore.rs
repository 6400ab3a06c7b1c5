//! [`restore`]: puts a backup in the place of a store.
//!
//! Whenever the process ends, the old store is in its place or the new one: the new file is made beside it, complete and
//! checked, and takes its place by being renamed. The old store's log is folded into it before, so that it is one file too.
//! Only where that is not possible, because that store cannot be opened any more, its log is put aside with it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aws_event_sourcing_core::{StoreError, Timestamp};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, wal::CheckpointMode};

use crate::{
    backup::{Copied, Copy, Existing, open_unused},
    connection,
    contents::Contents,
    error::{Doing, Error},
    layout,
    open::{self, sync_folder},
    path::FilePath,
    seal::{Seal, State},
};

/// What came of a restore.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Restored {
    /// What is in the store now.
    pub contents: Contents,
    /// Where the store is that was there before.
    pub replaced: Option<PathBuf>,
    /// Whether the file that was restored is a whole store.
    pub origin: Origin,
}

/// What a file that was restored is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A backup, the copy of an idle store, or a file with its log.
    Whole,
    /// It was copied, without its log, while it was in use, or its log is lost: what was only in the log is not in it.
    WithoutLog,
}

/// Puts a copy of a file in the place of a store that nobody has open. The file may be a [backup](crate::back_up), or a copy of a
/// store that was idle or closed. It stays as it is.
///
/// The store that was there is kept, under its name and the time: `events.db.replaced-2026-11-24T09-30-00.000Z`.
///
/// With the events comes how far subscriptions were when the backup was made: they go on from there, and get what was committed
/// after it once more when it is committed once more.
///
/// # Errors
///
/// The store is then as it was.
///
/// - [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured): there is no such file, or it is no store; or there is a store in
///   the place already, and it is not to be replaced.
/// - [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable): a process has the store open.
/// - [`Undecodable`](aws_event_sourcing_core::StoreErrorKind::Undecodable): the file is damaged.
/// - [`Full`](aws_event_sourcing_core::StoreErrorKind::Full), [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied): it cannot be written.
pub fn restore(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    existing: Existing,
    progress: impl FnMut(Copied),
) -> Result<Restored, StoreError> {
    let (from, to) = (FilePath::new(from.as_ref())?, FilePath::new(to.as_ref())?);
    if from.as_path() == to.as_path() {
        return Err(Error::Itself { path: to }.into());
    }
    let old = Old::find(&to)?;
    if old.is_some() && existing == Existing::Keep {
        return Err(Error::Exists { path: to }.into());
    }
    let source = open_unused(&from)?;
    let seal = Seal::find(&source).map_err(|error| Error::sqlite(&from, Doing::Reading, error))?;
    let origin = match seal {
        Some(Seal { state: State::InUse, .. }) if !is_something(&from.log()) => Origin::WithoutLog,
        _ => Origin::Whole,
    };
    let copy = Copy::make(&source, &from, to.with(".restoring"), progress)?;
    drop(source);
    let replaced = old.as_ref().map(|old| old.put_aside(&to)).transpose()?;
    // Windows renames nothing to the name of a file that is open. Elsewhere nobody opens it before it is another one.
    let locked = if cfg!(windows) { None } else { old };
    let contents = copy.name(&to)?;
    drop(locked);
    Ok(Restored { contents, replaced, origin })
}

/// A store that is to be replaced. Nobody can open it as long as this is there.
struct Old {
    /// None when it cannot be opened: it may be no database at all, or not be there, and only its log.
    connection: Option<Connection>,
    log: Log,
}

/// What is to be done with the log of a store that is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    /// It is folded into the file.
    Fold,
    /// It is kept beside the file.
    Keep,
}

impl Old {
    /// None when there is nothing. Fails when a process has it open.
    fn find(path: &FilePath) -> Result<Option<Self>, Error> {
        if !path.as_path().exists() {
            return Ok(is_something(&path.log()).then_some(Self { connection: None, log: Log::Keep }));
        }
        let log = match open::belonging(path, layout::MIGRATIONS) {
            Ok(_) => Log::Fold,
            Err(Error::Locked { .. }) => return Err(Error::InUse { path: path.clone() }),
            Err(_) => Log::Keep,
        };
        match lock_out(path) {
            Ok(connection) => Ok(Some(Self { connection: Some(connection), log })),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    Err(Error::InUse { path: path.clone() })
                }
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                    Ok(Some(Self { connection: None, log }))
                }
                _ => Err(Error::sqlite(path, Doing::Opening, error)),
            },
        }
    }

    /// Gives it another name, and says which. It keeps its own until that is another file's.
    fn put_aside(&self, path: &FilePath) -> Result<PathBuf, Error> {
        let failed = |source| Error::Io { path: path.clone(), doing: Doing::Writing, source };
        if let (Some(connection), Log::Fold) = (&self.connection, self.log) {
            let folded = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE);
            folded.map_err(|error| Error::sqlite(path, Doing::Writing, error))?;
        }
        let now = Timestamp::from(SystemTime::now()).to_string().replace(':', "-");
        let aside = FilePath::new(&path.with(&format!(".replaced-{now}")))?;
        if path.as_path().exists() {
            fs::hard_link(path.as_path(), aside.as_path())
                // A file system without such links: for a moment there is neither the old store nor the new one.
                .or_else(|_| fs::rename(path.as_path(), aside.as_path()))
                .map_err(failed)?;
        }
        if is_something(&path.log()) {
            fs::rename(path.log(), aside.log()).map_err(failed)?;
        }
        for end in ["-wal", "-shm"] {
            match fs::remove_file(path.with(end)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        sync_folder(path)?;
        Ok(aside.as_path().to_owned())
    }
}

/// A connection beside which nobody can have another one.
fn lock_out(path: &FilePath) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path.as_path(), flags)?;
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection::leave_log(&connection)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")?;
    Ok(connection)
}

fn is_something(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.len() > 0)
}
