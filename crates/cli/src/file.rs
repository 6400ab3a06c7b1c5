//! [`File`]: the file of an embedded store, as the options say and the environment.

use std::path::PathBuf;

use aws_event_sourcing_dynamodb::TABLE_VARIABLE;
use clap::Args;

/// The file of the embedded store in its folder.
pub(crate) const STORE_FILE: &str = "events.db";

/// Where the store is.
#[derive(Debug, Args)]
pub(crate) struct File {
    #[arg(
        long,
        value_name = "DIR",
        help = "The folder of the embedded store; DATA_DIR, or ./data, unless set"
    )]
    data_dir: Option<PathBuf>,
}

impl File {
    /// None when the events are in DynamoDB.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.data_dir {
            Some(folder) => Some(folder.join(STORE_FILE)),
            None if is_on_dynamodb() => None,
            None => Some(folder().join(STORE_FILE)),
        }
    }
}

/// The folder that the environment names.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(set("DATA_DIR").unwrap_or_else(|| "data".to_owned()))
}

/// What a variable of the environment says, if it says anything.
pub(crate) fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Whether the environment is that of a service on DynamoDB.
pub(crate) fn is_on_dynamodb() -> bool {
    std::env::vars_os().any(|(name, value)| {
        let name = name.to_string_lossy();
        !value.is_empty() && (name == TABLE_VARIABLE || name.starts_with(&format!("{TABLE_VARIABLE}_")))
    })
}
