//! Checking a table: each requirement is broken once.

use aws_event_sourcing_core::StoreErrorKind;
use aws_event_sourcing_dynamodb::{
    Requirement::{
        self, Active, DeletionProtection, Key, ListingIndex, LocalIndex, NoTimeToLive, OnDemand, OneRegion,
        PointInTimeRecovery, Stream,
    },
    Verdict::{self, Advice, Broken, Kept, NotOffered, NotYet, Unknown},
};
use aws_sdk_dynamodb::types::{
    BillingMode, ProjectionType, ScalarAttributeType, StreamViewType, TimeToLiveSpecification,
};
use serde_json::{Value, json};

use super::{
    scripted::{self, Scripted},
    support::{Foreign, client, dynamodb, reason},
};

const ALL: [Requirement; 10] = [
    Active,
    Key,
    ListingIndex,
    LocalIndex,
    Stream,
    PointInTimeRecovery,
    NoTimeToLive,
    OneRegion,
    OnDemand,
    DeletionProtection,
];

/// What a check of such a table says about a requirement. All others are kept, or not offered.
async fn finding(table: &str, foreign: Foreign<'_>, requirement: Requirement) -> (Verdict, String) {
    foreign.make(table).await;
    let report = dynamodb().await.table(table).check().await.expect("it is there");
    assert!(report.findings.iter().map(|finding| finding.requirement).eq(ALL), "{report}");
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
async fn a_table_as_it_has_to_be_passes() {
    let table = dynamodb().await.table("checked");
    table.create().send().await.unwrap();
    let report = table.check().await.unwrap();
    assert!(report.passed());
    assert_eq!(
        report.to_string(),
        "ok          table                   ACTIVE
ok          key                     id S, number N
ok          listing index           on shard S, at S, keys only
ok          local index             together on id S, never S
ok          stream                  NEW_IMAGE
not offered point-in-time recovery  not offered here
ok          time to live            off
ok          one region              no replicas
ok          billing                 on demand
advice      deletion protection     off: turn it on where the events matter"
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_finding() {
    // The name is in what the service says: it is no talk of an index.
    let table = dynamodb().await.table("no-such-index");
    let report = table.check().await.unwrap();
    assert!(!report.passed());
    let [finding] = &report.findings[..] else { panic!("{report}") };
    assert_eq!((finding.requirement, finding.verdict), (Active, Broken));
    let text = finding.to_string();
    assert!(text.starts_with("there is none in us-east-1 (http://"), "{text}");
    assert!(text.ends_with(": `eventctl table create no-such-index` makes it"), "{text}");
}

#[tokio::test]
async fn other_keys_are_found() {
    use ScalarAttributeType::{N, S};
    for (table, key, found) in [
        ("key-named", [("id", S), ("sk", N)], "id S, sk N"),
        ("key-typed", [("id", S), ("number", S)], "id S, number S"),
    ] {
        let foreign = Foreign { key, ..Foreign::default() };
        let advice = "it has to be id S, number N, and a key cannot be changed: use another table";
        assert_eq!(finding(table, foreign, Key).await, (Broken, format!("{found}: {advice}")));
    }
}

#[tokio::test]
async fn another_listing_index_is_found() {
    use ScalarAttributeType::S;
    let key = [("shard", S), ("at", S)];
    for (table, listing, verdict, text) in [
        (
            "listing-none",
            None,
            Broken,
            "missing: add a global index `listing` on shard S, at S, projecting the keys only",
        ),
        (
            "listing-named",
            Some(("list", key.clone(), ProjectionType::KeysOnly)),
            Broken,
            "missing: add a global index `listing` on shard S, at S, projecting the keys only",
        ),
        (
            "listing-keyed",
            Some(("listing", [("at", S), ("shard", S)], ProjectionType::KeysOnly)),
            Broken,
            "on at S, shard S: it has to be on shard S, at S: delete it and add it again",
        ),
        (
            "listing-all",
            Some(("listing", key.clone(), ProjectionType::All)),
            Advice,
            "on shard S, at S, projecting ALL: the keys are all that is read: the rest costs storage and write units",
        ),
    ] {
        let foreign = Foreign { listing, ..Foreign::default() };
        assert_eq!(finding(table, foreign, ListingIndex).await, (verdict, text.to_owned()));
    }
}

#[tokio::test]
async fn another_local_index_is_found() {
    use ScalarAttributeType::S;
    let (verdict, text) =
        finding("local-none", Foreign { local: None, ..Foreign::default() }, LocalIndex).await;
    assert_eq!(verdict, Broken);
    assert!(text.contains("it can only be declared when a table is made"), "{text}");

    let local = Some([("id", S), ("type", S)]);
    assert_eq!(
        finding("local-written", Foreign { local, ..Foreign::default() }, LocalIndex).await,
        (
            Advice,
            "together on id S, type S: one on id S, never S, which no item has, costs nothing".to_owned()
        )
    );
}

#[tokio::test]
async fn another_stream_is_found() {
    for (table, view, verdict, text) in [
        ("stream-none", None, Broken, "off: turn it on with the view NEW_IMAGE"),
        (
            "stream-keys",
            Some(StreamViewType::KeysOnly),
            Broken,
            "KEYS_ONLY: a view cannot be changed: turn the stream off, and on again with the view NEW_IMAGE",
        ),
        (
            "stream-old",
            Some(StreamViewType::OldImage),
            Broken,
            "OLD_IMAGE: a view cannot be changed: turn the stream off, and on again with the view NEW_IMAGE",
        ),
        ("stream-both", Some(StreamViewType::NewAndOldImages), Kept, "NEW_AND_OLD_IMAGES"),
    ] {
        let foreign = Foreign { view, ..Foreign::default() };
        assert_eq!(finding(table, foreign, Stream).await, (verdict, text.to_owned()));
    }
}

#[tokio::test]
async fn time_to_live_is_found() {
    Foreign::default().make("mortal").await;
    let setting = TimeToLiveSpecification::builder().enabled(true).attribute_name("gone").build().unwrap();
    let request = client().update_time_to_live().table_name("mortal").time_to_live_specification(setting);
    request.send().await.unwrap();
    let report = dynamodb().await.table("mortal").check().await.unwrap();
    assert!(!report.passed());
    let finding = report.finding(NoTimeToLive).unwrap();
    assert_eq!(finding.verdict, Broken);
    assert_eq!(finding.to_string(), r#"on, by the attribute "gone": turn it off: it would delete events"#);
}

#[tokio::test]
async fn provisioned_capacity_is_advised_against() {
    let foreign = Foreign { billing: BillingMode::Provisioned, ..Foreign::default() };
    assert_eq!(
        finding("provisioned", foreign, OnDemand).await,
        (
            Advice,
            "provisioned capacity: on demand needs no planning, and is not throttled at a fixed rate"
                .to_owned()
        )
    );
}

/// What a check says about a requirement when AWS answers an operation so.
async fn scripted_finding(
    operation: &'static str,
    answer: Result<Value, &'static str>,
    requirement: Requirement,
) -> (Verdict, String, bool) {
    let service = Scripted::new(
        move |asked, _| {
            if asked == operation { answer.clone() } else { Ok(scripted::fine(asked)) }
        },
    )
    .await;
    let report = service.dynamodb.table("products").check().await.expect("it is there");
    assert_eq!(service.operations(), ["DescribeTable", "DescribeContinuousBackups", "DescribeTimeToLive"]);
    let others = report.findings.iter().filter(|finding| finding.requirement != requirement);
    for finding in others {
        assert_eq!(finding.verdict, Kept, "{report}");
    }
    let finding = report.finding(requirement).expect("it is there");
    (finding.verdict, finding.to_string(), report.passed())
}

/// AWS's description with something changed.
fn with(pointer: &str, value: Value) -> Result<Value, &'static str> {
    let mut table = scripted::table("ACTIVE");
    match table.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, name) = pointer.rsplit_once('/').expect("it is there");
            table.pointer_mut(parent).expect("it is there")[name] = value;
        }
    }
    Ok(table)
}

