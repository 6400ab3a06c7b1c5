//! [`Error`]: what can go wrong with a SQLite file, precisely. Private: the world sees a [`StoreError`] of the right
//! kind, with one of these as its source.

use std::{error::Error as StdError, fmt, path::PathBuf};

use aws_event_sourcing_core::{
    AppendError, ResourceKey, StoreError, StoreErrorKind, Unreadable, limits, subscription::SubscriptionKey,
};
use rusqlite::ErrorCode;

use crate::{
    cause,
    files::Loss,
    layout::{APPLICATION_ID, Differences},
    path::FilePath,
};

/// What went wrong. Every message names the file or the resource that it is about, on one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{path} cannot be opened: its folder does not exist")]
    NoFolder { path: FilePath },

    #[error("{path} cannot be opened: it is a folder")]
    IsFolder { path: FilePath },

    #[error("{path} cannot be opened: it is no SQLite database")]
    NoDatabase { path: FilePath },

    #[error("{path} cannot be opened: it is a SQLite database of another application")]
    Foreign { path: FilePath },

    #[error(
        "{path} cannot be opened: it has layout {found}, and this program knows layouts up to {supported}"
    )]
    Newer { path: FilePath, found: i64, supported: i64 },

    #[error(
        "{path} cannot be opened: it has the tables of an event store of layout {layout} and, as a restored `.dump`, nothing that \
         says so, and it has no {lacking} of that layout; restore the dump as a whole"
    )]
    Lacking { path: FilePath, layout: i64, lacking: String },

    #[error(
        "{path} cannot be opened: it has the tables of an event store of layout {layout} and, as a restored `.dump`, nothing that \
         says so, and it has {further} besides; if no newer version of this program has made it, say so with \
         `PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {layout};`"
    )]
    Unmarked { path: FilePath, layout: i64, further: String },

    #[error(
        "{path} cannot be opened: somebody has changed its {table}, which is not as layout {layout} has it, so that it cannot be \
         brought to a newer layout"
    )]
    Altered { path: FilePath, layout: i64, table: String },

    #[error("{path} cannot be opened: it may not be written")]
    ReadOnly { path: FilePath },

    #[error("{path} cannot be opened: its file system has no shared memory, which a write-ahead log needs")]
    NoLog { path: FilePath },

    #[error(
        "{path} cannot be opened: the log beside it, {log}, belongs to another file, or to an earlier or later state of \
         this one, and is not applied. If {path} is the right file, a backup perhaps, move the log away; if it is not, put \
         back the file that the log belongs to", log = path.log().display()
    )]
    OtherLog { path: FilePath },

    #[error(
        "{path} cannot be opened: it is not there, and its log {log} is. Put the file back, or move the log away",
        log = path.log().display()
    )]
    LogAlone { path: FilePath },

    #[error("{path} cannot be opened: another file was put in its place meanwhile")]
    Exchanged { path: FilePath },

    #[error("there is no event store {path}")]
    NoStore { path: FilePath },

    #[error("{path} is there already")]
    Exists { path: FilePath },

    #[error("{path} cannot be a copy of itself")]
    Itself { path: FilePath },

    #[error(
        "{path} is a file that belongs to the store {store}: a copy of the store has to have another name"
    )]
    OfTheStore { path: FilePath, store: FilePath },

    #[error("{path} is no regular file, and is not replaced")]
    NoFile { path: FilePath },

    #[error("{path} cannot be opened: it is a link to {target}, which is not there")]
    DanglingLink { path: FilePath, target: PathBuf },

    #[error("{path} is in use: stop the service, and whatever else has it open")]
    InUse { path: FilePath },

    #[error("{path} is damaged: {what}")]
    Unsound { path: FilePath, what: String },

    #[error("{path} is not used any more: {loss}")]
    Lost { path: FilePath, loss: Loss },

    #[error("{path} cannot be {doing}")]
    Io { path: FilePath, doing: Doing, source: std::io::Error },

    #[error("{path} cannot be {doing}")]
    Sqlite { path: FilePath, doing: Doing, source: Said },

    #[error("{path} is locked by somebody else")]
    Locked { path: FilePath },

    #[error("{path} has been closed")]
    Closed { path: FilePath },

    #[error("the asynchronous runtime ended before {path} was read")]
    Interrupted { path: FilePath },

    #[error("the thread that writes to {path} has ended")]
    WriterGone { path: FilePath },

    #[error("event number {number} is beyond the largest that an event can have, {max}", max = limits::MAX_EVENT_NUMBER)]
    NumberTooLarge { number: u64 },

    #[error("event {number} of {resource} cannot be stored: the resource has no first event")]
    NothingBefore { resource: String, number: u64 },

    #[error("the column {column} of event {number} of {resource} is not as this library writes it")]
    Unreadable {
        resource: ResourceKey,
        number: i64,
        event_type: Option<String>,
        column: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    },

    #[error("the record of {what} in {path} has an unreadable {column}")]
    UnreadableRecord {
        path: FilePath,
        what: String,
        column: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    },

    #[error("{path} is followed for {key} by another process now")]
    NotOurs { path: FilePath, key: SubscriptionKey },

    #[error("{} cannot be locked", path.display())]
    Lock { path: PathBuf, source: std::io::Error },
}

