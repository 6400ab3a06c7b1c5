//! [`Files`]: whether the files of an open store are still where they were when it was opened.
//!
//! A file that is removed, moved or replaced stays with the process that has it open. Whatever is written to it then is gone
//! when the process ends. So the writer looks after each transaction, before anybody is told that it is stored, and twice a
//! second when there is nothing to do; from then on nothing is read or written. It goes on when the very same files are back
//! under their names: nothing has changed about them.
//!
//! A log that is cut short is noticed as well, by what it begins with, and a file by its length. A file that is written over is
//! noticed when it is shorter then, or when it is read from the disk again, which is when nothing is in the log.
//!
//! Where the system does not tell which file has a name, as that of Windows, only a missing one is noticed; but there an open
//! file cannot be removed or renamed.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use aws_event_sourcing_core::Timestamp;
use rusqlite::{Connection, ErrorCode, MAIN_DB, wal::CheckpointMode};

use crate::{
    connection,
    error::{Doing, Error},
    opened::{FileId, Opened},
    path::FilePath,
    seal::Seal,
};

/// The files of an open store: the one that has the events, its log, and the log's index.
pub(crate) struct Files {
    path: FilePath,
    names: [(PathBuf, FileId); 3],
    #[cfg(unix)]
    log: fs::File,
    state: Mutex<State>,
    /// Dropped with this, after the connections.
    _opened: Opened,
}

struct State {
    /// When all was well last.
    seen: SystemTime,
    loss: Option<Loss>,
    /// How long the file was at least, and what it said.
    length: u64,
    seal: Option<Seal>,
}

/// What became of a file under a store that has it open.
#[derive(Debug, Clone)]
pub(crate) struct Loss {
    file: PathBuf,
    what: What,
    /// Until then it had its name and was as it should be.
    until: Timestamp,
}

/// How long the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// As long as it was, or longer.
    AtLeast,
    Shorter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Missing,
    Replaced,
    CutShort,
    WrittenOver,
}

impl fmt::Display for Loss {
    /// What has happened, and where what was stored is now.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, what, until } = self;
        let file = file.display();
        let whereabouts = "is in the files that were there then, and that this process still has open";
        match what {
            What::Missing => write!(
                f,
                "{file} was removed or renamed while the store was open: what was acknowledged until {until} {whereabouts}"
            ),
            What::Replaced => write!(
                f,
                "another file was put in place of {file} while the store was open: what was acknowledged until {until} \
                 {whereabouts}"
            ),
            What::CutShort => write!(
                f,
                "{file} was cut short while the store was open: what was acknowledged until {until} may be lost"
            ),
            What::WrittenOver => write!(
                f,
                "{file} was written over while the store was open: what was acknowledged until {until} may be lost"
            ),
        }
    }
}

impl Files {
    /// The files as they are now, right after SQLite has opened them.
    pub(crate) fn of(path: &FilePath, opened: Opened) -> Result<Arc<Self>, Error> {
        let failed = |source| Error::io(path, source);
        let id_of = |file: PathBuf| match FileId::at(&file).map_err(failed)? {
            Some(id) => Ok((file, id)),
            None => Err(failed(std::io::ErrorKind::NotFound.into())),
        };
        let names =
            [(path.as_path().to_owned(), opened.file()), id_of(path.log())?, id_of(path.with("-shm"))?];
        let length = fs::metadata(&names[0].0).map_err(failed)?.len();
        let state = State { seen: SystemTime::now(), loss: None, length, seal: None };
        Ok(Arc::new(Self {
            #[cfg(unix)]
            log: fs::File::open(&names[1].0).map_err(failed)?,
            path: path.clone(),
            names,
            state: Mutex::new(state),
            _opened: opened,
        }))
    }