#[tokio::test]
async fn all_is_kept_on_aws() {
    let all = scripted_finding("-", Err("-"), PointInTimeRecovery).await;
    assert_eq!(all, (Kept, "on".to_owned(), true));
}

#[tokio::test]
async fn what_only_aws_has_is_found() {
    let describe = "DescribeTable";
    let status = |status: &str| with("/Table/TableStatus", json!(status));
    let index = |status: &str| with("/Table/GlobalSecondaryIndexes/0/IndexStatus", json!(status));
    let replicas =
        with("/Table/Replicas", json!([{ "RegionName": "eu-west-1" }, { "RegionName": "eu-west-3" }]));
    let consistent = |consistency: &str| {
        let mut table = replicas.clone();
        table.as_mut().unwrap()["Table"]["MultiRegionConsistency"] = json!(consistency);
        table
    };
    let (strong, eventual) = (consistent("STRONG"), consistent("EVENTUAL"));
    let no_stream =
        with("/Table/StreamSpecification", json!({ "StreamEnabled": false, "StreamViewType": "NEW_IMAGE" }));
    for (operation, answer, requirement, verdict, text, passed) in [
        (
            "DescribeContinuousBackups",
            Ok(scripted::recovery("DISABLED")),
            PointInTimeRecovery,
            Broken,
            "off: turn it on, or run `eventctl table create` again, which does it",
            false,
        ),
        (
            "DescribeContinuousBackups",
            Err("AccessDeniedException: no"),
            PointInTimeRecovery,
            Unknown,
            "could not be looked at: the permission dynamodb:DescribeContinuousBackups is missing",
            false,
        ),
        (
            "DescribeTimeToLive",
            Err("AccessDeniedException: no"),
            NoTimeToLive,
            Unknown,
            "could not be looked at: the permission dynamodb:DescribeTimeToLive is missing",
            false,
        ),
        (
            "DescribeTimeToLive",
            Ok(
                json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "ENABLING", "AttributeName": "ttl" } }),
            ),
            NoTimeToLive,
            Broken,
            r#"on, by the attribute "ttl": turn it off: it would delete events"#,
            false,
        ),
        (describe, status("UPDATING"), Active, Kept, "UPDATING", true),
        (describe, status("CREATING"), Active, NotYet, "CREATING: wait until it is ACTIVE", false),
        (
            describe,
            status("DELETING"),
            Active,
            Broken,
            "DELETING: wait until it is gone, and make it again",
            false,
        ),
        (
            describe,
            status("INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
            Active,
            Broken,
            "INACCESSIBLE_ENCRYPTION_CREDENTIALS: give DynamoDB back its access to the table's KMS key",
            false,
        ),
        (
            describe,
            status("ARCHIVED"),
            Active,
            Broken,
            "ARCHIVED: restore it from the backup that AWS made of it",
            false,
        ),
        (describe, status("ODD"), Active, Broken, "ODD: it has to be ACTIVE", false),
        (describe, index("CREATING"), ListingIndex, NotYet, "CREATING: wait until it is ACTIVE", false),
        (describe, index("DELETING"), ListingIndex, Broken, "DELETING: it has to be ACTIVE", false),
        (
            describe,
            replicas,
            OneRegion,
            Advice,
            "replicas in eu-west-1, eu-west-3: write in one region only: elsewhere a commit can replace another",
            true,
        ),
        (
            describe,
            eventual,
            OneRegion,
            Advice,
            "replicas in eu-west-1, eu-west-3: write in one region only: elsewhere a commit can replace another",
            true,
        ),
        (describe, no_stream, Stream, Broken, "off: turn it on with the view NEW_IMAGE", false),
        (describe, strong, OneRegion, Kept, "replicas in eu-west-1, eu-west-3, strongly consistent", true),
        (
            describe,
            with("/Table/BillingModeSummary", Value::Null),
            OnDemand,
            Advice,
            "provisioned capacity: on demand needs no planning, and is not throttled at a fixed rate",
            true,
        ),
        (
            describe,
            with("/Table/DeletionProtectionEnabled", Value::Null),
            DeletionProtection,
            NotOffered,
            "not offered here",
            true,
        ),
    ] {
        let found = scripted_finding(operation, answer, requirement).await;
        assert_eq!(found, (verdict, text.to_owned(), passed));
    }
}

#[tokio::test]
async fn without_permission_for_the_table_there_is_no_report() {
    let service = Scripted::new(|_, _| Err("AccessDeniedException: User: u is not authorized")).await;
    let error = service.dynamodb.table("products").check().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert_eq!(reason(&error), "DescribeTable on table products: not permitted");
}
