//! Connecting as the options say, and as the environment says where they say nothing.

use std::time::Duration;

use aws_event_sourcing_core::StoreError;
use aws_event_sourcing_dynamodb::{DynamoDb, Table};

use crate::options::Connection;

/// How long one request may take with all its attempts: somebody is waiting.
const DEADLINE: Duration = Duration::from_secs(5);

impl Connection {
    /// A connection. Nothing is sent yet.
    pub(crate) async fn dynamodb(&self) -> Result<DynamoDb, StoreError> {
        let mut connect = DynamoDb::builder().deadline(DEADLINE);
        if let Some(region) = &self.region {
            connect = connect.region(region);
        }
        if let Some(profile) = &self.profile {
            connect = connect.profile(profile);
        }
        if let Some(url) = &self.endpoint_url {
            connect = connect.endpoint_url(url);
        }
        connect.connect().await
    }

    /// A table by its name. Nothing is sent yet.
    pub(crate) async fn table(&self, name: &str) -> Result<Table, StoreError> {
        Ok(self.dynamodb().await?.table(name))
    }
}
