//! [`TableStores`]: the DynamoDB tables of a service, one for each resource type that it uses.

#[cfg(feature = "lambda")]
mod on_lambda;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_event_sourcing_core::{
    EventStore,
    subscription::{ProgressStore, Source},
};
use aws_event_sourcing_dynamodb::{
    DynamoDb, DynamoDbStore, DynamoDbSubscriptions, StoreBuilder, table_variable,
};

use crate::{Error, settings::Tables, telling::telling};

/// A connection, and which type has which table.
#[derive(Debug)]
pub(crate) struct TableStores {
    dynamodb: DynamoDb,
    tables: Tables,
    /// The table for how far subscriptions are.
    subscriptions: Option<String>,
    /// The types in use, each with its table if it has one.
    used: Mutex<BTreeMap<&'static str, Option<String>>>,
}

impl TableStores {
    pub(crate) async fn connect(tables: Tables, subscriptions: Option<String>) -> Result<Self, Error> {
        let dynamodb = DynamoDb::from_env().await;
        let dynamodb = dynamodb.map_err(|source| Error::DynamoDb { setting: tables.to_string(), source })?;
        Ok(Self::new(dynamodb, tables, subscriptions))
    }

    pub(crate) fn new(dynamodb: DynamoDb, tables: Tables, subscriptions: Option<String>) -> Self {
        Self { dynamodb, tables, subscriptions, used: Mutex::default() }
    }

    /// The store of a type. Without a table it refuses every call; [`check`](Self::check) says why.
    pub(crate) fn store(&self, resource_type: &'static str) -> DynamoDbStore {
        let table = self.tables.of(resource_type);
        self.used().insert(resource_type, table.cloned());
        let store = self.dynamodb.store();
        match table {
            Some(table) => store.table(resource_type, table.as_str()).build(),
            None => store.build(),
        }
    }

    /// The stores of the types in use.
    pub(crate) fn all(&self) -> Vec<(String, Arc<dyn EventStore>, &'static str)> {
        let used = self.used().clone();
        let stores = used.into_iter().filter_map(|(resource_type, table)| {
            let store = self.dynamodb.store().table(resource_type, table?).build();
            Some((format!("store of {resource_type}"), Arc::new(store) as Arc<dyn EventStore>, resource_type))
        });
        stores.collect()
    }

    /// Checks that each type in use has a table of its own, and gives these. And that a table that is set is that of a type in
    /// use, or of one that a subscription follows.
    pub(crate) fn check(&self, followed: &[&str]) -> Result<Vec<String>, Error> {
        let used = self.used().clone();
        let types = used.keys().copied().chain(followed.iter().copied());
        let variables: BTreeSet<_> = types.map(table_variable).collect();
        if let Some(variable) = self.tables.of_types().find(|variable| !variables.contains(*variable))
            && !variables.is_empty()
        {
            return Err(Error::NoSuchType { variable: variable.clone(), variables });
        }
        if let (Tables::One(_), [first, second, ..]) =
            (&self.tables, used.keys().collect::<Vec<_>>().as_slice())
        {
            let variables = [table_variable(first), table_variable(second)];
            return Err(Error::OneTable { first, second, variables });
        }
        let mut owners = BTreeMap::new();
        for (resource_type, table) in used {
            let Some(table) = table else {
                return Err(Error::NoTable { resource_type, variable: table_variable(resource_type) });
            };
            if let Some(other) = owners.insert(table.clone(), resource_type) {
                let variables = [table_variable(other), table_variable(resource_type)];
                return Err(Error::SameTable { table, variables });
            }
        }
        Ok(owners.into_keys().collect())
    }

    /// The same, and that each table is one for events. One request for each.
    pub(crate) async fn check_tables(&self, followed: &[&str]) -> Result<(), Error> {
        for table in self.check(followed)? {
            let suitable = self.dynamodb.table(table.as_str());
            let suitable = telling(suitable.suitable(), || self.tell_of_waiting(&table)).await;
            suitable.map_err(|source| Error::DynamoDb { setting: self.tables.to_string(), source })?;
        }
        Ok(())
    }

    /// How far subscriptions are; none where there is no table for that, and no subscription that needs one. One request
    /// tells whether the table will do.
    pub(crate) async fn progress(
        &self,
        subscription: Option<&str>,
    ) -> Result<Option<Arc<dyn ProgressStore>>, Error> {
        let Some(table) = &self.subscriptions else {
            return match subscription {
                Some(name) => Err(Error::NoSubscriptionsTable { subscription: name.to_owned() }),
                None => Ok(None),
            };
        };
        let suitable = self.dynamodb.subscriptions_table(table.as_str());
        let suitable = telling(suitable.suitable(), || self.tell_of_waiting(table)).await;
        let setting = || format!("SUBSCRIPTIONS_TABLE={table}");
        suitable.map_err(|source| Error::DynamoDb { setting: setting(), source })?;
        Ok(Some(Arc::new(self.dynamodb.subscriptions(table.as_str()))))
    }

    /// Where the events of a type are, how they are followed, and where it is kept how far a subscription is.
    pub(crate) fn source(&self, subscription: &str, resource_type: &str) -> Result<Source, Error> {
        let (events, progress) = self.sides(subscription, resource_type)?;
        let events = events.build();
        let feed = progress.feed(&events);
        Ok(Source { events: Arc::new(events), feed: Arc::new(feed), progress: Arc::new(progress) })
    }

    fn sides(
        &self,
        subscription: &str,
        resource_type: &str,
    ) -> Result<(StoreBuilder, DynamoDbSubscriptions), Error> {
        let Some(events) = self.tables.of(resource_type) else {
            return Err(Error::NoTableToFollow {
                resource_type: resource_type.to_owned(),
                variable: table_variable(resource_type),
            });
        };
        let Some(subscriptions) = &self.subscriptions else {
            return Err(Error::NoSubscriptionsTable { subscription: subscription.to_owned() });
        };
        let events = self.dynamodb.store().table(resource_type, events.as_str());
        Ok((events, self.dynamodb.subscriptions(subscriptions.as_str())))
    }

    fn tell_of_waiting(&self, table: &str) {
        tracing::warn!(
            table,
            region = self.dynamodb.region(),
            endpoint = self.dynamodb.endpoint_url(),
            "DynamoDB does not answer yet, and is asked again for a while"
        );
    }

    fn used(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        // Nothing that runs under the lock can leave it half-changed.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the log.
impl fmt::Display for TableStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.used();
        let tables: Vec<_> = used.values().flatten().map(String::as_str).collect();
        let noun = if tables.len() == 1 { "table" } else { "tables" };
        write!(f, "DynamoDB {noun} {} in {}", tables.join(", "), self.dynamodb.region())
    }
}
