//! A table of subscriptions: made, found made, and each requirement broken once.

use aws_event_sourcing_core::StoreErrorKind::{Misconfigured, Unavailable};
use aws_event_sourcing_dynamodb::{
    Kind, Known, Outcome,
    Requirement::{
        self, Active, DeletionProtection, Key, OnDemand, OneRegion, ParkedIndex, PointInTimeRecovery,
    },
    Verdict::{self, Broken, Kept, NotOffered},
};
use aws_sdk_dynamodb::types::{ProjectionType, ScalarAttributeType, TimeToLiveSpecification};
use serde_json::{Value, json};

use super::{
    scripted::{self, Scripted},
    support::{Foreign, client, dynamodb, reason},
};

/// A table of subscriptions as it has to be.
fn foreign() -> Foreign<'static> {
    use ScalarAttributeType::S;
    Foreign {
        key: [("id", S), ("part", S)],
        listing: Some(("parked", [("parked", S), ("next_attempt_at", S)], ProjectionType::All)),
        local: None,
        view: None,
        ..Foreign::default()
    }
}

#[tokio::test]
async fn a_table_is_made_and_then_found_made() {
    let table = dynamodb().await.subscriptions_table("subscriptions");
    let made = table.create().tag("team", "shop").deletion_protection().send().await.unwrap();
    assert_eq!((made.outcome, made.kind), (Outcome::Made, Kind::Subscriptions));
    assert_eq!(made.deletion_protection, Known::Known(true));
    assert_eq!(table.create().send().await.unwrap().outcome, Outcome::AlreadyThere);
    table.suitable().await.unwrap();

    // It is told by its key; nothing else has to be said.
    for table in [table.clone(), dynamodb().await.table("subscriptions")] {
        let report = table.check().await.unwrap();
        assert!(report.passed());
        assert_eq!(report.kind, Kind::Subscriptions);
        assert_eq!(
            report.to_string(),
            "ok          table                   ACTIVE
ok          key                     id S, part S
ok          parked index            on parked S, next_attempt_at S, all attributes
not offered point-in-time recovery  not offered here
ok          time to live            off
ok          one region              no replicas
ok          billing                 on demand
ok          deletion protection     on"
        );
    }
    let described = table.describe().await.unwrap();
    assert_eq!((described.kind, described.stream), (Kind::Subscriptions, None));
}