    /// Fails when files are known to be lost.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.state().loss.clone().map_or(Ok(()), |loss| self.refuse(loss))
    }

    /// Looks whether all files have their names, and whether the file is as long as it was.
    pub(crate) fn look_at_all(&self, connection: &Connection) -> Result<(), Error> {
        match self.look()? {
            Length::AtLeast => Ok(()),
            Length::Shorter => self.look_inside(connection),
        }
    }

    /// Looks whether all files have their names. Tells whether the file is as long as it was at least: if not, somebody has cut
    /// it short, or has had SQLite rewrite it (`VACUUM`).
    pub(crate) fn look(&self) -> Result<Length, Error> {
        let mut length = 0;
        let found = self.names.iter().find_map(|(file, id)| match FileId::and_length_at(file) {
            Ok(Some((found, found_length))) if found == *id => {
                if *file == self.names[0].0 {
                    length = found_length;
                }
                None
            }
            Ok(Some(_)) => Some((file, What::Replaced)),
            Ok(None) => Some((file, What::Missing)),
            // As long as it cannot be told, nothing can be said for it.
            Err(_) => Some((file, What::Missing)),
        });
        let mut state = self.state();
        match (found, &state.loss) {
            (None, None) if length < state.length => Ok(Length::Shorter),
            (None, None) => {
                (state.seen, state.length) = (SystemTime::now(), length);
                Ok(Length::AtLeast)
            }
            (None, Some(Loss { what: What::Missing | What::Replaced, .. })) => {
                state.loss = None;
                tracing::info!(file = %self.path, "the files of the event store are back under their names: it goes on");
                Ok(if length < state.length { Length::Shorter } else { Length::AtLeast })
            }
            (_, Some(loss)) => self.refuse(loss.clone()),
            (Some((file, what)), None) => self.lose(state, file.clone(), what),
        }
    }

    /// Looks whether the log is the one that was written to, right after something was. It begins with a number that says so,
    /// and with zeros if it was cut short before it was written to.
    #[cfg(unix)]
    pub(crate) fn look_at_log(&self, connection: &Connection) -> Result<(), Error> {
        use std::os::unix::fs::FileExt as _;

        let mut magic = [0; 4];
        if self.log.read_exact_at(&mut magic, 0).is_ok() && magic != [0; 4] {
            return Ok(());
        }
        // Another process may have folded it in and emptied it meanwhile: SQLite knows of no frame in it then.
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP) {
            Ok((1.., _)) => self.lose(self.state(), self.names[1].0.clone(), What::CutShort),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn look_at_log(&self, _: &Connection) -> Result<(), Error> {
        Ok(())
    }

    /// Looks at the file's length, and at the seal in it, when nothing has been written for a while: SQLite reads the file
    /// again where its log has nothing of it.
    pub(crate) fn look_inside(&self, connection: &Connection) -> Result<(), Error> {
        self.look_at_log(connection)?;
        let length = fs::metadata(self.path.as_path()).map_or(0, |file| file.len());
        let seen = read_again(connection);
        let mut state = self.state();
        let file = || self.path.as_path().to_owned();
        let is_cut = |seen: &Inside| length < seen.least_length || seen.length >= state.length;
        if length < state.length && seen.as_ref().map_or(true, is_cut) {
            return self.lose(state, file(), What::CutShort);
        }
        match (seen, &state.seal) {
            (Ok(Inside { seal, .. }), Some(before))
                if seal.store != before.store || seal.number < before.number =>
            {
                self.lose(state, file(), What::WrittenOver)
            }
            (Ok(Inside { seal, .. }), _) => {
                (state.seal, state.length) = (Some(seal), length);
                Ok(())
            }
            (Err(error), _) => match error.sqlite_error_code() {
                // The disk, or somebody else's lock: it may pass.
                Some(
                    ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::CannotOpen
                    | ErrorCode::OutOfMemory,
                ) => Err(Error::sqlite(&self.path, Doing::Reading, error)),
                _ => self.lose(state, file(), What::WrittenOver),
            },
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

/// What the file says of itself.
struct Inside {
    seal: Seal,
    /// How long it is with what is in the log.
    length: u64,
    /// It cannot be shorter than this: pages that are not in the log are in the file.
    least_length: u64,
}

/// Reads it from the disk, where the log has nothing of it.
fn read_again(connection: &Connection) -> rusqlite::Result<Inside> {
    let number = |of| connection.pragma_query_value(None, of, |row| row.get::<_, i64>(0));
    let (frames, _) = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP)?;
    if frames == 0 {
        connection.release_memory()?;
    }
    let (pages, bytes) = (number("page_count")?, number("page_size")?);
    let length = |pages: i64| (pages.max(0) * bytes).cast_unsigned();
    let least_length = length(pages - i64::from(frames));
    Ok(Inside { seal: Seal::read(connection)?, length: length(pages), least_length })
}
