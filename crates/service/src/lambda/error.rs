//! [`InvocationError`]: why an invocation failed. Lambda tries it again, or does not, by what has called the function.

use std::fmt;

use aws_event_sourcing_core::{ErrorChain, StoreError};
use lambda_runtime::Diagnostic;

use crate::Error;

/// Why an invocation failed.
///
/// Its `Debug` is its message with all its causes on one line, since that is what the runtime logs.
#[derive(thiserror::Error)]
pub(super) enum InvocationError {
    /// There is nothing in this program for what it was called with.
    #[error("no handler for {0}")]
    NoHandler(String),
    /// What looks like an event of that kind cannot be read.
    #[error("cannot read {kind}")]
    Malformed {
        /// What it looks like.
        kind: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A handler failed, and told so.
    #[error("{what} was not handled: {failure}")]
    NotHandled {
        /// Which message or event.
        what: String,
        /// Why not.
        failure: String,
    },
    /// The time of the invocation was up.
    #[error("the time of the invocation was up before {0}")]
    Late(&'static str),
    /// The answer cannot be written.
    #[error("cannot write the answer")]
    Answer(#[source] serde_json::Error),
    /// Something is not set up as this kind of event needs it.
    #[error(transparent)]
    Setup(#[from] Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InvocationError {
    /// For `map_err`.
    pub(super) fn malformed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        kind: &'static str,
    ) -> impl Fn(E) -> Self {
        move |source| Self::Malformed { kind, source: source.into() }
    }

    /// What Lambda calls the type of the error.
    fn kind(&self) -> &'static str {
        match self {
            Self::NoHandler(_) => "NoHandler",
            Self::Malformed { .. } => "Malformed",
            Self::NotHandled { .. } => "NotHandled",
            Self::Late(_) => "Late",
            Self::Answer(_) => "Answer",
            Self::Setup(_) => "Setup",
            Self::Store(_) => "Store",
        }
    }
}

impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain::of(self), f)
    }
}

/// What Lambda answers to whoever has called the function.
impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.kind().into(), error_message: format!("{error:?}") }
    }
}
