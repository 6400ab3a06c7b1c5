//! Making a table: once, again, by several at once, and when the service makes it hard.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_event_sourcing_core::StoreErrorKind;
use aws_event_sourcing_dynamodb::{Known, Outcome, Progress};
use aws_sdk_dynamodb::types::ScalarAttributeType;
use serde_json::json;

use super::{
    scripted::{self, Scripted},
    support::{Foreign, dynamodb, reason},
};

const NOT_FOUND: &str = "ResourceNotFoundException: Requested resource not found: Table: products not found";

#[tokio::test]
async fn a_table_is_made_and_then_found_made() {
    let table = dynamodb().await.table("made-once");
    let made = table.create().tag("team", "shop").deletion_protection().send().await.unwrap();
    assert_eq!((made.name.as_str(), made.outcome), ("made-once", Outcome::Made));
    assert_eq!(made.deletion_protection, Known::Known(true));
    assert_eq!(made.point_in_time_recovery, Known::NotOffered, "DynamoDB Local has none");
    assert_eq!(made.tags, Known::NotOffered, "DynamoDB Local has none");
    assert!(table.check().await.unwrap().passed());
    table.suitable().await.unwrap();

    let found = table.create().send().await.unwrap();
    assert_eq!(found.outcome, Outcome::AlreadyThere);
    assert_eq!(found.deletion_protection, Known::Known(true), "nothing is turned off");
}

#[tokio::test]
async fn what_was_not_asked_for_at_first_is_turned_on_later() {
    let table = dynamodb().await.table("protected-later");
    assert_eq!(table.create().send().await.unwrap().deletion_protection, Known::Known(false));
    let protected = table.create().deletion_protection().send().await.unwrap();
    assert_eq!(
        (protected.outcome, protected.deletion_protection),
        (Outcome::AlreadyThere, Known::Known(true))
    );
    assert_eq!(table.describe().await.unwrap().deletion_protection, Known::Known(true));
}