/// What SQLite says is wrong. It is not asked for a source: that is the same once more, in other words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Said(pub(crate) rusqlite::Error);

/// What was being done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Opening,
    Reading,
    Writing,
    Closing,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opened",
            Self::Reading => "read",
            Self::Writing => "written",
            Self::Closing => "closed in good order",
        })
    }
}

impl Error {
    /// What the system's error means when the file is opened.
    pub(crate) fn io(path: &FilePath, source: std::io::Error) -> Self {
        Self::Io { path: path.clone(), doing: Doing::Opening, source }
    }

    /// What is to be said of a file that may be an event store and does not say so.
    pub(crate) fn similar(path: FilePath, differences: &Differences) -> Self {
        let Differences { layout, lacking, further } = differences;
        let layout = *layout;
        if lacking.is_empty() {
            Self::Unmarked { path, layout, further: further.join(", ") }
        } else {
            Self::Lacking { path, layout, lacking: lacking.join(", ") }
        }
    }

    /// What SQLite's error means for that file.
    pub(crate) fn sqlite(path: &FilePath, doing: Doing, source: rusqlite::Error) -> Self {
        let path = path.clone();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::NotADatabase) => Self::NoDatabase { path },
            Some(ErrorCode::CannotOpen) if doing == Doing::Opening => match cause::of_failed_open(&path) {
                Some(source) => Self::Io { path, doing, source },
                None => Self::Sqlite { path, doing, source: Said(source) },
            },
            _ => Self::Sqlite { path, doing, source: Said(source) },
        }
    }

    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::NoFolder { .. }
            | Self::IsFolder { .. }
            | Self::NoDatabase { .. }
            | Self::Foreign { .. }
            | Self::Lacking { .. }
            | Self::Unmarked { .. }
            | Self::Altered { .. }
            | Self::Newer { .. }
            | Self::OtherLog { .. }
            | Self::LogAlone { .. }
            | Self::NoStore { .. }
            | Self::Exists { .. }
            | Self::Itself { .. }
            | Self::OfTheStore { .. }
            | Self::NoFile { .. }
            | Self::DanglingLink { .. }
            | Self::NoLog { .. } => StoreErrorKind::Misconfigured,
            Self::Lost { .. } => StoreErrorKind::Lost,
            Self::ReadOnly { .. } => StoreErrorKind::Denied,
            Self::Io { source, .. } | Self::Lock { source, .. } => kind_of_io(source),
            Self::Sqlite { doing, source, .. } => kind_of_sqlite(*doing, &source.0),
            Self::Locked { .. }
            | Self::InUse { .. }
            | Self::Exchanged { .. }
            | Self::Closed { .. }
            | Self::NotOurs { .. }
            | Self::Interrupted { .. } => StoreErrorKind::Unavailable,
            Self::WriterGone { .. } | Self::NothingBefore { .. } => StoreErrorKind::Internal,
            Self::NumberTooLarge { .. } => StoreErrorKind::TooLarge,
            Self::Unsound { .. } | Self::Unreadable { .. } | Self::UnreadableRecord { .. } => {
                StoreErrorKind::Undecodable
            }
        }
    }
}

fn kind_of_io(error: &std::io::Error) -> StoreErrorKind {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => StoreErrorKind::Denied,
        Io::StorageFull | Io::QuotaExceeded => StoreErrorKind::Full,
        Io::NotFound | Io::NotADirectory | Io::InvalidInput | Io::InvalidFilename => {
            StoreErrorKind::Misconfigured
        }
        _ => StoreErrorKind::Internal,
    }
}

fn kind_of_sqlite(doing: Doing, error: &rusqlite::Error) -> StoreErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        // What was permitted when the store was opened may be permitted again: somebody has mounted the file system to be
        // read only, or the process has no more file handles.
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => match doing {
            Doing::Opening => StoreErrorKind::Denied,
            Doing::Reading | Doing::Writing | Doing::Closing => StoreErrorKind::Unavailable,
        },
        Some(ErrorCode::OutOfMemory) => StoreErrorKind::Unavailable,
        Some(ErrorCode::DatabaseCorrupt) => StoreErrorKind::Undecodable,
        // The disk. A write that failed half-way may be found whole in the log after a crash.
        Some(ErrorCode::SystemIoFailure) if doing != Doing::Opening => StoreErrorKind::Unavailable,
        Some(_) => StoreErrorKind::Internal,
        // Not SQLite's: a column of another type than the layout has.
        None => StoreErrorKind::Undecodable,
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Unreadable { resource, number, event_type, .. } => {
                let number = u64::try_from(*number).ok().filter(|number| limits::is_event_number(*number));
                Unreadable::new(resource.clone(), number, event_type.clone().as_deref(), error).into()
            }
            _ => Self::new(error.kind(), error),
        }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}
