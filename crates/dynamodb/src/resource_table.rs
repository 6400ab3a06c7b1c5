//! [`ResourceTable`]: the table of a resource type, as appending, reading and listing use it.

use std::sync::Arc;

use crate::{connection::DynamoDb, consumed::Observer, request::Pending};

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
        Pending::reported(self, operation)
    }
}
