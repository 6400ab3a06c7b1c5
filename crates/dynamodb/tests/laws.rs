//! The laws that every event store keeps, on this one, in the real DynamoDB Local.

use aws_event_sourcing_conformance::{Subject, laws};
use aws_event_sourcing_dynamodb::DynamoDb;
use uuid::Uuid;

/// Each subject has an access key of its own, and so tables of its own, named like the resource types.
fn subject() -> Subject {
    let key = Uuid::new_v4().simple().to_string();
    let dynamodb = move || {
        let connect = DynamoDb::builder().access_key(&key, "secret").region("us-east-1");
        async { connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection") }
    };
    let connect = dynamodb.clone();
    let store = move || {
        let dynamodb = connect();
        async { dynamodb.await.store().tables_by(str::to_owned).build() }
    };
    Subject::new(store).preparing(move |table| {
        let dynamodb = dynamodb();
        async { drop(dynamodb.await.table(table).create().send().await.expect("a table")) }
    })
}

laws!(subject());
