//! What can go wrong between a caller and a repository, by what the caller does about it.

use crate::{ResourceKey, StoreError, StoreErrorKind, codec::EncodeError};

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
    /// The store failed: see [`StoreError::kind`].
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// The store failed: see [`StoreError::kind`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: std::fmt::Display + std::fmt::Debug> From<FindError> for CommitError<E> {
    /// A version that a commit reached is there as long as its resource is.
    fn from(error: FindError) -> Self {
        match error {
            FindError::NotFound { resource } | FindError::NoSuchVersion { resource, .. } => {
                Self::NotFound { resource }
            }
            FindError::Store(error) => Self::Store(error),
        }
    }
}

/// A history whose numbers do not follow one another. Someone has tampered with the store.
#[derive(Debug, thiserror::Error)]
#[error("the history of {resource} goes on with number {found} where number {expected} should be")]
pub(super) struct BrokenHistory {
    pub(super) resource: ResourceKey,
    pub(super) expected: u64,
    pub(super) found: u64,
}

impl From<BrokenHistory> for StoreError {
    fn from(error: BrokenHistory) -> Self {
        Self::new(StoreErrorKind::Undecodable, error)
    }
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
