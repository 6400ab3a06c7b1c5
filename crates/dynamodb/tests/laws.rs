//! The laws that every event store keeps, every keeper of progress and every feed, on these ones, in the real DynamoDB
//! Local.

use aws_event_sourcing_core::{ResourceId, ResourceKey, subscription::SubscriptionKey};
use aws_event_sourcing_dynamodb::DynamoDb;
use serde_json::{Value, json};
use uuid::Uuid;

/// Each subject has an access key of its own, and so tables of its own, named like the resource types.
#[derive(Clone)]
struct Access(String);

/// The table of subscriptions.
const SUBSCRIPTIONS: &str = "subscriptions";

impl Access {
    fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// One that has a table of subscriptions.
    async fn with_subscriptions() -> Self {
        let access = Self::new();
        let dynamodb = access.clone().connect().await;
        dynamodb.subscriptions_table(SUBSCRIPTIONS).create().send().await.expect("a table");
        access
    }

    async fn connect(self) -> DynamoDb {
        let connect = DynamoDb::builder().access_key(self.0, "secret").region("us-east-1");
        connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection")
    }

    async fn make_table(self, name: std::sync::Arc<str>) {
        self.connect().await.table(name).create().send().await.expect("a table");
    }

    /// Puts an item into the table of a resource as another application does. DynamoDB Local checks no signature.
    async fn spoil(self, ResourceKey { resource_type, id }: ResourceKey, number: u64) {
        let item = json!({
            "id": { "S": id.as_str() },
            "number": { "N": number.to_string() },
            "price": { "N": "1" },
        });
        self.ask("PutItem", json!({ "TableName": &*resource_type, "Item": item })).await;
    }

    /// Changes the item of a record in the same way.
    async fn spoil_record(self, key: SubscriptionKey, id: ResourceId) {
        let update = json!({
            "TableName": SUBSCRIPTIONS,
            "Key": { "id": { "S": id.as_str() }, "part": { "S": format!("{}/{}", key.subscription, key.resource_type) } },
            "UpdateExpression": "SET handled = :seven",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": { ":seven": { "S": "seven" } },
        });
        self.ask("UpdateItem", update).await;
    }

    async fn ask(self, operation: &str, body: Value) {
        let credential = format!("{}/20260101/us-east-1/dynamodb/aws4_request", self.0);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = http
            .post(dynamodb_local::url())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
            )
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }
}

mod store {
    use aws_event_sourcing_conformance::{Subject, laws};

    use super::Access;

    fn subject() -> Subject {
        let access = Access::new();
        let connect = access.clone();
        let store = move || {
            let connecting = connect.clone().connect();
            async { connecting.await.store().tables_by(str::to_owned).build() }
        };
        let other = access.clone();
        Subject::new(store)
            .writing_blindly()
            .preparing(move |table| access.clone().make_table(table))
            .spoiling(move |resource, number| other.clone().spoil(resource, number))
    }

    laws!(subject());
}

mod progress {
    use aws_event_sourcing_conformance::{ProgressSubject, progress_laws};

    use super::{Access, SUBSCRIPTIONS};

    async fn subject() -> ProgressSubject {
        let access = Access::with_subscriptions().await;
        let other = access.clone();
        ProgressSubject::new(move || {
            let connecting = access.clone().connect();
            async { connecting.await.subscriptions(SUBSCRIPTIONS) }
        })
        .spoiling_records(move |key, id| other.clone().spoil_record(key, id))
    }

    progress_laws!(subject().await);
}

mod feed {
    use std::{sync::Arc, time::Duration};

    use aws_event_sourcing_conformance::{FeedSubject, feed_laws, lease_laws};
    use aws_event_sourcing_core::subscription::Source;

    use super::{Access, SUBSCRIPTIONS};

    /// A law waits until a process that is gone is found out. Not so short that one that is there is held up for as long.
    const LEASE: Duration = Duration::from_secs(3);

    async fn subject() -> FeedSubject {
        let access = Access::with_subscriptions().await;
        let connect = access.clone();
        let source = move || {
            let connecting = connect.clone().connect();
            async {
                let dynamodb = connecting.await;
                let store = dynamodb.store().tables_by(str::to_owned).build();
                let subscriptions = dynamodb.subscriptions(SUBSCRIPTIONS);
                let feed = subscriptions.feed(&store).lease_time(LEASE);
                Source { events: Arc::new(store), feed: Arc::new(feed), progress: Arc::new(subscriptions) }
            }
        };
        let other = access.clone();
        FeedSubject::new(source)
            .preparing(move |table| access.clone().make_table(table))
            .spoiling(move |resource, number| other.clone().spoil(resource, number))
    }

    feed_laws!(subject().await);
    lease_laws!(subject().await);
}
