//! [`Files`]: whether the files of an open store are still where they were when it was opened, and what they were.
//!
//! A file that is removed, moved or replaced stays with the process that has it open. Whatever is written to it then is gone
//! when the process ends. So the writer looks after each transaction, before anybody is told that it is stored, before each
//! checkpoint, and twice a second when there is nothing to do; from then on nothing is read or written. It goes on when the
//! very same files are back under their names: nothing has changed about them.
//!
//! A log that is cut short is noticed as well, by what it begins and [ends](log_end) with, and a file that is cut short or
//! written over by what it [has in it](known) when it has changed.
//!
//! Where the system does not tell which file has a name, as that of Windows, only a missing one is noticed; but there an open
//! file cannot be removed or renamed.

mod known;
#[cfg(unix)]
mod log_end;
mod loss;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::SystemTime,
};

use rusqlite::Connection;

#[cfg(unix)]
use self::log_end::LogEnd;
pub(crate) use self::loss::Loss;
use self::{
    known::{Found, Known},
    loss::What,
};
use crate::{
    alone, connection,
    error::{Doing, Error},
    file_id::{FileId, Stamp},
    path::FilePath,
};

/// The files of an open store: the one that has the events, its log, and the log's index.
pub(crate) struct Files {
    path: FilePath,
    names: [(PathBuf, FileId); 3],
    #[cfg(unix)]
    log: fs::File,
    state: Mutex<State>,
}

struct State {
    /// When all was well last.
    seen: SystemTime,
    loss: Option<Loss>,
    known: Known,
    #[cfg(unix)]
    log_end: Option<LogEnd>,
}

/// Whether the file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    AsKnown,
    Outdated,
}

impl Files {
    /// The files as they are now, right after SQLite has opened them.
    pub(crate) fn of(path: &FilePath, file: FileId, connection: &Connection) -> Result<Arc<Self>, Error> {
        let failed = |source| Error::io(path, source);
        let id_of = |file: PathBuf| match FileId::and_stamp_at(&file).map_err(failed)? {
            Some((id, stamp)) => Ok((file, id, stamp)),
            None => Err(failed(std::io::ErrorKind::NotFound.into())),
        };
        let (name, _, stamp) = id_of(path.as_path().to_owned())?;
        let [(log, log_id, _), (index, index_id, _)] = [id_of(path.log())?, id_of(path.with("-shm"))?];
        let state = State {
            seen: SystemTime::now(),
            loss: None,
            known: Known::of(stamp),
            #[cfg(unix)]
            log_end: None,
        };
        let files = Self {
            #[cfg(unix)]
            log: fs::File::open(&log).map_err(failed)?,
            path: path.clone(),
            names: [(name, file), (log, log_id), (index, index_id)],
            state: Mutex::new(state),
        };
        files.read_file(connection)?;
        Ok(Arc::new(files))
    }

