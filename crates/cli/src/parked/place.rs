//! [`Place`]: where subscriptions keep how far they are, as the options say and the environment.

use std::{path::PathBuf, sync::Arc};

use aws_event_sourcing_core::{EventStore, subscription::ProgressStore};
use aws_event_sourcing_sqlite::SqliteStore;
use clap::Args;

use crate::{failure::Failure, options::Connection};

/// The file of the embedded store in its folder.
const STORE_FILE: &str = "events.db";

/// Where the subscriptions are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Place {
    /// The folder of the embedded store; DATA_DIR, or ./data, unless set
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "subscriptions_table")]
    data_dir: Option<PathBuf>,

    /// The DynamoDB table of the subscriptions; SUBSCRIPTIONS_TABLE unless set
    #[arg(long, global = true, value_name = "NAME")]
    subscriptions_table: Option<String>,
}

/// What is there.
pub(super) struct Store {
    pub(super) progress: Arc<dyn ProgressStore>,
    /// The events, where they are known.
    pub(super) events: Option<Arc<dyn EventStore>>,
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
    pub(super) async fn open(&self, _connection: &Connection) -> Result<Store, Failure> {
        let set = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
        let folder = match (&self.data_dir, &self.subscriptions_table, set("SUBSCRIPTIONS_TABLE")) {
            (Some(folder), _, _) => folder.clone(),
            (None, None, None) => set("DATA_DIR").unwrap_or_else(|| "data".to_owned()).into(),
            (None, Some(_), _) | (None, None, Some(_)) => {
                return Err(Failure::saying("DynamoDB is not supported yet"));
            }
        };
        let file = folder.join(STORE_FILE);
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
            events: Some(Arc::new(store.clone())),
            embedded: Some(store),
        })
    }
}
