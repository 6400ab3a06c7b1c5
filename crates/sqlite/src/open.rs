//! Opening a file: what it is, before anything is done to it, then what it lacks.
//!
//! A file that is refused is left as it was, and so is its folder. What SQLite makes in order to look at it, an empty
//! log and its index, it removes again when the file is closed; a log that was there it leaves alone.
//!
//! Everything is read under SQLite's locks. Without them the first page can be seen while another process writes it. Only
//! whether a log belongs to the file is found out by reading the file [without it](crate::alone) too, and so without locks: see
//! [`seal`](crate::seal). That is done again when the answer is no.

use std::{fs, io, sync::Arc, thread, time::Instant};

use rusqlite::{Connection, MAIN_DB, config::DbConfig};

use crate::{
    alone::{self, Alone, look_at},
    connection::{self, BETWEEN_LOOKS, PATIENCE},
    error::{Doing, Error},
    file_id::FileId,
    files::Files,
    layout::{self, Found},
    path::FilePath,
    seal::{self, Seal, State},
};

/// A file that is open to be written, and whether it stays what it is.
pub(crate) struct Open {
    pub(crate) connection: Connection,
    pub(crate) files: Arc<Files>,
}

/// Opens the file to write, making it or bringing it to the newest layout where needed.
pub(crate) fn open(path: &FilePath) -> Result<Open, Error> {
    open_with(path, layout::MIGRATIONS)
}

fn open_with(path: &FilePath, migrations: &[&str]) -> Result<Open, Error> {
    let failed = |source| Error::sqlite(path, Doing::Opening, source);

    check_path(path)?;
    let before = FileId::at(path.as_path()).map_err(|source| Error::io(path, source))?;
    let (mut connection, mut found, log) = belonging(path, migrations)?;
    if found.lacks(migrations) {
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        found = layout::bring_up_to_date(&mut connection, migrations).map_err(failed)?;
        accept(path, &found, migrations)?;
    } else {
        // In this order: another process that folds the log in says so in the seal before.
        let frames = connection::frames_in_log(&connection).map_err(failed)?;
        if Seal::find(&connection).map_err(failed)?.is_some_and(|seal| seal.state == State::InUse) {
            // Another process may have written since.
            let more = connection::frames_in_log(&connection).map_err(failed)?;
            if frames.max(more) <= 0 {
                tell_of_lack(path, log);
            }
        }
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    write_ahead(path, &connection)?;
    if Seal::find(&connection).map_err(failed)?.is_none() && seal::mend(&connection).map_err(failed)? {
        tracing::warn!(
            file = %path,
            "the event store had no row in its table seal, as one that a part of a dump was restored to: it has a new one"
        );
    }
    let layout = migrations.len();
    match found {
        Found::Layout(from) if found.lacks(migrations) => {
            tracing::info!(file = %path, from, layout, "brought the event store to the newest layout");
        }
        Found::Unmarked(from) => {
            tracing::info!(
                file = %path, from, layout,
                "an event store that did not say so, as one that was restored from a dump does not, says so now"
            );
        }
        _ => {}
    }
    connection::prepare_to_write(&connection).map_err(failed)?;
    // Has SQLite open the log, if it has not yet.
    look_at(&connection, migrations).map_err(failed)?;
    sync_folder(path)?;
    match FileId::at(path.as_path()).map_err(|source| Error::io(path, source))? {
        Some(file) if before.is_none_or(|before| before == file) => {
            let files = Files::of(path, file, &connection)?;
            Ok(Open { connection, files })
        }
        _ => {
            connection::leave_log(&connection).map_err(failed)?;
            Err(Error::Exchanged { path: path.clone() })
        }
    }
}

/// Says what may be lost of a store that was in use and not closed, when its log has nothing that can be read.
fn tell_of_lack(path: &FilePath, log: LeftoverLog) {
    match log {
        LeftoverLog::None => tracing::warn!(
            file = %path,
            "the event store was not closed, and its log is not beside it: if this is a copy of a store that was in use, \
             what was then in the log is not in the copy"
        ),
        LeftoverLog::There => tracing::warn!(
            file = %path,
            "the event store was not closed, and there is nothing in its log that can be read: if somebody has written to \
             the log, what was only there is lost"
        ),
    }
}

/// Whether there was a log with something in it before the file was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftoverLog {
    None,
    There,
}