    /// Fails when files are known to be lost.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.state().loss.clone().map_or(Ok(()), |loss| self.refuse(loss))
    }

    /// Looks whether all files have their names and the log has what was written to it, and reads the file when somebody has
    /// written to it.
    pub(crate) fn look_at_all(&self, connection: &Connection) -> Result<(), Error> {
        if self.look()? == Contents::Outdated {
            self.read_file(connection)?;
        }
        self.look_at_log(connection)
    }

    /// Looks whether all files have their names. Tells whether the file is to be read.
    pub(crate) fn look(&self) -> Result<Contents, Error> {
        let (mut found, mut stamp) = self.look_at_names();
        let mut state = self.state();
        if state.loss.is_some() {
            // What was seen may have been before that.
            (found, stamp) = self.look_at_names();
        }
        match (found, &state.loss) {
            (None, None) => {
                let is_outdated = stamp.is_none_or(|stamp| state.known.is_outdated(stamp));
                if is_outdated {
                    return Ok(Contents::Outdated);
                }
                state.seen = SystemTime::now();
                Ok(Contents::AsKnown)
            }
            (None, Some(Loss { what: What::Missing | What::Replaced, .. })) => {
                state.loss = None;
                tracing::info!(file = %self.path, "the files of the event store are back under their names: it goes on");
                Ok(Contents::Outdated)
            }
            (_, Some(loss)) => self.refuse(loss.clone()),
            (Some((file, what)), None) => self.lose(state, file.clone(), what),
        }
    }

    /// What is wrong with the names, if anything is, and the stamp of the file.
    fn look_at_names(&self) -> (Option<(&PathBuf, What)>, Option<Stamp>) {
        let mut file_stamp = None;
        let found = self.names.iter().find_map(|(file, id)| match FileId::and_stamp_at(file) {
            Ok(Some((found, stamp))) if found == *id => {
                // The first is the file itself.
                file_stamp.get_or_insert(stamp);
                None
            }
            Ok(Some(_)) => Some((file, What::Replaced)),
            Ok(None) => Some((file, What::Missing)),
            // As long as it cannot be told, nothing can be said for it.
            Err(_) => Some((file, What::Missing)),
        });
        (found, file_stamp)
    }

    /// Takes note of where the log ends, right after something was written: it has so many frames.
    #[cfg(unix)]
    pub(crate) fn note_log(&self, frames: i32) {
        self.state().log_end = LogEnd::of(&self.log, frames);
    }

    #[cfg(not(unix))]
    pub(crate) fn note_log(&self, _: i32) {}

    /// Looks whether the log has what was written to it. It begins with a number that says so, and with zeros if it was cut
    /// short before it was written to.
    #[cfg(unix)]
    fn look_at_log(&self, connection: &Connection) -> Result<(), Error> {
        for _ in 0..alone::LOOKS {
            let end = self.state().log_end;
            match log_end::look(&self.log, end) {
                log_end::State::Whole => return Ok(()),
                // Another process may have begun it anew in between.
                log_end::State::CutShort => {}
                // Another process may have folded it in and emptied it: SQLite knows of no frame in it then. Or it has, and
                // another transaction is in it by now.
                log_end::State::NotBegun => match connection::frames_in_log(connection) {
                    Ok(1..) => {}
                    _ => return Ok(()),
                },
            }
        }
        self.lose(self.state(), self.names[1].0.clone(), What::CutShort)
    }

    #[cfg(not(unix))]
    fn look_at_log(&self, _: &Connection) -> Result<(), Error> {
        Ok(())
    }

    /// Reads the file, and looks whether it is the one that it was, as long as it has to be.
    fn read_file(&self, connection: &Connection) -> Result<(), Error> {
        let mut looks = 0;
        loop {
            let stamp = match FileId::and_stamp_at(self.path.as_path()) {
                Ok(Some((_, stamp))) => stamp,
                Ok(None) => Stamp::default(),
                Err(source) => return Err(Error::io(&self.path, source)),
            };
            looks += 1;
            let mut state = self.state();
            let found = state.known.compare(stamp, &self.path, connection);
            match found.map_err(|error| Error::sqlite(&self.path, Doing::Reading, error))? {
                Found::Same | Found::Unclear => {
                    state.seen = SystemTime::now();
                    return Ok(());
                }
                Found::Other(_) if looks < alone::LOOKS => {}
                Found::Other(what) => return self.lose(state, self.path.as_path().to_owned(), what),
            }
            drop(state);
            thread::sleep(alone::BETWEEN_LOOKS);
        }
    }

    /// Closes a connection. When it is the last, SQLite folds in the log and removes it, by its name: not if that is another
    /// file's now, or the file is not what it was.
    pub(crate) fn close(&self, connection: Connection) -> rusqlite::Result<()> {
        if self.look_at_all(&connection).is_err() {
            connection::leave_log(&connection)?;
        }
        connection.close().map_err(|(_, error)| error)
    }

    fn lose<T>(&self, mut state: MutexGuard<'_, State>, file: PathBuf, what: What) -> Result<T, Error> {
        let loss = Loss { file, what, until: state.seen.into() };
        tracing::error!(
            file = %self.path,
            "{loss}. From now on the event store refuses to read and to write: put the files back as they were, if they \
             are somewhere, or start the service again on those that are to be used"
        );
        state.loss = Some(loss.clone());
        self.refuse(loss)
    }

    fn refuse<T>(&self, loss: Loss) -> Result<T, Error> {
        Err(Error::Lost { path: self.path.clone(), loss })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under this lock leaves the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
