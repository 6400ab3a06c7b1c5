//! What a service learns at its start: one request, one line.

use aws_event_sourcing_core::StoreErrorKind::{self, Denied, Misconfigured, Unavailable};
use serde_json::{Value, json};

use super::{
    scripted::{self, Scripted},
    support::reason,
};

/// What a service is told about a table that AWS describes so.
async fn told(answer: Result<Value, &'static str>) -> Result<(), (StoreErrorKind, String)> {
    let service = Scripted::new(move |_, _| answer.clone()).await;
    let told = service.dynamodb.table("products").suitable().await;
    assert_eq!(service.operations(), ["DescribeTable"]);
    told.map_err(|error| (error.kind(), reason(&error)))
}

fn with(change: impl FnOnce(&mut Value)) -> Result<Value, &'static str> {
    let mut table = scripted::table("ACTIVE");
    change(&mut table["Table"]);
    Ok(table)
}

#[tokio::test]
async fn a_suitable_table_is_found_with_one_request() {
    told(with(|_| {})).await.unwrap();
    told(with(|table| table["TableStatus"] = json!("UPDATING"))).await.unwrap();
    told(with(|table| table["BillingModeSummary"] = Value::Null)).await.unwrap();
    told(with(|table| table["DeletionProtectionEnabled"] = json!(false))).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_is_one_line_that_says_what_to_do() {
    let unsuitable = |what: &str| {
        format!(
            "table products is not one for events ({what}); `eventctl table check products` says what to do"
        )
    };
    for (answer, kind, line) in [
        (
            with(|table| table["KeySchema"][1]["AttributeName"] = json!("at")),
            Misconfigured,
            unsuitable("key: id S, at S"),
        ),
        (
            with(|table| table["GlobalSecondaryIndexes"] = Value::Null),
            Misconfigured,
            unsuitable("listing index: missing"),
        ),
        (
            with(|table| {
                table["LocalSecondaryIndexes"] = Value::Null;
                table["StreamSpecification"] = Value::Null;
            }),
            Misconfigured,
            unsuitable("local index: missing; stream: off"),
        ),
        (
            with(|table| table["TableStatus"] = json!("DELETING")),
            Misconfigured,
            unsuitable("table: DELETING"),
        ),
        // What is wrong for good goes before what only takes time.
        (
            Ok({
                let mut table = scripted::table("CREATING");
                table["Table"]["StreamSpecification"] = Value::Null;
                table
            }),
            Misconfigured,
            unsuitable("stream: off"),
        ),
        (
            Ok(scripted::table("CREATING")),
            Unavailable,
            "table products is still being made (table: CREATING); try again in a minute".to_owned(),
        ),
        (
            with(|table| table["GlobalSecondaryIndexes"][0]["IndexStatus"] = json!("CREATING")),
            Unavailable,
            "table products is still being made (listing index: CREATING); try again in a minute".to_owned(),
        ),
        (
            Err("AccessDeniedException: User: u is not authorized"),
            Denied,
            "DescribeTable on table products: not permitted".to_owned(),
        ),
    ] {
        assert_eq!(told(answer).await, Err((kind, line)));
    }
    let (kind, line) =
        told(Err("ResourceNotFoundException: Requested resource not found")).await.unwrap_err();
    assert_eq!(kind, Misconfigured);
    assert!(
        line.starts_with("DescribeTable on table products: there is no such table in us-east-1 (http://"),
        "{line}"
    );
    assert!(line.ends_with("; `eventctl table create products` makes it"), "{line}");
}
