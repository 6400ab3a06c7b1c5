//! [`Key`]: what makes a commit happen once.

use crate::{Commit, CommitId};

/// What makes a commit happen once. A caller and a handler may come to the same text: their keys are different ones all
/// the same.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// An idempotency key, and the id that it makes within its scope.
    OfCaller { key: Box<str>, id: CommitId },
    /// Made for a commit of a handler, from the event that it handles.
    OfHandling(CommitId),
}

impl Key {
    pub(super) fn of_caller(key: &CommitId, scope: Option<&str>) -> Self {
        Self::OfCaller { key: key.as_str().into(), id: CommitId::of_key(key.as_str(), scope) }
    }

    pub(super) fn id(&self) -> &CommitId {
        match self {
            Self::OfCaller { id, .. } | Self::OfHandling(id) => id,
        }
    }

    /// Whether a stored commit was made with this key.
    pub(super) fn made(&self, commit: &Commit, cause: Option<&str>) -> bool {
        commit.id == *self.id()
            && match self {
                // A handler may name its own cause as the key.
                Self::OfCaller { .. } => {
                    !is_of_handling(commit) || cause.is_some() && commit.cause.as_deref() == cause
                }
                Self::OfHandling(_) => commit.cause.as_deref() == cause,
            }
    }
}

/// Whether a handler made this commit, and named no key of its own for it.
fn is_of_handling(commit: &Commit) -> bool {
    commit.cause.as_deref().is_some_and(|cause| commit.id.as_str().starts_with(cause))
}
