//! [`Error`]: why there is no such tool, and what to do about it.

use std::io;

use toolshed::Refused;

use crate::TemplateError;

/// Why there is no such tool, or nothing was built with it. The text is for a person, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no Python to install it with.
    #[error("python3 is missing, which installs {0}: install Python 3.11 and its venv")]
    NoPython(&'static str),
    /// There is no `npm` to install it with.
    #[error("npm is missing, which installs {0}: install Node.js and its npm")]
    NoNpm(&'static str),
    /// pip or npm has failed to install it. The reason is its own.
    #[error("{tool} cannot be installed: {why}: try again with a connection to the registry of {installer}")]
    NotInstalled {
        /// What was to be installed.
        tool: &'static str,
        /// By what.
        installer: &'static str,
        /// Why not.
        why: String,
    },
    /// What was installed is another version.
    #[error(
        "{tool} says that it is {said:?}, which is not {expected:?}: look at the settings of pip and npm"
    )]
    WrongVersion {
        /// What was installed.
        tool: &'static str,
        /// What it says of itself.
        said: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Something was not built.
    #[error("{what} was not built: {why}")]
    NotBuilt {
        /// What.
        what: String,
        /// What the tool says that was to build it.
        why: String,
    },
    /// What was built has a template which says something else than expected.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The operating system has refused something.
    #[error("{0}: {source}", source = io_of(.0))]
    Refused(#[from] Refused),
}

fn io_of(refused: &Refused) -> String {
    std::error::Error::source(refused).map(ToString::to_string).unwrap_or_default()
}

impl Error {
    /// A program could not be run: it is missing, or something is wrong with it.
    pub(crate) fn cannot_run(
        program: &str,
        missing: impl FnOnce() -> Self,
    ) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => Refused::to(format!("run {program}"))(error).into(),
        }
    }
}
