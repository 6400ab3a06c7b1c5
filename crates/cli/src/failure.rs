//! [`Failure`]: why a command could not do what it was asked, as one line.

use std::{error::Error, fmt, io};

use aws_event_sourcing_core::{ErrorChain, StoreError, subscription::ParkedError};

/// The line.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// With nothing behind it.
    pub(crate) fn saying(line: &str) -> Self {
        Self(line.to_owned())
    }

    /// An error and its causes, none of them twice.
    fn new(error: &(dyn Error + 'static)) -> Self {
        Self(ErrorChain::of(error).to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for Failure {
    /// Without the sort of error it is: what happened says more.
    fn from(error: StoreError) -> Self {
        Self::new(error.source().unwrap_or(&error))
    }
}

impl From<ParkedError> for Failure {
    fn from(error: ParkedError) -> Self {
        match error {
            ParkedError::Store(error) => error.into(),
            error => Self::new(&error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(&error)
    }
}
