//! What can go wrong between a caller and a repository, by what the caller does about it.

use crate::{CommitId, ResourceKey, StoreError, StoreErrorKind, Unreadable, codec::EncodeError};

/// Why a resource was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No resource has this id. HTTP 404.
    #[error("{resource} does not exist")]
    NotFound {
        /// What was looked for.
        resource: ResourceKey,
    },
    /// The resource has not come to this version yet; 0 is no version of any resource. HTTP 404.
    #[error("{resource} has no version {version}; its version is {actual}")]
    NoSuchVersion {
        /// What was looked for.
        resource: ResourceKey,
        /// The version that was asked for.
        version: u64,
        /// The version that it has.
        actual: u64,
    },
    /// The resource is there, and cannot be read. No other one is concerned. HTTP 500.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed: see [`StoreError::kind`].
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for FindError {
    fn from(error: StoreError) -> Self {
        error.into_unreadable().map_or_else(Self::Store, Self::Unreadable)
    }
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E: std::fmt::Display + std::fmt::Debug> {
    /// The domain said no, judged on the newest state. Tell the user. HTTP 409.
    #[error("{0}")]
    Rejected(E),
    /// No resource has this id. HTTP 404.
    #[error("{resource} does not exist")]
    NotFound {
        /// What was to be changed.
        resource: ResourceKey,
    },
    /// The resource is not at the version that the caller expects; for a new resource, which expects version 0, its id
    /// is taken. Hydrate, look at what happened, decide again. HTTP 412.
    #[error("expected version {expected}, but it is version {actual}")]
    Conflict {
        /// The version that the caller expects.
        expected: u64,
        /// The version that it is.
        actual: u64,
    },
    /// Others committed to this resource in every one of our attempts. Try again after a pause. HTTP 503.
    #[error("others were faster in all of {attempts} attempts")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The idempotency key was used for other events of this resource. The caller's mistake. HTTP 422.
    #[error("the idempotency key {key:?} was used for something else")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// The resource is there, and cannot be read, so that nobody can judge what may happen to it. No other one is
    /// concerned. HTTP 500.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed: see [`StoreError::kind`].
    #[error(transparent)]
    Store(StoreError),
}

impl<E: std::fmt::Display + std::fmt::Debug> From<StoreError> for CommitError<E> {
    fn from(error: StoreError) -> Self {
        error.into_unreadable().map_or_else(Self::Store, Self::Unreadable)
    }
}

impl<E: std::fmt::Display + std::fmt::Debug> From<FindError> for CommitError<E> {
    /// A version that a commit reached is there as long as its resource is.
    fn from(error: FindError) -> Self {
        match error {
            FindError::NotFound { resource } | FindError::NoSuchVersion { resource, .. } => {
                Self::NotFound { resource }
            }
            FindError::Unreadable(unreadable) => Self::Unreadable(unreadable),
            FindError::Store(error) => Self::Store(error),
        }
    }
}

/// A history whose commits do not follow one another.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenHistory {
    /// Events are missing, and nobody knows of which commits.
    #[error("the history goes on with number {found} where number {expected} should be")]
    Gap { expected: u64, found: u64 },
    /// A commit follows one that is not there.
    #[error(
        "number {found} follows the commit {:?}, which is not there: the store was restored to an earlier state, or events \
         were deleted, while a process went on writing",
        follows.as_str()
    )]
    Lost { found: u64, follows: CommitId },
    /// A commit follows another one than the one before it.
    #[error(
        "number {number} follows the commit {:?}, and not the one before it: the store was restored to an earlier state while \
         a process went on writing, and two histories are mixed",
        follows.as_str()
    )]
    Mixed { number: u64, follows: CommitId },
}

/// The caller's `meta` is not something that can be stored.
#[derive(Debug, thiserror::Error)]
#[error("the commit's meta is not a JSON object")]
pub(super) struct InvalidMeta {
    pub(super) source: Option<serde_json::Error>,
}

impl From<InvalidMeta> for StoreError {
    fn from(error: InvalidMeta) -> Self {
        Self::new(StoreErrorKind::Unencodable, error)
    }
}

impl From<EncodeError> for StoreError {
    fn from(error: EncodeError) -> Self {
        Self::new(StoreErrorKind::Unencodable, error)
    }
}
