//! The tables of the templates are those that the code needs: made in DynamoDB, they are what `eventctl table create`
//! makes, and pass its check.

use std::collections::BTreeMap;

use aws_event_sourcing_dynamodb::{Requirement, Verdict};
use deployment::{Table, Template, example};
use serde_json::{Value, json};
use testbed::Tables;

const EXAMPLES: [&str; 2] = ["shopping", "deploys"];

fn template(name: &str) -> Template {
    Template::read(example(name).join("template.yaml")).expect("a template")
}

/// Sends an operation to DynamoDB Local, and gives the answer.
async fn ask(tables: &Tables, operation: &str, request: &Value) -> Value {
    let settings = BTreeMap::from(tables.settings());
    let (key, region) = (settings["AWS_ACCESS_KEY_ID"], settings["AWS_REGION"]);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = reqwest::Client::new()
        .post(settings["AWS_ENDPOINT_URL_DYNAMODB"])
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("authorization", authorization)
        .body(request.to_string());
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a text"));
    assert!(status.is_success(), "{operation}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// What DynamoDB says that a table is, but for what is different in any two tables.
async fn described(tables: &Tables, name: &str) -> Value {
    let mut table = ask(tables, "DescribeTable", &json!({"TableName": name})).await["Table"].take();
    forget(&mut table);
    table
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let differs = |name: &str| {
                name.ends_with("Arn")
                    || name.ends_with("DateTime")
                    || ["TableName", "TableId", "LatestStreamLabel"].contains(&name)
            };
            members.retain(|name, _| !differs(name));
            members.values_mut().for_each(forget);
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(forget);
            elements.sort_by_key(Value::to_string);
        }
        _ => {}
    }
}

fn is_of_subscriptions(table: &Table<'_>) -> bool {
    table.id() == "SubscriptionsTable"
}

#[tokio::test]
async fn they_are_what_eventctl_makes() {
    let tables = Tables::create(&["events"]).await.with_subscriptions().await;
    for name in EXAMPLES {
        for table in template(name).tables() {
            let made = format!("{name}-{}", table.id());
            ask(&tables, "CreateTable", &table.create_request(&made)).await;
            let model = if is_of_subscriptions(&table) { "subscriptions" } else { "events" };
            assert_eq!(described(&tables, &made).await, described(&tables, model).await, "{made}");
        }
    }
}

#[tokio::test]
async fn they_pass_the_check() {
    let tables = Tables::create(&[]).await;
    let dynamodb = tables.connect().await;
    for name in EXAMPLES {
        for table in template(name).tables() {
            let made = format!("{name}-{}", table.id());
            ask(&tables, "CreateTable", &table.create_request(&made)).await;
            let made = if is_of_subscriptions(&table) {
                dynamodb.subscriptions_table(made)
            } else {
                dynamodb.table(made)
            };
            let report = made.check().await.expect("a report");
            for finding in &report.findings {
                // DynamoDB Local does not have these, or they are up to a parameter.
                let elsewhere = [
                    Requirement::PointInTimeRecovery,
                    Requirement::NoTimeToLive,
                    Requirement::DeletionProtection,
                ];
                let is_kept = finding.verdict == Verdict::Kept || elsewhere.contains(&finding.requirement);
                assert!(is_kept, "{}: {report}", table.id());
            }
        }
    }
}

#[tokio::test]
async fn one_that_is_not_right_does_not_pass() {
    let tables = Tables::create(&[]).await;
    let dynamodb = tables.connect().await;
    let template = template("deploys");
    let table = template.tables().find(|table| !is_of_subscriptions(table)).expect("a table of events");
    let without = |property: &str, name: &str| {
        let mut request = table.create_request(name);
        request.as_object_mut().expect("an object").remove(property);
        request
    };
    let mut request = without("LocalSecondaryIndexes", "one");
    let attributes = request["AttributeDefinitions"].as_array_mut().expect("attributes");
    attributes.retain(|attribute| attribute["AttributeName"] != "never");
    ask(&tables, "CreateTable", &request).await;
    ask(&tables, "CreateTable", &without("StreamSpecification", "two")).await;
    for (name, requirement) in [("one", Requirement::LocalIndex), ("two", Requirement::Stream)] {
        let report = dynamodb.table(name).check().await.expect("a report");
        let finding = report.finding(requirement).expect("a finding");
        assert_eq!(finding.verdict, Verdict::Broken, "{report}");
    }
}

/// What the check cannot see on DynamoDB Local.
#[test]
fn they_can_be_restored_are_kept_and_do_not_forget() {
    for name in EXAMPLES {
        for table in template(name).tables() {
            let (id, resource) = (table.id(), table.resource());
            let recovery = resource.property("PointInTimeRecoverySpecification").expect("recovery");
            assert_eq!(recovery["PointInTimeRecoveryEnabled"], true, "{id}");
            assert_eq!(
                resource.property("DeletionProtectionEnabled"),
                Some(&json!({"Ref": "DeletionProtection"}))
            );
            assert_eq!(resource.property("TimeToLiveSpecification"), None, "{id}");
            for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                assert_eq!(resource.attribute(policy), Some(&json!("Retain")), "{policy} of {id}");
            }
            let kind = if is_of_subscriptions(&table) { "subscriptions" } else { "events" };
            let tag = json!({"Key": "aws-event-sourcing", "Value": kind});
            let tags = resource.property("Tags").and_then(Value::as_array).expect("tags");
            assert!(tags.contains(&tag), "{id}");
        }
    }
}
