//! [`ResourceTable`]: the table of a resource type, as appending, reading and listing use it.

use std::sync::Arc;

use crate::{
    connection::DynamoDb,
    consumed::Observer,
    error::Error,
    identity::Identity,
    request::{Pending, Target},
    table::Kind,
};

/// A table of resources of one type, and how to reach it.
#[derive(Clone)]
pub(crate) struct ResourceTable {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) name: Arc<str>,
    pub(crate) resource_type: Arc<str>,
    pub(crate) observer: Option<Observer>,
    pub(crate) identity: Arc<Identity>,
}

impl ResourceTable {
    /// A request to this table, which the observer will be told of.
    pub(crate) fn pending(&self, operation: &'static str) -> Pending {
        let target = Target { operation, table: Arc::clone(&self.name), kind: Kind::Events };
        Pending::reported(&self.dynamodb, target, &self.resource_type, self.observer.as_ref())
    }

    /// Takes note that a request was answered. After the first one it is looked which table that is: what is read from then
    /// on is known to come from it. Others do not wait for that.
    pub(crate) async fn was_answered(&self) {
        if self.identity.begin() {
            self.identity.look(self).await;
        }
    }

    /// Takes note of why a request has failed.
    pub(crate) fn has_failed(&self, error: Error) -> Error {
        if matches!(error, Error::TableNotFound { .. }) {
            self.identity.doubt();
        }
        error
    }
}
