//! [`Stores`]: where a service keeps its events, as the environment says: in one embedded store for all resource types,
//! or in a DynamoDB table for each.

use std::{fmt, sync::Arc};

use aws_event_sourcing_core::{
    Aggregate, EventStore, Repository,
    subscription::{ProgressStore, Source},
};
use aws_event_sourcing_sqlite::SqliteStore;

#[cfg(feature = "lambda")]
use aws_event_sourcing_core::subscription::Registration;
#[cfg(feature = "lambda")]
use aws_event_sourcing_dynamodb::Past;

#[cfg(feature = "dynamodb")]
use crate::tables::TableStores;
use crate::{Error, settings::Settings, telling::telling};

/// The file of the embedded store in `DATA_DIR`.
const STORE_FILE: &str = "events.db";

/// The store that was picked.
#[derive(Debug)]
pub(crate) enum Stores {
    Embedded(SqliteStore),
    #[cfg(feature = "dynamodb")]
    DynamoDb(TableStores),
}

impl Stores {
    /// Opens what the settings ask for. The embedded store is made when there is none; a table is not.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Error> {
        match &settings.tables {
            #[cfg(feature = "dynamodb")]
            Some(tables) => {
                tracing::info!(store = "dynamodb", setting = %tables, "events are kept in DynamoDB, because a table is set");
                let subscriptions = settings.subscriptions_table.clone();
                let connected = telling(TableStores::connect(tables.clone(), subscriptions), || {
                    tracing::warn!("region and credentials of AWS are still being looked for");
                });
                Ok(Self::DynamoDb(connected.await?))
            }
            #[cfg(not(feature = "dynamodb"))]
            Some(tables) => {
                Err(Error::Unsupported { setting: tables.to_string(), what: "the DynamoDB store" })
            }
            None => {
                let path = settings.data_dir.join(STORE_FILE);
                tracing::info!(
                    store = "sqlite", file = %path.display(),
                    "events are kept in a file, because DYNAMODB_TABLE is not set"
                );
                std::fs::create_dir_all(&settings.data_dir)
                    .map_err(|source| Error::DataDir { path: settings.data_dir.clone(), source })?;
                let opened = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || SqliteStore::open(path)
                });
                let opened = telling(opened, || {
                    tracing::warn!(
                        file = %path.display(),
                        "the store is still being opened: another process has it locked, or it is brought to a newer layout"
                    );
                });
                Ok(Self::Embedded(opened.await.expect("to open a store does not panic")?))
            }
        }
    }

    /// The resources of one type.
    pub(crate) fn repository<A: Aggregate>(&self) -> Repository<A> {
        match self {
            Self::Embedded(store) => Repository::new(store.clone()),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => Repository::new(tables.store(A::TYPE)),
        }
    }

    /// Checks that every type that is in use has a place of its own, and that none is set for any other but those that
    /// subscriptions follow. Asks nobody.
    #[cfg(feature = "lambda")]
    pub(crate) fn check(&self, followed: &[&str]) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::DynamoDb(tables) => tables.check(followed).map(drop),
        }
    }

    /// Checks that every type that is in use has a place of its own, which is there and fits.
    #[cfg_attr(not(feature = "dynamodb"), allow(unused_variables, reason = "one file has a place for all"))]
    pub(crate) async fn check_places(&self, followed: &[&str]) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => tables.check_tables(followed).await,
        }
    }

    /// The table of a resource type.
    #[cfg(feature = "lambda")]
    pub(crate) fn table_of(&self, resource_type: &str) -> Option<&str> {
        match self {
            Self::Embedded(_) => None,
            Self::DynamoDb(tables) => tables.table_of(resource_type),
        }
    }

    /// Opens a connection in the background, so that the first request finds one. Nothing waits for it.
    #[cfg(feature = "lambda")]
    pub(crate) fn connect_ahead(&self) {
        if let Self::DynamoDb(tables) = self {
            tokio::spawn(tables.connect_ahead());
        }
    }

    /// Where the events of a type are, how they are followed, and where it is kept how far a subscription is.
    #[cfg_attr(not(feature = "dynamodb"), allow(unused_variables, reason = "one file has a place for all"))]
    pub(crate) fn source(&self, subscription: &str, resource_type: &str) -> Result<Source, Error> {
        match self {
            Self::Embedded(store) => Ok(Source::of(store)),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => tables.source(subscription, resource_type),
        }
    }

    /// What happened before a function was handed a subscription's events.
    #[cfg(feature = "lambda")]
    pub(crate) async fn past(&self, registration: &Registration) -> Result<Past, Error> {
        match self {
            Self::Embedded(_) => Ok(Past::Read),
            Self::DynamoDb(tables) => tables.past(registration).await,
        }
    }

    /// How far subscriptions are; none where there is no place for that, and no subscription that needs one.
    #[cfg_attr(not(feature = "dynamodb"), allow(unused_variables, reason = "one file has a place for all"))]
    pub(crate) async fn progress(
        &self,
        subscription: Option<&str>,
    ) -> Result<Option<Arc<dyn ProgressStore>>, Error> {
        match self {
            Self::Embedded(store) => Ok(Some(Arc::new(store.clone()))),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => tables.progress(subscription).await,
        }
    }

    /// Every store that is in use: what it is called, and a resource type of it.
    pub(crate) fn all(&self) -> Vec<(String, Arc<dyn EventStore>, &'static str)> {
        match self {
            Self::Embedded(store) => vec![("store".to_owned(), Arc::new(store.clone()), "_health")],
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => tables.all(),
        }
    }

    /// Closes what has to be closed.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => Ok(store.close().await?),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(_) => Ok(()),
        }
    }
}

/// For the log.
impl fmt::Display for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(store) => store.path().display().fmt(f),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(tables) => tables.fmt(f),
        }
    }
}
