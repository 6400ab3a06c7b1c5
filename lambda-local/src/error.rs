//! [`Error`]: why something does not run, and what to do about it.

use toolshed::Refused;

/// Why something does not run on this machine. The text is for a person, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool cannot be installed, or an example not be built.
    #[error(transparent)]
    Deployment(#[from] deployment::Error),
    /// The template says something that is not understood.
    #[error(transparent)]
    Template(#[from] deployment::TemplateError),
    /// The template has something that cannot be run here, or lacks something.
    #[error("{of}: {why}")]
    Unsuitable {
        /// What of the template.
        of: String,
        /// Why not.
        why: String,
    },
    /// There is no such program.
    #[error("there is no program {0}: build it first")]
    NoProgram(String),
    /// Cargo has not built the example. It has said why.
    #[error("cargo has not built {0}")]
    NotBuilt(String),
    /// Somebody else listens on the port.
    #[error("port {0} is in use: choose another, or stop the program that listens on it")]
    PortInUse(u16),
    /// There is no DynamoDB Local.
    #[error(transparent)]
    DynamoDbLocal(#[from] dynamodb_local::Error),
    /// DynamoDB has refused something, or does not answer.
    #[error("DynamoDB does not {operation}: {why}")]
    DynamoDb {
        /// What it was asked for: `CreateTable`.
        operation: String,
        /// What it says.
        why: String,
    },
    /// The emulator has ended, or does not answer.
    #[error("the emulator of Lambda {0}")]
    Emulator(String),
    /// The operating system has refused something.
    #[error("{0}: {source}", source = io_of(.0))]
    Refused(#[from] Refused),
}

fn io_of(refused: &Refused) -> String {
    std::error::Error::source(refused).map(ToString::to_string).unwrap_or_default()
}
