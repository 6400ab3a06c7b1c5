//! Opening a file: what it is, before anything is done to it, then what it lacks.
//!
//! A file that is refused is left as it was, and so is its folder. What SQLite makes in order to look at it, an empty
//! log and its index, it removes again when the file is closed; a log that was there it leaves alone.
//!
//! Everything is read under SQLite's locks. Without them the first page can be seen while another process writes it.
//! And no file is opened here other than by SQLite: to close a file is to give up all locks that the process has on
//! it, those of another store on the same file too.

use std::{fs, io, thread, time::Instant};

use rusqlite::{Connection, MAIN_DB, config::DbConfig};

use crate::{
    connection::{self, BETWEEN_LOOKS, PATIENCE},
    error::{Doing, Error},
    layout::{self, Found},
    path::FilePath,
};

/// Opens the file to write, making it or bringing it to the newest layout where needed.
pub(crate) fn open(path: &FilePath) -> Result<Connection, Error> {
    open_with(path, layout::MIGRATIONS)
}

fn open_with(path: &FilePath, migrations: &[&str]) -> Result<Connection, Error> {
    let failed = |source| Error::sqlite(path, Doing::Opening, source);

    check_path(path)?;
    let has_log = fs::metadata(path.log()).is_ok_and(|log| log.len() > 0);
    let mut connection = connection::open(path).map_err(failed)?;
    if connection.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(Error::ReadOnly { path: path.clone() });
    }
    // Until the file is accepted, closing it must not fold in a log that somebody else may understand better.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log).map_err(failed)?;
    let mut found = look_at(&mut connection, migrations).map_err(failed)?;
    accept(path, &found, migrations)?;
    if found.lacks(migrations) {
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        found = layout::bring_up_to_date(&mut connection, migrations).map_err(failed)?;
        accept(path, &found, migrations)?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    write_ahead(path, &connection)?;
    let layout = migrations.len();
    match found {
        Found::Layout(from) if found.lacks(migrations) => {
            tracing::info!(%path, from, layout, "brought the event store to the newest layout");
        }
        Found::Unmarked(from) => {
            tracing::info!(%path, from, layout, "an event store that did not say so, as one that was restored from a dump does not, says so now");
        }
        _ => {}
    }
    connection::prepare_to_write(&connection).map_err(failed)?;
    sync_folder(path)?;
    Ok(connection)
}

/// Says what is wrong with a path where SQLite would only say that it could not open it.
fn check_path(path: &FilePath) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.clone(), doing: Doing::Opening, source };
    match fs::metadata(path.as_path()) {
        Ok(metadata) if metadata.is_dir() => Err(Error::IsFolder { path: path.clone() }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.folder().map(fs::metadata) {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoFolder { path: path.clone() })
            }
            Some(Err(error)) => Err(failed(error)),
            Some(Ok(_)) | None => Ok(()),
        },
        Err(error) => Err(failed(error)),
    }
}

fn look_at(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Found> {
    Found::read(&connection.transaction()?, migrations)
}

fn accept(path: &FilePath, found: &Found, migrations: &[&str]) -> Result<(), Error> {
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
fn sync_folder(path: &FilePath) -> Result<(), Error> {
    let Some(folder) = path.folder().filter(|_| cfg!(unix)) else { return Ok(()) };
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| Error::Io {
        path: path.clone(),
        doing: Doing::Opening,
        source,
    })
}
