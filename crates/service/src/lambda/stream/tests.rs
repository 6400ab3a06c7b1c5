//! Batches of a table's stream that never come to a subscription. What comes of those that do is tested with all that is
//! around a function.

use std::time::Duration;

use aws_event_sourcing_core::{
    Recorded,
    subscription::{Context, Subscription},
};
use tokio::time::Instant;

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

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_is_given_up_on_before_the_invocation_is_cut_off() {
    let function = Fixture::of_subscription("products", reorders()).await;
    for (name, why) in [
        ("dynamodb", "it was known where the subscription begins"),
        ("redrive", "it was known what happened before"),
    ] {
        let begun = Instant::now();
        let error = function.answer_within(Duration::from_secs(3), &event(name)).await.unwrap_err();
        assert_eq!(error, format!("the time of the invocation was up before {why}"));
        assert!(begun.elapsed() <= Duration::from_millis(2_501), "{name}: {:?}", begun.elapsed());
    }
}
