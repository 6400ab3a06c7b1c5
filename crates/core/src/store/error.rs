//! [`StoreError`]: one error for all stores, which says what to do about it.

use std::{error::Error, fmt};

use crate::{Commit, limits::LimitExceeded};

/// A store could not do what it was asked.
///
/// What went wrong in the store's own terms is the [`source`](Error::source); code that branches looks at
/// [`kind`](Self::kind) or [`is_retryable`](Self::is_retryable).
#[derive(Debug)]
pub struct StoreError {
    pub(super) kind: StoreErrorKind,
    pub(super) source: Box<dyn Error + Send + Sync>,
}

/// What sort of thing went wrong in a store, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, is busy, or throttles. Whether a write took place is not known. Try again after a
    /// pause: HTTP 503.
    Unavailable,
    /// No room is left: a full disk. Nothing was written. Try again when somebody made room: HTTP 503.
    Full,
    /// The store's files were removed, moved or replaced while it had them open. Nothing is read or written until they are
    /// back, or the process is started again; whether a write took place is not known. An operator's task: HTTP 503.
    Lost,
    /// A limit is not kept. Send less: HTTP 413.
    TooLarge,
    /// The caller may not do this: a read-only file, a missing permission. An operator's task: HTTP 500.
    Denied,
    /// What was found is not what this library needs: another layout, a missing table. An operator's task: HTTP 500.
    Misconfigured,
    /// Stored bytes that do not decode: damaged, or of an event type that the code does not know. A developer's task:
    /// HTTP 500. Where it is one resource that cannot be read, [`unreadable`](StoreError::unreadable) names it.
    Undecodable,
    /// An event that cannot be encoded. A developer's task: HTTP 500.
    Unencodable,
    /// Anything else: HTTP 500.
    Internal,
}

impl StoreErrorKind {
    fn describe(self) -> &'static str {
        match self {
            Self::Unavailable => "the event store is unavailable",
            Self::Full => "the event store is full",
            Self::Lost => "the event store has lost its files",
            Self::TooLarge => "the commit is beyond a limit of the event store",
            Self::Denied => "the event store does not permit this",
            Self::Misconfigured => "the event store is not set up for this",
            Self::Undecodable => "stored events cannot be decoded",
            Self::Unencodable => "the event cannot be encoded",
            Self::Internal => "the event store failed",
        }
    }
}

impl StoreError {
    /// An error of that kind, for this reason.
    pub fn new(kind: StoreErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// What sort of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed after a pause, without anybody mending anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.describe())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<LimitExceeded> for StoreError {
    fn from(limit: LimitExceeded) -> Self {
        Self::new(StoreErrorKind::TooLarge, limit)
    }
}

/// Why a commit was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another commit has this number. Nothing was written. It carries the commit in the way, where the store learnt
    /// of it for free.
    #[error("another commit has this number")]
    Conflict(Option<Box<Commit>>),
    /// The store failed. After [`StoreErrorKind::Unavailable`] and [`StoreErrorKind::Lost`] the commit may or may not have been
    /// stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LimitExceeded> for AppendError {
    fn from(limit: LimitExceeded) -> Self {
        Self::Store(limit.into())
    }
}
