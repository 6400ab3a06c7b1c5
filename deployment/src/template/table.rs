//! [`Table`]: a DynamoDB table, and the request that makes it.

use serde_json::{Map, Value, json};

use super::Resource;

/// Properties that `CreateTable` has under the same name.
const SAME: [&str; 5] =
    ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes"];

/// A DynamoDB table.
#[derive(Debug, Clone, Copy)]
pub struct Table<'t> {
    resource: Resource<'t>,
}

impl<'t> Table<'t> {
    pub(super) fn new(resource: Resource<'t>) -> Self {
        Self { resource }
    }

    /// Its logical id.
    #[must_use]
    pub fn id(&self) -> &'t str {
        self.resource.id()
    }

    /// The resource itself.
    #[must_use]
    pub fn resource(&self) -> Resource<'t> {
        self.resource
    }

    /// What has to be sent as `CreateTable` to make such a table. What `CreateTable` does not take is not in it:
    /// point-in-time recovery.
    #[must_use]
    pub fn create_request(&self, name: &str) -> Value {
        let mut request = Map::from_iter([("TableName".to_owned(), json!(name))]);
        for property in SAME {
            if let Some(value) = self.resource.property(property) {
                request.insert(property.to_owned(), value.clone());
            }
        }
        if let Some(stream) = self.resource.property("StreamSpecification") {
            let stream = json!({"StreamEnabled": true, "StreamViewType": stream["StreamViewType"]});
            request.insert("StreamSpecification".to_owned(), stream);
        }
        Value::Object(request)
    }
}