/// A connection to a file that may be opened, and that its log belongs to, if there is one. Neither is changed, and when the
/// connection is closed, a log that was there stays.
pub(crate) fn belonging(
    path: &FilePath,
    migrations: &[&str],
) -> Result<(Connection, Found, LeftoverLog), Error> {
    let failed = |source| Error::sqlite(path, Doing::Opening, source);
    let mut looks = 0;
    loop {
        let log = match fs::metadata(path.log()) {
            Ok(log) if log.len() > 0 => LeftoverLog::There,
            _ => LeftoverLog::None,
        };
        let alone = match log {
            LeftoverLog::There => without_log(path, migrations)?,
            LeftoverLog::None => None,
        };
        let connection = connection::open(path).map_err(failed)?;
        if connection.is_readonly(MAIN_DB).map_err(failed)? {
            return Err(Error::ReadOnly { path: path.clone() });
        }
        // Until the file is accepted, closing it must not fold in a log that somebody else may understand better.
        if log == LeftoverLog::There {
            connection::leave_log(&connection).map_err(failed)?;
        }
        let seen = look_at(&connection, migrations);
        match &alone {
            Some(alone) if !alone.owns(&seen) => {
                // Another process may be folding the log in.
                looks += 1;
                if looks < alone::LOOKS {
                    drop(connection);
                    thread::sleep(alone::BETWEEN_LOOKS);
                    continue;
                }
                return Err(Error::OtherLog { path: path.clone() });
            }
            _ => {}
        }
        let (found, _) = seen.map_err(failed)?;
        accept(path, &found, migrations)?;
        return Ok((connection, found, log));
    }
}

/// None when there is no telling: the file cannot be read without its log, as when it was being written when the power went
/// off.
fn without_log(path: &FilePath, migrations: &[&str]) -> Result<Option<Alone>, Error> {
    match fs::metadata(path.as_path()) {
        Ok(file) if file.len() > 0 => Ok(Alone::read(path.as_path(), migrations).ok()),
        // SQLite would remove the log.
        _ => Err(Error::LogAlone { path: path.clone() }),
    }
}

/// Says what is wrong with a path where SQLite would only say that it could not open it.
fn check_path(path: &FilePath) -> Result<(), Error> {
    match fs::metadata(path.as_path()) {
        Ok(metadata) if metadata.is_dir() => Err(Error::IsFolder { path: path.clone() }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_folder(path),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Says that there is no folder for a file.
pub(crate) fn check_folder(path: &FilePath) -> Result<(), Error> {
    match path.folder().map(fs::metadata) {
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::NoFolder { path: path.clone() })
        }
        Some(Err(error)) => Err(Error::io(path, error)),
        Some(Ok(_)) | None => Ok(()),
    }
}

pub(crate) fn accept(path: &FilePath, found: &Found, migrations: &[&str]) -> Result<(), Error> {
    let (path, supported) = (path.clone(), layout::number_of(migrations));
    match found {
        Found::Foreign => Err(Error::Foreign { path }),
        Found::Similar(differences) => Err(Error::similar(path, differences)),
        Found::Altered { layout, table } => {
            Err(Error::Altered { path, layout: *layout, table: table.clone() })
        }
        Found::Layout(found) if *found > supported => Err(Error::Newer { path, found: *found, supported }),
        Found::Empty | Found::Layout(_) | Found::Unmarked(_) => Ok(()),
    }
}

/// Switches the file to a write-ahead log. It stays switched.
fn write_ahead(path: &FilePath, connection: &Connection) -> Result<(), Error> {
    let failed = |source| Error::sqlite(path, Doing::Opening, source);
    let since = Instant::now();
    loop {
        let switched =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match switched.map_err(failed) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(Error::NoLog { path: path.clone() }),
            // SQLite does not wait for its turn here: two who both wait to switch would wait for each other.
            Err(Error::Locked { .. }) if since.elapsed() < PATIENCE => thread::sleep(BETWEEN_LOOKS),
            Err(error) => return Err(error),
        }
    }
}

/// Has the disk keep the name of a new file, as `fsync(2)` of the file alone does not.
pub(crate) fn sync_folder(path: &FilePath) -> Result<(), Error> {
    let Some(folder) = path.folder().filter(|_| cfg!(unix)) else { return Ok(()) };
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| Error::io(path, source))
}
