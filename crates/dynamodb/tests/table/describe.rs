//! Describing a table.

use std::collections::BTreeMap;

use aws_event_sourcing_core::StoreErrorKind;
use aws_event_sourcing_dynamodb::{Billing, IndexKind, Known};
use aws_sdk_dynamodb::types::BillingMode;

use super::{
    scripted::{self, Scripted},
    support::{Foreign, dynamodb, reason},
};

#[tokio::test]
async fn a_new_table_is_described() {
    let table = dynamodb().await.table("described");
    table.create().send().await.unwrap();
    let found = table.describe().await.unwrap();
    assert_eq!((found.name.as_str(), found.status.as_str()), ("described", "ACTIVE"));
    assert_eq!((found.items, found.bytes, found.billing), (0, 0, Billing::OnDemand));
    assert_eq!(found.key, "id S, number N");
    let indexes: Vec<_> = found.indexes.iter().map(|index| (&*index.name, index.kind, &*index.key)).collect();
    assert_eq!(
        indexes,
        [("listing", IndexKind::Global, "shard S, at S"), ("together", IndexKind::Local, "id S, never S"),]
    );
    let stream = found.stream.unwrap();
    assert_eq!(stream.view, "NEW_IMAGE");
    assert!(stream.arn.contains("described/stream/"), "{}", stream.arn);
    assert!(found.created.is_some());
    assert_eq!(found.point_in_time_recovery, Known::NotOffered);
    assert_eq!(found.tags, Known::NotOffered);
}

#[tokio::test]
async fn any_table_can_be_described() {
    let foreign = Foreign { billing: BillingMode::Provisioned, view: None, ..Foreign::default() };
    foreign.make("described-foreign").await;
    let found = dynamodb().await.table("described-foreign").describe().await.unwrap();
    assert_eq!(found.billing, Billing::Provisioned { read_units: 3, write_units: 4 });
    assert_eq!(found.stream, None);
}

#[tokio::test]
async fn what_only_aws_has_is_described() {
    let service = Scripted::new(|operation, _| Ok(scripted::fine(operation))).await;
    let found = service.dynamodb.table("products").describe().await.unwrap();
    assert_eq!(found.created.unwrap().to_string(), "2023-11-14T22:13:20.500Z");
    assert_eq!((found.items, found.bytes, found.indexes[0].items), (12, 3456, 2));
    assert_eq!(found.indexes[0].status.as_deref(), Some("ACTIVE"));
    let Known::Known(Some(recovery)) = found.point_in_time_recovery else { panic!("it is on") };
    assert_eq!(recovery.earliest.unwrap().to_string(), "2023-11-14T22:13:20.000Z");
    assert_eq!(recovery.days, Some(35));
    let tags = BTreeMap::from([("aws-event-sourcing".to_owned(), "events".to_owned())]);
    assert_eq!(found.tags, Known::Known(tags));
    assert_eq!(found.deletion_protection, Known::Known(true));
}

#[tokio::test]
async fn a_missing_permission_is_told_of_its_detail() {
    let service = Scripted::new(|operation, _| match operation {
        "DescribeTable" => Ok(scripted::fine(operation)),
        _ => Err("AccessDeniedException: no"),
    })
    .await;
    let found = service.dynamodb.table("products").describe().await.unwrap();
    let missing = Known::NotPermitted("dynamodb:DescribeContinuousBackups");
    assert_eq!(found.point_in_time_recovery, missing);
    assert_eq!(found.tags, Known::NotPermitted("dynamodb:ListTagsOfResource"));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_an_error() {
    let error = dynamodb().await.table("never-made").describe().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(reason(&error).contains("`eventctl table create never-made` makes it"), "{}", reason(&error));
}
