//! The event store on Amazon DynamoDB: one table for each resource type, one item for each commit, and the fewest
//! requests and capacity units that this allows. And subscriptions to its events, by the streams of these tables.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use aws_event_sourcing_dynamodb::DynamoDb;
//!
//! let dynamodb = DynamoDb::from_env().await?;
//! let store = dynamodb.store().table("product", "products").build();
//! // Repository::<Product>::new(store)
//! # Ok(())
//! # }
//! ```
//!
//! A [`DynamoDb`] is the connection, a [`DynamoDbStore`] the store on it. [`DynamoDbSubscriptions`] keeps how far
//! subscriptions are, in one more table, and a [`DynamoDbFeed`] delivers events to them in processes of one's own; on AWS
//! Lambda they come as a [`StreamEvent`]. A [`Table`] can be made, checked and described; `eventctl table` does the same for people.
//!
//! # How it works
//!
//! An append is one `PutItem` on the condition that no item has the commit's number. Of two writers one succeeds; the
//! other gets the winner's item back with the refusal, at no cost, and needs no read to go on. A write whose answer
//! was lost is sent again, meets itself, and is recognised by its commit id.
//!
//! Histories are read by strongly consistent `Query`, whole tables by parallel `Scan`, both to the last page. The list
//! of resources comes from a sparse index that holds first commits only.
//!
//! How far a subscription is with a resource is one item; a change of it is one conditional write. A resource that is
//! parked has an entry in a sparse index besides. The shards of a stream are shared by processes through leases, which
//! are items too.
//!
//! The stored form is documented in `docs/stored-form.md` of the repository.

mod connection;
mod consumed;
mod feed;
mod store;
mod subscriptions;
mod table;

mod change;
mod stream_event;

mod append;
mod identity;
mod list;
mod pages;

mod item;
mod rows;
mod shard;
mod value;

mod error;
mod request;
mod resource_table;
mod transaction;
mod variables;

pub use self::{
    change::Change,
    connection::{Connect, DynamoDb},
    consumed::{Consumed, Meter, Request},
    feed::{DynamoDbFeed, Past},
    store::{DynamoDbStore, StoreBuilder},
    stream_event::{StreamEvent, StreamRecord},
    subscriptions::DynamoDbSubscriptions,
    table::{
        Billing, Breach, BrokenHistory, Created, Description, Finding, Index, IndexKind, Kind, Known,
        NewTable, Outcome, Progress, Recovery, Report, Requirement, Stream, Table, Verdict, Verification,
        Verified, Verify, VerifyProgress,
    },
    variables::{TABLE_VARIABLE, table_variable},
};
