//! Connections to the DynamoDB Local of this run, and tables in it.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_event_sourcing_core::{Aggregate, Event};
use aws_event_sourcing_dynamodb::{Connect, DynamoDb};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Each process of tests has an access key, and so tables, of its own.
fn access_key() -> String {
    format!("promises{}", process::id())
}

/// A connection that is set up, but for its address.
pub(crate) fn connect() -> Connect {
    DynamoDb::builder().access_key(access_key(), "secret").region("us-east-1")
}

/// A connection straight to DynamoDB Local.
pub(crate) async fn dynamodb() -> DynamoDb {
    connect().endpoint_url(dynamodb_local::url()).connect().await.expect("a connection")
}

/// Asks DynamoDB Local as anybody can, without this library and the SDK. It checks no signature.
pub(crate) async fn ask(operation: &str, body: Value) -> Value {
    let credential = format!("{}/20260101/us-east-1/dynamodb/aws4_request", access_key());
    let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http
        .post(dynamodb_local::url())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", authorization)
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let (status, answer) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{operation}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

/// Makes a table that only the caller knows of, and gives its name.
pub(crate) async fn new_table() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let number = TABLES.fetch_add(1, Ordering::Relaxed);
    let table = format!("promises-{number}");
    make_table(&table).await;
    table
}

/// Makes a table of that name.
pub(crate) async fn make_table(table: &str) {
    dynamodb().await.table(table).create().send().await.expect("a table");
}

/// A notebook: what has been written into it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Notebook {
    pub(crate) notes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum NotebookEvent {
    NotebookOpened,
    NoteAdded { text: String },
}

impl Aggregate for Notebook {
    const TYPE: &'static str = "notebook";
    type Event = NotebookEvent;
    type Error = &'static str;

    fn validate(&self, _: &NotebookEvent) -> Result<(), &'static str> {
        Ok(())
    }

    fn apply(&mut self, event: &NotebookEvent) {
        self.notes += u64::from(matches!(event, NotebookEvent::NoteAdded { .. }));
    }
}

/// A note of so many characters.
pub(crate) fn note(characters: usize) -> NotebookEvent {
    NotebookEvent::NoteAdded { text: "a".repeat(characters) }
}
