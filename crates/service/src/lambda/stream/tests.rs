//! Batches of a table's stream that never come to a subscription. What comes of those that do is tested with all that is
//! around a function.

use aws_event_sourcing_core::{
    Recorded,
    subscription::{Context, Subscription},
};

use crate::lambda::fixture::{Fixture, Ledger, LedgerEvent, event};

fn reorders() -> Subscription {
    Subscription::new("reorders").on::<Ledger>(async |_: Recorded<LedgerEvent>, _: Context| Ok(()))
}

#[tokio::test(start_paused = true)]
async fn a_table_goes_by_its_name_or_its_arn() {
    let batch = event("dynamodb");
    let stream = batch["Records"][0]["eventSourceARN"].as_str().unwrap();
    let (arn, _) = stream.split_once("/stream/").unwrap();
    let (_, name) = arn.split_once("table/").unwrap();
    for table in [name, arn] {
        let function = Fixture::of_subscription(table, reorders()).await;
        let error = function.answer(&batch).await.unwrap_err();
        // It knows whose it is, and gets as far as asking for what was handled.
        assert!(error.contains("table subscriptions"), "{table}: {error}");
    }
    let elsewhere = arn.replace("123456789012", "210987654321");
    for table in ["orders", &elsewhere, stream] {
        let function = Fixture::of_subscription(table, reorders()).await;
        let error = function.answer(&batch).await.unwrap_err();
        assert_eq!(
            error,
            format!(
                "no handler for records of {stream}: no subscription follows a resource type with that table"
            )
        );
    }
}
