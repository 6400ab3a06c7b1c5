//! [`Place`]: where subscriptions keep how far they are, as the options say and the environment.

use std::{path::PathBuf, sync::Arc};

use aws_event_sourcing_core::{EventStore, subscription::ProgressStore};
use aws_event_sourcing_dynamodb::{TABLE_VARIABLE, table_variable};
use aws_event_sourcing_sqlite::SqliteStore;
use clap::Args;

use crate::{failure::Failure, options::Connection};

/// The file of the embedded store in its folder.
const STORE_FILE: &str = "events.db";

/// Where the subscriptions are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Place {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with = "subscriptions_table",
        help = "The folder of the embedded store; DATA_DIR, or ./data, unless set"
    )]
    data_dir: Option<PathBuf>,

    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "The DynamoDB table of the subscriptions; SUBSCRIPTIONS_TABLE unless set"
    )]
    subscriptions_table: Option<String>,

    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "The DynamoDB table of the events, to show one; DYNAMODB_TABLE_<TYPE> or DYNAMODB_TABLE unless set"
    )]
    table: Option<String>,
}

/// What is there.
pub(super) struct Store {
    pub(super) progress: Arc<dyn ProgressStore>,
    pub(super) events: Arc<dyn EventStore>,
    embedded: Option<SqliteStore>,
}

impl Store {
    /// Closes what has to be closed.
    pub(super) async fn close(self) -> Result<(), Failure> {
        match self.embedded {
            Some(store) => Ok(store.close().await?),
            None => Ok(()),
        }
    }
}

impl Place {
    /// Opens what is there. Makes nothing.
    pub(super) async fn open(&self, connection: &Connection) -> Result<Store, Failure> {
        let table = self.subscriptions_table.clone().or_else(|| set("SUBSCRIPTIONS_TABLE"));
        match (&self.data_dir, table) {
            (None, Some(table)) => {
                let dynamodb = connection.dynamodb().await?;
                let progress = Arc::new(dynamodb.subscriptions(table));
                let table_of = self.table_of();
                let events = dynamodb.store().tables_by(move |resource_type| table_of(resource_type)).build();
                Ok(Store { progress, events: Arc::new(events), embedded: None })
            }
            (Some(folder), _) => open_file(folder.join(STORE_FILE)),
            (None, None) if is_on_dynamodb() => Err(Failure::saying(
                "the events are in DynamoDB, and no table for subscriptions is set: set SUBSCRIPTIONS_TABLE, or say \
                 --subscriptions-table, or --data-dir for an embedded store",
            )),
            (None, None) => {
                let folder = PathBuf::from(set("DATA_DIR").unwrap_or_else(|| "data".to_owned()));
                open_file(folder.join(STORE_FILE))
            }
        }
    }

    /// Names the table of a resource type's events.
    fn table_of(&self) -> impl Fn(&str) -> String + Send + Sync + 'static {
        let table = self.table.clone();
        move |resource_type| {
            let named = table.clone().or_else(|| set(&table_variable(resource_type)));
            named.or_else(|| set(TABLE_VARIABLE)).unwrap_or_default()
        }
    }
}

fn open_file(file: PathBuf) -> Result<Store, Failure> {
    if !file.exists() {
        return Err(Failure::saying(&format!(
            "there is no store {}: name its folder by --data-dir or DATA_DIR, or a table by --subscriptions-table or \
             SUBSCRIPTIONS_TABLE",
            file.display()
        )));
    }
    let store = SqliteStore::open(file)?;
    Ok(Store { progress: Arc::new(store.clone()), events: Arc::new(store.clone()), embedded: Some(store) })
}

/// What a variable of the environment says, if it says anything.
fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Whether the environment is that of a service on DynamoDB.
fn is_on_dynamodb() -> bool {
    std::env::vars_os().any(|(name, value)| {
        let name = name.to_string_lossy();
        !value.is_empty() && (name == TABLE_VARIABLE || name.starts_with(&format!("{TABLE_VARIABLE}_")))
    })
}
