//! The deployment service on AWS: what its functions do takes the permissions that the template gives them, and all of these.
//!
//! They run under Lambda's own runtime interface emulator, and their roles refuse what the template does not permit.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use lambda_local::{Deployment, Program};
use serde_json::{Value, json};
use testbed::{Answer, Client};
use tokio::time::{sleep, timeout};

const PROGRAM: &str = env!("CARGO_BIN_EXE_deploys");

/// What is not permitted may be waited for in vain: then it is told what that was.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn functions_have_the_permissions_that_they_use_and_no_others() {
    let launch = Deployment::of("deploys").program(Program::At(PROGRAM.into())).env("FAIL_ON", "fire");
    let deployment = launch.start().await.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&deployment.gateway().address().to_string());

    let work = async {
        let deploy = everything_that_a_client_asks_for(&client).await;
        something_that_cannot_be_handled(&client, &deployment).await;
        what_was_handled_before(&deployment, &deploy).await;
    };
    let is_done = timeout(PATIENCE, work).await;
    let roles =
        ["ApiFunction", "SubscriptionsFunction"].map(|id| (id, deployment.role(id).expect("it has one")));
    for (function, role) in roles {
        assert_eq!(role.denied(), BTreeSet::new(), "{function} lacks these");
    }
    is_done.expect("it is done");
    for (function, role) in roles {
        assert_eq!(role.unused(), BTreeSet::new(), "{function} has these in vain");
    }
}

/// Deploys are created, read, listed and deleted: by several at once, and again with the same key. Gives the id of one.
async fn everything_that_a_client_asks_for(client: &Client) -> String {
    let create = || {
        let request = client.request("POST", "/deploys").header("idempotency-key", "once");
        Answer::to(request.json(&json!({"specification": "a server"})))
    };
    let created = [create().await, create().await];
    assert_eq!((created[0].status, &created[0].body), (201, &created[1].body));
    let id = created[0].text("id").to_owned();
    for path in ["?limit=1", "", &format!("/{id}"), &format!("/{id}?version=1"), &format!("/{id}/events")] {
        assert_eq!(client.get(&format!("/deploys{path}")).await.status, 200, "{path}");
    }
    let path = format!("/deploys/{id}");
    let deleted = join_all((0..8).map(|_| Answer::to(client.request("DELETE", &path)))).await;
    assert_eq!(deleted.iter().filter(|answer| answer.status == 204).count(), 1);
    assert_eq!(deleted.iter().filter(|answer| answer.status == 409).count(), 7);
    id
}

/// Calls the function that handles events.
async fn call(deployment: &Deployment, event: Value) -> Value {
    let function = deployment.function("SubscriptionsFunction").expect("there is one");
    let answer = function.invoke(event.to_string()).await.unwrap_or_else(|failure| panic!("{failure}"));
    serde_json::from_slice(&answer).expect("JSON")
}

/// It is parked, and redriven in vain.
async fn something_that_cannot_be_handled(client: &Client, deployment: &Deployment) {
    client.post("/deploys", json!({"specification": "a server on fire"})).await;
    for outcome in ["parked_resources", "failed"] {
        while call(deployment, json!({"aws-event-sourcing": "redrive"})).await[outcome] != 1 {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One record, several of several resources, and one behind a gap: it is not known any more what was handled of this deploy.
async fn what_was_handled_before(deployment: &Deployment, deploy: &str) {
    let table = |id| deployment.table(id).expect("there is one");
    let records = deployment.dynamodb().stream(table("DeployTable")).await.expect("a stream");
    let last = records.iter().rposition(|record| record["dynamodb"]["Keys"]["id"]["S"] == deploy);
    let last = last.expect("it has one");
    let record = json!({
        "TableName": table("SubscriptionsTable"),
        "Key": {"id": {"S": deploy}, "part": {"S": "notifications/deploy"}},
    });
    let ask = |operation| deployment.dynamodb().ask(operation, &record);
    let hand_over = |records| call(deployment, json!({ "Records": records }));

    assert_eq!(hand_over(&records[..]).await, json!({"batchItemFailures": []}));
    ask("DeleteItem").await.expect("an answer");
    assert_eq!(hand_over(&records[last..=last]).await, json!({"batchItemFailures": []}));
    let known = ask("GetItem").await.expect("an answer");
    assert_eq!(known["Item"]["handled"]["N"], "2");
    let log = deployment.function("SubscriptionsFunction").expect("there is one").log().lines();
    let told = log.iter().filter(|line| line.contains("a new deploy") && line.contains(deploy)).count();
    assert_eq!(told, 2, "{log:#?}");
}
