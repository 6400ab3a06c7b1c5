//! The deployment service over HTTP, as a client sees it, on both stores.

use std::collections::BTreeSet;

use aws_event_sourcing::{Commit, EncodedEvent, EventStore, ResourceKey, Timestamp, sqlite::SqliteStore};
use serde_json::{Value, json};
use testbed::{Answer, Client, Running, Tables, program};

#[tokio::test]
async fn a_deploy_is_created_listed_deleted_and_remembered_on_sqlite() {
    let data = tempfile::tempdir().expect("a folder");
    let running = Running::start(&mut program(env!("CARGO_BIN_EXE_deploys"), data.path()));
    a_deploy_is_created_listed_deleted_and_remembered(&running.client()).await;
}

#[tokio::test]
async fn a_deploy_is_created_listed_deleted_and_remembered_on_dynamodb() {
    let data = tempfile::tempdir().expect("a folder");
    let tables = Tables::create(&["our.deploys"]).await.with_subscriptions().await;
    let mut program = program(env!("CARGO_BIN_EXE_deploys"), data.path());
    program.envs(tables.settings()).env("SUBSCRIPTIONS_TABLE", "subscriptions");
    let running = Running::start(program.env("DYNAMODB_TABLE_DEPLOY", "our.deploys"));
    a_deploy_is_created_listed_deleted_and_remembered(&running.client()).await;
}

async fn a_deploy_is_created_listed_deleted_and_remembered(client: &Client) {
    assert_eq!(client.get("/deploys").await.body, json!([]));

    let created = client.post("/deploys", json!({"specification": "two small servers"})).await;
    let id = created.text("id");
    let path = format!("/deploys/{id}");
    let links = json!({"resource": path, "events": format!("{path}/events")});
    let expected = json!({
        "id": id, "version": 1, "status": "processing", "specification": "two small servers", "links": links,
    });
    assert_eq!((created.status, created.header("location")), (201, Some(path.as_str())));
    assert_eq!(created.body, expected);
    assert_eq!(client.get(&path).await.body, expected);
    assert_eq!(client.get("/deploys").await.body, json!([expected]));
    assert_eq!(client.get("/deploys?limit=1").await.body, json!([expected]));

    let deleted = Answer::to(client.request("DELETE", &path)).await;
    assert_eq!((deleted.status, deleted.body), (204, Value::Null));
    assert_eq!(Answer::to(client.request("DELETE", &path)).await.status, 409);
    assert_eq!(Answer::to(client.request("DELETE", "/deploys/none")).await.status, 404);
    assert_eq!(client.get("/deploys").await.body, json!([]));
    assert_eq!(client.get("/deploys?limit=1").await.body, json!([]));
    let remembered = client.get(&path).await;
    assert_eq!((remembered.status, &remembered.body["status"]), (200, &json!("deleted")));

    let events = client.get(&format!("{path}/events")).await;
    let types: Vec<_> =
        events.body.as_array().expect("an array").iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["DeployCreated", "DeployDeleted"]);
    assert_eq!(events.body[0]["data"], json!({"specification": "two small servers"}));
}

/// While one version of the service takes another one's place both run, on one store. The newer one has events that the older
/// one does not know: of the deploy that they happen to, and of no other one, that can tell no more.
#[tokio::test]
async fn what_a_newer_version_has_stored_is_one_unreadable_entry_on_sqlite() {
    let data = tempfile::tempdir().expect("a folder");
    let running = Running::start(&mut program(env!("CARGO_BIN_EXE_deploys"), data.path()));
    let newer = SqliteStore::open(data.path().join("events.db")).expect("a store");
    what_a_newer_version_has_stored_is_one_unreadable_entry(&running, &newer).await;
}

#[tokio::test]
async fn what_a_newer_version_has_stored_is_one_unreadable_entry_on_dynamodb() {
    let data = tempfile::tempdir().expect("a folder");
    let tables = Tables::create(&["our.deploys"]).await.with_subscriptions().await;
    let mut program = program(env!("CARGO_BIN_EXE_deploys"), data.path());
    program.envs(tables.settings()).env("SUBSCRIPTIONS_TABLE", "subscriptions");
    let running = Running::start(program.env("DYNAMODB_TABLE_DEPLOY", "our.deploys"));
    let newer = tables.connect().await.store().table("deploy", "our.deploys").build();
    what_a_newer_version_has_stored_is_one_unreadable_entry(&running, &newer).await;
}

