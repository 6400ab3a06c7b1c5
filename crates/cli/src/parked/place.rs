//! [`Place`]: where subscriptions keep how far they are, as the options say and the environment.

use std::{path::PathBuf, sync::Arc};

use aws_event_sourcing_core::{EventStore, subscription::ProgressStore};
use aws_event_sourcing_dynamodb::{TABLE_VARIABLE, table_variable};
use aws_event_sourcing_sqlite::SqliteStore;
use clap::Args;

use crate::{
    failure::Failure,
    file::{STORE_FILE, folder, is_on_dynamodb, set},
    options::Connection,
};

/// Where the subscriptions are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Place {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with_all = ["subscriptions_table", "table"],
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
    events: Arc<dyn EventStore>,
    place: OpenPlace,
}

/// Where a store is, once it is open.
enum OpenPlace {
    Embedded(SqliteStore),
    /// Names the table of a resource type's events, where one is named.
    DynamoDb(TableOf),
}

type TableOf = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Store {
    /// The events of a resource type.
    pub(super) fn events_of(&self, resource_type: &str) -> Result<&dyn EventStore, Failure> {
        match &self.place {
            OpenPlace::DynamoDb(table_of) if table_of(resource_type).is_none() => {
                Err(Failure::saying(&format!(
                    "the table of its events is not known: say --table, or set {}",
                    table_variable(resource_type)
                )))
            }
            OpenPlace::DynamoDb(_) | OpenPlace::Embedded(_) => Ok(&*self.events),
        }
    }

    /// Closes what has to be closed.
    pub(super) async fn close(self) -> Result<(), Failure> {
        match self.place {
            OpenPlace::Embedded(store) => Ok(store.close().await?),
            OpenPlace::DynamoDb(_) => Ok(()),
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
                let place = OpenPlace::DynamoDb(table_of.clone());
                let table_of = move |resource_type: &str| table_of(resource_type).unwrap_or_default();
                let events = dynamodb.store().tables_by(table_of).build();
                Ok(Store { progress, events: Arc::new(events), place })
            }
            (Some(folder), _) => open_file(folder.join(STORE_FILE)),
            (None, None) if self.table.is_some() || is_on_dynamodb() => Err(Failure::saying(
                "the events are in DynamoDB, and no table for subscriptions is set: set SUBSCRIPTIONS_TABLE, or say \
                 --subscriptions-table, or --data-dir for an embedded store",
            )),
            (None, None) => open_file(folder().join(STORE_FILE)),
        }
    }

    fn table_of(&self) -> TableOf {
        let table = self.table.clone();
        Arc::new(move |resource_type| {
            let named = table.clone().or_else(|| set(&table_variable(resource_type)));
            named.or_else(|| set(TABLE_VARIABLE))
        })
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
    Ok(Store {
        progress: Arc::new(store.clone()),
        events: Arc::new(store.clone()),
        place: OpenPlace::Embedded(store),
    })
}
