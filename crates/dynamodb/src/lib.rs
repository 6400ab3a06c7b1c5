//! The event store on Amazon DynamoDB: one table for each resource type, one item for each commit, and the fewest
//! requests and capacity units that this allows.
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
//! A [`DynamoDb`] is the connection, a [`DynamoDbStore`] the store on it. A [`Table`] can be made, checked and
//! described; `eventctl table` does the same for people.
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
//! The stored form is documented in `docs/stored-form.md` of the repository.

mod connection;
mod consumed;
mod store;
mod table;

mod append;
mod list;
mod pages;

mod item;
mod shard;
mod value;

mod error;
mod request;
mod resource_table;

pub use self::{
    connection::{Connect, DynamoDb},
    consumed::{Consumed, Meter, Request},
    store::{DynamoDbStore, StoreBuilder},
    table::{
        Billing, Created, Description, Finding, Index, IndexKind, Known, NewTable, Outcome, Progress,
        Recovery, Report, Requirement, Stream, Table, Verdict,
    },
};
