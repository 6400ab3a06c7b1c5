//! [`back_up`]: a copy of a store, complete, checked, and made while others use the store.
//!
//! SQLite copies the pages of one snapshot, within a transaction that reads. Nobody waits for that, and it need not begin anew
//! when somebody writes meanwhile; only the log of the store grows until it is done. The copy is made under a name of its own,
//! and gets its name when it is complete, checked and on the disk.
//!
//! `VACUUM INTO` would make a smaller file. It builds each table and each index anew, which takes several times as long, and
//! tells nothing about how far it is.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_event_sourcing_core::StoreError;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::{
    connection,
    contents::Contents,
    error::{Doing, Error},
    file_id::FileId,
    layout,
    open::{self, check_folder, sync_folder},
    path::FilePath,
    seal::{self, Seal},
};

/// Pages that are copied between two reports of how far it is.
const STEP: i32 = 2048;

/// How far a copy is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Copied so far.
    pub bytes: u64,
    /// To be copied in all.
    pub of: u64,
}

/// What to do with a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone, and fail.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// Copies the store in a file to another file, while others read and write it. Says what is in the copy.
///
/// The copy is a store of its own, in one file: to be kept, or to be [restored](crate::restore). It is there whole or not at
/// all, whenever the process ends; what is unfinished has a name that ends in `.partial`.
///
/// Blocks for as long as it takes to read the file, write it and read it again. Nobody waits for it, but the store's log grows
/// until it is done.
///
/// # Errors
///
/// - [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured): there is no store, or not one that
///   [can be opened](crate::SqliteStore::open); or the copy would take the place of another file, and is not to, of one that is
///   the store's own, or of what is no regular file.
/// - [`Undecodable`](aws_event_sourcing_core::StoreErrorKind::Undecodable): SQLite finds the store damaged. The copy is
///   not kept.
/// - [`Full`](aws_event_sourcing_core::StoreErrorKind::Full), [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied): the copy cannot be written.
pub fn back_up(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    existing: Existing,
    progress: impl FnMut(Copied),
) -> Result<Contents, StoreError> {
    let (from, to) = (FilePath::new(from.as_ref())?, FilePath::of_name(to.as_ref())?);
    let file = file_at(&from)?.ok_or_else(|| Error::NoStore { path: from.clone() })?;
    if file_at(&to)? == Some(file) {
        return Err(Error::Itself { path: to }.into());
    }
    if from.has_beside_it(&to) {
        return Err(Error::OfTheStore { path: to, store: from }.into());
    }
    check_free(&to, existing)?;
    check_folder(&to)?;
    let (source, ..) = open::belonging(&from, layout::MIGRATIONS)?;
    let copy = Copy::make(&source, &from, to.with(".partial"), progress)?;
    check_free(&to, existing)?;
    Ok(copy.name(&to)?)
}

fn file_at(path: &FilePath) -> Result<Option<FileId>, Error> {
    FileId::at(path.as_path()).map_err(|source| Error::io(path, source))
}

/// Fails when the name is taken and is to stay so.
fn check_free(path: &FilePath, existing: Existing) -> Result<(), Error> {
    let there = match fs::symlink_metadata(path.as_path()) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::Io { path: path.clone(), doing: Doing::Writing, source: error }),
    };
    let path = path.clone();
    match existing {
        _ if there.is_dir() => Err(Error::IsFolder { path }),
        // A device, a pipe, or a link, and nobody knows to what.
        _ if !there.is_file() => Err(Error::NoFile { path }),
        Existing::Keep => Err(Error::Exists { path }),
        Existing::Replace => Ok(()),
    }
}

/// A copy that is complete, and checked, under a name for the time being. Removed when it is dropped.
pub(crate) struct Copy {
    path: PathBuf,
    pub(crate) contents: Contents,
}

impl Copy {
    /// Copies what a connection reads to a new file.
    pub(crate) fn make(
        source: &Connection,
        from: &FilePath,
        path: PathBuf,
        progress: impl FnMut(Copied),
    ) -> Result<Self, Error> {
        let to = FilePath::new(&path)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { path: to, doing: Doing::Writing, source: error });
            }
            _ => {}
        }
        match copy(source, from, &to, progress) {
            Ok(contents) => Ok(Self { path, contents }),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    /// Gives it its name, in place of whatever has it.
    pub(crate) fn name(self, name: &FilePath) -> Result<Contents, Error> {
        let failed = |source| Error::Io { path: name.clone(), doing: Doing::Writing, source };
        fs::rename(&self.path, name.as_path()).map_err(failed)?;
        sync_folder(name)?;
        Ok(self.contents.clone())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Gone when it has got its name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Copies, makes the copy a store of its own in one file, checks it, and has the disk keep it.
fn copy(
    source: &Connection,
    from: &FilePath,
    to: &FilePath,
    mut progress: impl FnMut(Copied),
) -> Result<Contents, Error> {
    let reading = |error| Error::sqlite(from, Doing::Reading, error);
    let writing = |error| Error::sqlite(to, Doing::Writing, error);

    let snapshot = source.unchecked_transaction().map_err(reading)?;
    let page = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let page = snapshot.pragma_query_value(None, "page_size", page).map_err(reading)?;
    let had = Seal::find(&snapshot).map_err(reading)?;
    let opened = Connection::open(to.as_path());
    let mut copy = opened.map_err(|error| Error::sqlite(to, Doing::Opening, error))?;
    copy.pragma_update(None, "synchronous", "OFF").map_err(writing)?;
    {
        let backup = Backup::new(&snapshot, &mut copy).map_err(reading)?;
        loop {
            let step = backup.step(STEP).map_err(writing)?;
            let pages = |pages: i32| (i64::from(pages) * page).cast_unsigned();
            let at = backup.progress();
            progress(Copied { bytes: pages(at.pagecount - at.remaining), of: pages(at.pagecount) });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
    drop(snapshot);
    // In one file, and not with a log.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(writing)?;
    if had.is_some() {
        seal::renew(&copy).map_err(writing)?;
    }
    // What is wrong with the copy is wrong with what it is a copy of.
    let contents = Contents::check(&copy, from)?;
    copy.close().map_err(|(_, error)| writing(error))?;
    File::options()
        .write(true)
        .open(to.as_path())
        .and_then(|file| file.sync_all())
        .map_err(|source| Error::Io { path: to.clone(), doing: Doing::Writing, source })?;
    Ok(contents)
}

/// A connection that reads a file which nobody has open: with its log, if there is one that belongs to it.
pub(crate) fn open_unused(path: &FilePath) -> Result<Connection, Error> {
    if path.log().metadata().is_ok_and(|log| log.len() > 0) {
        let (connection, ..) = open::belonging(path, layout::MIGRATIONS)?;
        return Ok(connection);
    }
    match file_at(path)? {
        Some(_) => connection::open_alone(path.as_path())
            .map_err(|source| Error::sqlite(path, Doing::Reading, source)),
        None => Err(Error::NoStore { path: path.clone() }),
    }
}
