//! Streams are handed to subscriptions so that nothing is lost or out of order.

use std::collections::BTreeSet;

use deployment::{Template, example};
use serde_json::json;

#[test]
fn every_table_of_events_is_followed_in_order_from_its_beginning() {
    for name in ["shopping", "deploys"] {
        let template = Template::read(example(name).join("template.yaml")).expect("a template");
        let followed: BTreeSet<_> = template.mappings().filter_map(|mapping| mapping.table()).collect();
        let streamed =
            template.tables().filter(|table| table.resource().property("StreamSpecification").is_some());
        assert_eq!(followed, streamed.map(|table| table.id()).collect(), "{name}");
        for mapping in template.mappings() {
            let id = mapping.id();
            assert_eq!(
                mapping.function().map(|function| function.id()),
                Some("SubscriptionsFunction"),
                "{id}"
            );
            for (property, value) in [
                ("StartingPosition", json!("TRIM_HORIZON")),
                ("ParallelizationFactor", json!(1)),
                ("BisectBatchOnFunctionError", json!(true)),
                ("FunctionResponseTypes", json!(["ReportBatchItemFailures"])),
                (
                    "DestinationConfig",
                    json!({"OnFailure": {"Destination": {"Fn::GetAtt": ["UnhandledBucket", "Arn"]}}}),
                ),
            ] {
                assert_eq!(mapping.property(property), Some(value), "{property} of {id}");
            }
            let number = |property: &str| {
                mapping.property(property).and_then(|value| value.as_i64()).expect("a number")
            };
            // Without bounds, -1, one commit can hold up all others of its shard until the stream forgets them.
            assert!((1..=10_000).contains(&number("MaximumRetryAttempts")), "{id}");
            assert!((60..=20 * 3600).contains(&number("MaximumRecordAgeInSeconds")), "{id}");
        }
    }
}