#[tokio::test]
async fn what_is_asked_for_is_what_the_definition_says() {
    let service = Scripted::new(|operation, count| match (operation, count) {
        ("DescribeTable", 1) => Err("ResourceNotFoundException: Requested resource not found"),
        ("DescribeTable", _) => Ok(described()),
        ("ListTagsOfResource", _) => {
            Ok(json!({ "Tags": [{ "Key": "aws-event-sourcing", "Value": "subscriptions" }] }))
        }
        _ => Ok(scripted::fine(operation)),
    })
    .await;
    let created = service.dynamodb.subscriptions_table("products").create().send().await.unwrap();
    assert_eq!((created.outcome, created.point_in_time_recovery), (Outcome::Made, Known::Known(true)));
    let [body] = &service.bodies("CreateTable")[..] else { panic!("one request") };
    assert_eq!(body["Tags"], json!([{ "Key": "aws-event-sourcing", "Value": "subscriptions" }]));
    assert_eq!(body["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(body["GlobalSecondaryIndexes"][0]["Projection"]["ProjectionType"], "ALL");
    assert_eq!((&body["LocalSecondaryIndexes"], &body["StreamSpecification"]), (&Value::Null, &Value::Null));
    assert_eq!(service.bodies("UpdateContinuousBackups").len(), 1);
    assert!(service.bodies("TagResource").is_empty());
}

/// AWS's description of a table of subscriptions.
fn described() -> Value {
    let mut table = scripted::table("ACTIVE");
    let of = &mut table["Table"];
    of["KeySchema"][1]["AttributeName"] = json!("part");
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    of["AttributeDefinitions"] = ["id", "part", "parked", "next_attempt_at"].map(attribute).into();
    of["LocalSecondaryIndexes"] = Value::Null;
    of["StreamSpecification"] = Value::Null;
    let index = &mut of["GlobalSecondaryIndexes"][0];
    index["IndexName"] = json!("parked");
    index["KeySchema"][0]["AttributeName"] = json!("parked");
    index["KeySchema"][1]["AttributeName"] = json!("next_attempt_at");
    index["Projection"]["ProjectionType"] = json!("ALL");
    table
}

/// What a check of such a table says about a requirement. All others are kept, or not offered.
async fn finding(table: &str, foreign: Foreign<'_>, requirement: Requirement) -> (Verdict, String) {
    foreign.make(table).await;
    let report = dynamodb().await.subscriptions_table(table).check().await.expect("it is there");
    let all = [
        Active,
        Key,
        ParkedIndex,
        PointInTimeRecovery,
        Requirement::NoTimeToLive,
        OneRegion,
        OnDemand,
        DeletionProtection,
    ];
    assert!(report.findings.iter().map(|finding| finding.requirement).eq(all), "{report}");
    for finding in &report.findings {
        let is_kept = matches!(finding.verdict, Kept | NotOffered);
        let is_expected = finding.requirement == requirement || finding.requirement == DeletionProtection;
        assert!(is_kept || is_expected, "{report}");
    }
    let finding = report.finding(requirement).expect("it is there");
    assert_eq!(report.passed(), finding.verdict != Broken, "{report}");
    (finding.verdict, finding.to_string())
}

#[tokio::test]
async fn what_is_wrong_is_found() {
    use ScalarAttributeType::{N, S};
    let parked = [("parked", S), ("next_attempt_at", S)];
    let index = |key, projection| Some(("parked", key, projection));
    for (table, wrong, requirement, text) in [
        (
            "subscriptions-key",
            Foreign { key: [("id", S), ("part", N)], ..foreign() },
            Key,
            "id S, part N: it has to be id S, part S, and a key cannot be changed: use another table",
        ),
        (
            "subscriptions-no-index",
            Foreign { listing: None, ..foreign() },
            ParkedIndex,
            "missing: add a global index `parked` on parked S, next_attempt_at S, projecting all attributes",
        ),
        (
            "subscriptions-other-index",
            Foreign { listing: index([("parked", S), ("at", S)], ProjectionType::All), ..foreign() },
            ParkedIndex,
            "on parked S, at S: it has to be on parked S, next_attempt_at S: delete it and add it again",
        ),
        (
            "subscriptions-keys-only",
            Foreign { listing: index(parked, ProjectionType::KeysOnly), ..foreign() },
            ParkedIndex,
            "on parked S, next_attempt_at S, projecting KEYS_ONLY: all attributes are read from it: delete it and add it \
             again, projecting ALL",
        ),
    ] {
        assert_eq!(finding(table, wrong, requirement).await, (Broken, text.to_owned()));
    }
    assert_eq!(finding("subscriptions-right", foreign(), Key).await, (Kept, "id S, part S".to_owned()));
}

#[tokio::test]
async fn time_to_live_is_found() {
    foreign().make("subscriptions-mortal").await;
    let setting = TimeToLiveSpecification::builder().enabled(true).attribute_name("gone").build().unwrap();
    let request = client().update_time_to_live().table_name("subscriptions-mortal");
    request.time_to_live_specification(setting).send().await.unwrap();
    let report = dynamodb().await.table("subscriptions-mortal").check().await.unwrap();
    let finding = report.finding(Requirement::NoTimeToLive).unwrap();
    assert_eq!(
        (finding.verdict, finding.to_string().as_str()),
        (
            Broken,
            r#"on, by the attribute "gone": turn it off: it would delete what is known of subscriptions"#
        )
    );
}

#[tokio::test]
async fn one_kind_is_not_taken_for_the_other() {
    let dynamodb = dynamodb().await;
    dynamodb.table("of-events").create().send().await.unwrap();
    dynamodb.subscriptions_table("of-subscriptions").create().send().await.unwrap();
    for (table, line) in [
        (
            dynamodb.subscriptions_table("of-events"),
            "table of-events is not one for subscriptions (key: id S, number N; parked index: missing); `eventctl table \
             check of-events --subscriptions` says what to do",
        ),
        (
            dynamodb.table("of-subscriptions"),
            "table of-subscriptions is not one for events (key: id S, part S; listing index: missing; local index: \
             missing; stream: off); `eventctl table check of-subscriptions` says what to do",
        ),
    ] {
        for error in [table.suitable().await.unwrap_err(), table.create().send().await.unwrap_err()] {
            assert_eq!((error.kind(), reason(&error).as_str()), (Misconfigured, line));
        }
    }
    assert!(!dynamodb.subscriptions_table("of-events").check().await.unwrap().passed());
}

#[tokio::test]
async fn a_service_learns_in_one_line_what_to_do() {
    let error = dynamodb().await.subscriptions_table("no-subscriptions").suitable().await.unwrap_err();
    assert_eq!(error.kind(), Misconfigured);
    let line = reason(&error);
    assert!(
        line.starts_with(
            "DescribeTable on table no-subscriptions: there is no such table in us-east-1 (http://"
        ),
        "{line}"
    );
    assert!(line.ends_with("; `eventctl table create no-subscriptions --subscriptions` makes it"), "{line}");

    let mut creating = described();
    creating["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] = json!("CREATING");
    let service = Scripted::new(move |_, _| Ok(creating.clone())).await;
    let error = service.dynamodb.subscriptions_table("products").suitable().await.unwrap_err();
    assert_eq!(service.operations(), ["DescribeTable"]);
    assert_eq!(
        (error.kind(), reason(&error).as_str()),
        (Unavailable, "table products is still being made (parked index: CREATING); try again in a minute")
    );
}
