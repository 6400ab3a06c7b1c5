//! [`Failure`]: why a command could not do what it was asked.

use std::{error::Error, fmt, io, process::ExitCode};

use aws_event_sourcing_core::{
    ErrorChain, StoreError,
    subscription::{ParkedError, UnreadableRecord},
};
use clap::error::ErrorKind;
use serde::Serialize;

/// Serialized, it is what programs get.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// What happened, in one line.
    error: String,
    /// What may be said in its place, in several lines, when the command was not understood.
    help: Option<String>,
    status: Status,
}

/// What the process ends with.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(into = "u8")]
enum Status {
    Failed,
    NotUnderstood,
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Failed => 1,
            Status::NotUnderstood => 2,
        }
    }
}

impl Failure {
    /// With nothing behind it.
    pub(crate) fn saying(line: &str) -> Self {
        Self { error: line.to_owned(), help: None, status: Status::Failed }
    }

    /// That a command line is not understood: what the parser says of it, without the word that it begins with.
    pub(crate) fn not_understood(error: &clap::Error) -> Self {
        let said = error.to_string();
        let (error, help) = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => ("a command is missing", &*said),
            _ => said.strip_prefix("error: ").unwrap_or(&said).split_once("\n\n").unwrap_or((&*said, "")),
        };
        Self {
            error: in_one_line(error),
            help: Some(help.trim_end()).filter(|help| !help.is_empty()).map(str::to_owned),
            status: Status::NotUnderstood,
        }
    }

    /// That a command means nothing where the events are, and how to do there what is wanted.
    pub(crate) fn means_nothing(error: &str, help: &str) -> Self {
        Self { error: error.to_owned(), help: Some(help.to_owned()), status: Status::NotUnderstood }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        u8::from(self.status).into()
    }

    /// An error and its causes, none of them twice.
    fn new(error: &(dyn Error + 'static)) -> Self {
        Self::saying(&ErrorChain::of(error).to_string())
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}\n\n{help}", self.error),
            None => f.write_str(&self.error),
        }
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
            ParkedError::Unreadable(record) => record.into(),
            error => Self::new(&error),
        }
    }
}

impl From<UnreadableRecord> for Failure {
    fn from(record: UnreadableRecord) -> Self {
        Self { help: Some(record.remedy().to_owned()), ..Self::new(&record) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(&error)
    }
}