async fn what_a_newer_version_has_stored_is_one_unreadable_entry(running: &Running, newer: &impl EventStore) {
    let client = running.client();
    let mut ids = Vec::new();
    for index in 0..6 {
        let created = client.post("/deploys", json!({"specification": format!("server {index}")})).await;
        ids.push(created.text("id").to_owned());
    }
    let commit = Commit {
        resource: ResourceKey::new("deploy", &*ids[2]),
        number: 2,
        events: vec![EncodedEvent { event_type: "DeployPaused".into(), data: None }],
        at: Timestamp::from_unix_millis(1_795_426_200_000),
        id: "newer".into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    };
    newer.append(&commit).await.expect("stored");

    let entry = json!({"id": ids[2], "unreadable": {"number": 2, "type": "DeployPaused"}});
    for _ in 0..3 {
        let all = client.get("/deploys").await;
        let all = all.body.as_array().expect("an array").clone();
        assert_eq!((all.len(), all.iter().filter(|deploy| **deploy == entry).count()), (6, 1), "{all:?}");
        assert_eq!(all.iter().filter(|deploy| deploy["status"] == "processing").count(), 5);
    }
    let (mut path, mut listed) = ("/deploys?limit=1".to_owned(), Vec::new());
    loop {
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        listed.extend(page.body.as_array().expect("an array").clone());
        let Some(next) = page.header("link") else { break };
        path = next.trim_start_matches('<').split('>').next().expect("an address").to_owned();
    }
    // One is not left out that may be deleted: nobody knows.
    let listed_ids: BTreeSet<_> = listed.iter().map(|deploy| deploy["id"].as_str().expect("an id")).collect();
    assert_eq!(listed_ids, ids.iter().map(String::as_str).collect());
    assert!(listed.len() == 6 && listed.contains(&entry), "{listed:?}");

    let path = format!("/deploys/{}", ids[2]);
    let problem = client.get(&path).await;
    assert_eq!((problem.status, &problem.body["unreadable"]), (500, &entry["unreadable"]));
    assert!(problem.header("x-request-id").is_some());
    assert_eq!(Answer::to(client.request("DELETE", &path)).await.status, 500);
    assert_eq!(client.get(&format!("{path}?version=1")).await.body["specification"], "server 2");
    let events = client.get(&format!("{path}/events")).await;
    assert_eq!(events.body[1]["unreadable"], entry["unreadable"]);
    assert_eq!(events.body[0].get("unreadable"), None);

    // The subscription waits with this one, and goes on with all others.
    let deleted = format!("/deploys/{}", ids[3]);
    assert_eq!(Answer::to(client.request("DELETE", &deleted)).await.status, 204);
    let last = client.post("/deploys", json!({"specification": "the last"})).await;
    let _ = running.logged(&["a new deploy", last.text("id")]);
    let _ = running.logged(&["parked", &ids[2], "DeployPaused"]);
    let told = running.log().into_iter().filter(|line| line.contains("a resource cannot be read"));
    assert_eq!(told.count(), 1, "however often it is listed");
}

#[tokio::test]
async fn a_deploy_needs_a_specification() {
    let data = tempfile::tempdir().expect("a folder");
    let running = Running::start(&mut program(env!("CARGO_BIN_EXE_deploys"), data.path()));
    let client = running.client();
    for body in [json!({}), json!({"specification": ""}), json!({"specification": 1}), json!([])] {
        assert_eq!(client.post("/deploys", body).await.status, 400);
    }
    assert_eq!(client.post_empty("/deploys").await.status, 415);
    // What is too large for DynamoDB is too large for every store.
    let too_large = client.post("/deploys", json!({"specification": "x".repeat(410_000)})).await;
    assert_eq!(too_large.status, 413);
    assert!(too_large.text("detail").contains("409600"), "{}", too_large.body);
}

#[tokio::test]
async fn keys_of_two_tenants_are_two_where_a_header_says_whose_they_are() {
    let data = tempfile::tempdir().expect("a folder");
    let running =
        Running::start(program(env!("CARGO_BIN_EXE_deploys"), data.path()).env("TENANT_HEADER", "x-tenant"));
    let client = running.client();
    let create = async |tenant: Option<&str>, key: Option<&str>| {
        let mut request = client.request("POST", "/deploys").json(&json!({"specification": "a server"}));
        for (name, value) in [("x-tenant", tenant), ("idempotency-key", key)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        Answer::to(request).await
    };
    let first = create(Some("acme"), Some("1")).await;
    assert_eq!(first.status, 201);
    assert_eq!(create(Some("acme"), Some("1")).await.text("id"), first.text("id"));
    assert_ne!(create(Some("globex"), Some("1")).await.text("id"), first.text("id"));
    let nobody = create(None, Some("1")).await;
    assert_eq!((nobody.status, nobody.text("detail").contains("Idempotency-Key")), (400, true));
    assert_eq!(create(Some(""), Some("1")).await.status, 400, "nobody is no tenant");
    assert_eq!(create(None, None).await.status, 201);
}

/// A person sees a resource being parked, and, after a restart with a handler that is mended, how it catches up.
#[tokio::test]
async fn what_cannot_be_told_of_is_parked_and_told_of_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let start = |fail_on: &str| {
        Running::start(program(env!("CARGO_BIN_EXE_deploys"), data.path()).env("FAIL_ON", fail_on))
    };

    let running = start("fire");
    let client = running.client();
    let bad = client.post("/deploys", json!({"specification": "a server on fire"})).await;
    let good = client.post("/deploys", json!({"specification": "a server"})).await;
    let (bad, good) = (bad.text("id"), good.text("id"));
    assert_eq!(Answer::to(client.request("DELETE", &format!("/deploys/{bad}"))).await.status, 204);
    let _ = running.logged(&["a new deploy", good]);
    let _ = running.logged(&["parked", bad, "FAIL_ON"]);
    assert!(!running.log().iter().any(|line| line.contains("a new deploy") && line.contains(bad)));
    assert!(running.stop().success());

    let running = start("");
    let _ = running.logged(&["a new deploy", "a server on fire"]);
    let _ = running.logged(&["what was parked is handled", bad]);
    assert!(running.stop().success());
}