#[tokio::test]
async fn several_at_once_make_one_table() {
    let table = dynamodb().await.table("made-at-once");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let table = table.clone();
            tokio::spawn(async move { table.create().send().await.unwrap().outcome })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += u32::from(task.await.unwrap() == Outcome::Made);
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn another_table_of_that_name_is_refused_and_left_alone() {
    let wrong = Foreign {
        key: [("pk", ScalarAttributeType::S), ("sk", ScalarAttributeType::S)],
        listing: None,
        local: None,
        view: None,
        ..Foreign::default()
    };
    wrong.make("somebody-elses").await;
    let table = dynamodb().await.table("somebody-elses");
    let before = table.describe().await.unwrap();
    let error = table.create().tag("a", "b").deletion_protection().send().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert_eq!(
        reason(&error),
        "table somebody-elses is not one for events (key: pk S, sk S; listing index: missing; local index: missing; \
         stream: off); `eventctl table check somebody-elses` says what to do"
    );
    assert_eq!(table.describe().await.unwrap(), before);
}

#[tokio::test]
async fn a_bad_name_is_refused_before_anything_is_sent() {
    let service = Scripted::new(|_, _| panic!("nothing is sent")).await;
    for name in ["ab", "my table", "arn:aws:dynamodb:us-east-1:123456789012:table/products"] {
        let error = service.dynamodb.table(name).create().send().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
        assert!(reason(&error).contains("3 to 255"), "{}", reason(&error));
    }
}

#[tokio::test]
async fn it_waits_until_the_table_and_its_recovery_are_ready() {
    let service = Scripted::new(|operation, count| match (operation, count) {
        ("DescribeTable", 1) => Ok(scripted::table("DELETING")),
        // Whoever asks too soon is not shown a new table.
        ("DescribeTable", 2..=4) => Err(NOT_FOUND),
        ("CreateTable", 1) => Err("LimitExceededException: Too many tables are being created"),
        ("CreateTable", 2) => Err("ThrottlingException: Rate exceeded"),
        ("DescribeTable", 5) => Ok(scripted::table("CREATING")),
        // It can be used, but not be changed.
        ("DescribeTable", 6) => Ok(scripted::table("UPDATING")),
        ("UpdateContinuousBackups", 1) => {
            Err("ContinuousBackupsUnavailableException: Backups are being enabled for the table")
        }
        _ => Ok(scripted::fine(operation)),
    })
    .await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress = Arc::clone(&told);
    let create = service.dynamodb.table("products").create();
    let create = create.on_progress(move |step| progress.lock().unwrap().push(step.clone()));
    let created = create.tag("team", "shop").send().await.unwrap();

    assert_eq!(created.outcome, Outcome::Made);
    assert_eq!(created.point_in_time_recovery, Known::Known(true));
    let waited: Vec<_> = told
        .lock()
        .unwrap()
        .iter()
        .map(|step| match step {
            Progress::Waiting { state, .. } => state.clone(),
            Progress::Active { .. } => "active".to_owned(),
            other => other.to_string(),
        })
        .collect();
    assert_eq!(
        waited,
        [
            "DELETING",
            "Too many tables are being created",
            "CreateTable on table products: DynamoDB is busy",
            "requested",
            "CREATING",
            "table: CREATING",
            "UPDATING",
            "active",
            "turning on point-in-time recovery",
            "point-in-time recovery cannot be turned on yet",
        ]
    );
    let [_, _, create] = &service.bodies("CreateTable")[..] else { panic!("it is asked for three times") };
    assert_eq!(
        create["Tags"],
        json!([{ "Key": "aws-event-sourcing", "Value": "events" }, { "Key": "team", "Value": "shop" }])
    );
    assert_eq!(create["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(
        create["StreamSpecification"],
        json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" })
    );
    assert!(create.get("DeletionProtectionEnabled").is_none());
}

#[tokio::test]
async fn a_call_after_an_interrupted_one_does_what_is_missing() {
    let service = Scripted::new(|operation, count| match (operation, count) {
        ("DescribeTable", 1) => Ok(scripted::table("CREATING")),
        ("DescribeTable", _) => {
            let mut table = scripted::table("ACTIVE");
            table["Table"]["DeletionProtectionEnabled"] = json!(false);
            Ok(table)
        }
        ("ListTagsOfResource", 1) => {
            Ok(json!({ "Tags": [{ "Key": "a", "Value": "b" }], "NextToken": "next" }))
        }
        ("ListTagsOfResource", _) => Ok(json!({ "Tags": [{ "Key": "team", "Value": "other" }] })),
        _ => Ok(scripted::fine(operation)),
    })
    .await;
    let create = service.dynamodb.table("products").create().tag("team", "shop").deletion_protection();
    let created = create.send().await.unwrap();
    assert_eq!(created.outcome, Outcome::AlreadyThere);
    let tags = [("a", "b"), ("aws-event-sourcing", "events"), ("team", "shop")];
    assert_eq!(created.tags, Known::Known(tags.map(|(key, value)| (key.into(), value.into())).into()));
    assert_eq!(created.deletion_protection, Known::Known(true));
    assert_eq!(
        service.operations(),
        [
            "DescribeTable",
            "DescribeTable",
            "ListTagsOfResource",
            "ListTagsOfResource",
            "TagResource",
            "UpdateContinuousBackups",
            "UpdateTable",
        ]
    );
}

#[tokio::test]
async fn a_deadline_says_what_was_waited_for() {
    let service = Scripted::new(|operation, _| match operation {
        "DescribeTable" => Ok(scripted::table("CREATING")),
        _ => Ok(scripted::fine(operation)),
    })
    .await;
    let create = service.dynamodb.table("products").create().deadline(Duration::from_millis(500));
    let error = create.send().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(
        reason(&error),
        "table products was not ready within 500ms (table: CREATING); the same call again goes on from there"
    );
}

#[tokio::test]
async fn whoever_may_not_tag_makes_a_table_without_the_tag_nobody_asked_for() {
    let script = |operation: &str, count| match (operation, count) {
        ("DescribeTable", 1) => Err(NOT_FOUND),
        ("CreateTable", 1) => Err(
            "AccessDeniedException: User: u is not authorized to perform: dynamodb:TagResource on resource: t",
        ),
        ("ListTagsOfResource", _) => Err("AccessDeniedException: no"),
        _ => Ok(scripted::fine(operation)),
    };
    let service = Scripted::new(script).await;
    let created = service.dynamodb.table("products").create().send().await.unwrap();
    assert_eq!(created.tags, Known::NotPermitted("dynamodb:ListTagsOfResource"));
    assert!(service.bodies("CreateTable")[1].get("Tags").is_none());

    let service = Scripted::new(script).await;
    let error = service.dynamodb.table("products").create().tag("team", "shop").send().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert_eq!(service.bodies("CreateTable").len(), 1);
}

#[tokio::test]
async fn recovery_that_may_not_be_turned_on_is_an_error() {
    let service = Scripted::new(|operation, _| match operation {
        "UpdateContinuousBackups" => Err("AccessDeniedException: dynamodb:UpdateContinuousBackups is denied"),
        _ => Ok(scripted::fine(operation)),
    })
    .await;
    let error = service.dynamodb.table("products").create().send().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert_eq!(reason(&error), "UpdateContinuousBackups on table products: not permitted");
}
