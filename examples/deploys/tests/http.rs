//! The deployment service over HTTP, as a client sees it, on both stores.

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

/// A person sees a resource being parked, and, after a restart with a handler that is mended, how it catches up.
#[tokio::test]
async fn what_cannot_be_told_of_is_parked_and_told_of_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let start = |fail_on: &str| {
        Running::start(program(env!("CARGO_BIN_EXE_deploys"), data.path()).env("FAIL_ON", fail_on))
    };
    let logged = async |running: &Running, line: &dyn Fn(&str) -> bool| {
        while !running.log().iter().any(|logged| line(logged)) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };

    let running = start("fire");
    let client = running.client();
    let bad = client.post("/deploys", json!({"specification": "a server on fire"})).await;
    let good = client.post("/deploys", json!({"specification": "a server"})).await;
    let (bad, good) = (bad.text("id"), good.text("id"));
    assert_eq!(Answer::to(client.request("DELETE", &format!("/deploys/{bad}"))).await.status, 204);
    logged(&running, &|line| line.contains("a new deploy") && line.contains(good)).await;
    logged(&running, &|line| line.contains("parked") && line.contains(bad) && line.contains("FAIL_ON")).await;
    assert!(!running.log().iter().any(|line| line.contains("a new deploy") && line.contains(bad)));
    assert!(running.stop().success());

    let running = start("");
    logged(&running, &|line| line.contains("a new deploy") && line.contains("a server on fire")).await;
    logged(&running, &|line| line.contains("no longer parked") && line.contains(bad)).await;
    assert!(running.stop().success());
}
