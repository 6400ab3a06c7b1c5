//! Each function may do what it does, and nothing else.

use std::collections::BTreeSet;

use deployment::{Permission, Template, example};

fn template(name: &str) -> Template {
    Template::read(example(name).join("template.yaml")).expect("a template")
}

fn permissions(name: &str, function: &str) -> BTreeSet<Permission> {
    let template = template(name);
    template.function(function).and_then(|function| function.permissions()).expect("permissions")
}

/// Every action on every thing.
fn all(actions: &[&str], on: &[&str]) -> Vec<Permission> {
    actions.iter().flat_map(|action| on.iter().map(|on| Permission::new(*action, *on))).collect()
}

/// What both functions may: log, and trace.
fn observed(log_group: &str) -> Vec<Permission> {
    let mut log = all(&["logs:CreateLogStream", "logs:PutLogEvents"], &[log_group]);
    log.extend(all(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], &["*"]));
    log
}

fn api(tables: &[&str]) -> BTreeSet<Permission> {
    let actions = ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"];
    let listings: Vec<_> = tables.iter().map(|table| format!("{table}/index/listing")).collect();
    let listings: Vec<_> = listings.iter().map(String::as_str).collect();
    let events = all(&actions, tables);
    events.into_iter().chain(all(&["dynamodb:Query"], &listings)).chain(observed("ApiLogGroup")).collect()
}

fn subscriptions(tables: &[&str], on_events: &[&str]) -> BTreeSet<Permission> {
    let streams: Vec<_> = tables.iter().map(|table| format!("{table}/stream")).collect();
    let streams: Vec<_> = streams.iter().map(String::as_str).collect();
    let mut permissions = all(on_events, tables);
    let stream = [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ];
    permissions.extend(all(&stream, &streams));
    let progress = [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ];
    permissions.extend(all(&progress, &["SubscriptionsTable"]));
    permissions.extend(all(&["dynamodb:Query"], &["SubscriptionsTable/index/parked"]));
    permissions.extend(all(&["s3:PutObject"], &["UnhandledBucket/*"]));
    permissions.extend(all(&["s3:ListBucket"], &["UnhandledBucket"]));
    permissions.into_iter().chain(observed("SubscriptionsLogGroup")).collect()
}

#[test]
fn the_api_reads_and_appends_events_and_knows_nothing_of_subscriptions() {
    assert_eq!(permissions("shopping", "ApiFunction"), api(&["ProductTable", "ReorderTable"]));
    assert_eq!(permissions("deploys", "ApiFunction"), api(&["DeployTable"]));
}

#[test]
fn subscriptions_append_events_only_where_handlers_commit() {
    let reads = ["dynamodb:Query"];
    let commits = ["dynamodb:PutItem", "dynamodb:Query"];
    let shop = subscriptions(&["ProductTable", "ReorderTable"], &commits);
    assert_eq!(permissions("shopping", "SubscriptionsFunction"), shop);
    assert_eq!(permissions("deploys", "SubscriptionsFunction"), subscriptions(&["DeployTable"], &reads));
}

#[test]
fn nobody_may_update_or_delete_an_item_of_events() {
    for name in ["shopping", "deploys"] {
        let template = template(name);
        let subscriptions = "SubscriptionsTable";
        for function in template.functions() {
            for permission in function.permissions().expect("permissions") {
                assert!(!permission.action.contains('*'), "{}: {permission}", function.id());
                let changes = ["UpdateItem", "DeleteItem", "BatchWriteItem", "UpdateTable", "DeleteTable"];
                let is_change = changes.iter().any(|change| permission.action.ends_with(change));
                assert!(!is_change || permission.on == subscriptions, "{}: {permission}", function.id());
            }
        }
    }
}
