//! [`ResourceTable`]: the table of a resource type, as appending, reading and listing use it.

use std::sync::Arc;

use crate::{
    connection::DynamoDb,
    consumed::Observer,
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
}

impl ResourceTable {
    /// A request to this table, which the observer will be told of.
    pub(crate) fn pending(&self, operation: &'static str) -> Pending {
        let target = Target { operation, table: Arc::clone(&self.name), kind: Kind::Events };
        Pending::reported(&self.dynamodb, target, &self.resource_type, self.observer.as_ref())
    }
}
