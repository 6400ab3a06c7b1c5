//! What AWS says about tables: for what it does and DynamoDB Local does not.

use std::ops::Deref;

use aws_event_sourcing_dynamodb::DynamoDb;
use serde_json::{Value, json};

use super::{service::Service, support};

/// A connection to a service that says what a test wants.
pub(crate) struct Scripted {
    pub(crate) dynamodb: DynamoDb,
    service: Service,
}

impl Scripted {
    /// See [`Service::new`].
    pub(crate) async fn new(
        script: impl Fn(&str, usize) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Self {
        let service = Service::new(script).await;
        Self { dynamodb: support::dynamodb_at(&service.url).await, service }
    }
}

impl Deref for Scripted {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// The description of a table that is as it has to be, as AWS gives it.
pub(crate) fn table(status: &str) -> Value {
    let attribute = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
    let key = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let index_status = if status == "CREATING" { "CREATING" } else { "ACTIVE" };
    json!({ "Table": {
        "TableName": "products",
        "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/products",
        "TableStatus": status,
        "CreationDateTime": 1_700_000_000.5,
        "ItemCount": 12,
        "TableSizeBytes": 3456,
        "AttributeDefinitions": [
            attribute("id", "S"), attribute("number", "N"), attribute("shard", "S"), attribute("at", "S"),
            attribute("never", "S"),
        ],
        "KeySchema": key("id", "number"),
        "BillingModeSummary": { "BillingMode": "PAY_PER_REQUEST" },
        "GlobalSecondaryIndexes": [{
            "IndexName": "listing", "KeySchema": key("shard", "at"), "IndexStatus": index_status,
            "Projection": { "ProjectionType": "KEYS_ONLY" },
            "ItemCount": 2, "IndexSizeBytes": 100,
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "together", "KeySchema": key("id", "never"),
            "Projection": { "ProjectionType": "KEYS_ONLY" }, "ItemCount": 0, "IndexSizeBytes": 0,
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        "LatestStreamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/products/stream/1",
        "DeletionProtectionEnabled": true,
    }})
}

/// Point-in-time recovery, on or off.
pub(crate) fn recovery(status: &str) -> Value {
    json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": status,
            "RecoveryPeriodInDays": 35,
            "EarliestRestorableDateTime": 1_700_000_000.0,
            "LatestRestorableDateTime": 1_700_000_600.0,
        },
    }})
}

/// What AWS says to whatever is asked about a table that lacks nothing.
pub(crate) fn fine(operation: &str) -> Value {
    match operation {
        "DescribeTable" => table("ACTIVE"),
        "DescribeContinuousBackups" | "UpdateContinuousBackups" => recovery("ENABLED"),
        "DescribeTimeToLive" => json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }),
        "ListTagsOfResource" => json!({ "Tags": [{ "Key": "aws-event-sourcing", "Value": "events" }] }),
        _ => json!({}),
    }
}
