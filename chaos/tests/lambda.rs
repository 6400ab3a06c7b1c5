//! The shop as it is on AWS: its functions under Lambda's own runtime interface emulator, called by an API, by the streams of
//! its tables and by the schedule that redrives. Handlers fail at first, and one resource's always.

mod world;

use std::{fs, time::Duration};

use futures_util::{StreamExt as _, stream};
use lambda_local::{Backoff, Deployment, Log, Program};
use serde_json::{Value, json};
use testbed::Client;
use tokio::time::{sleep, timeout};

use crate::world::World;

const PRODUCTS: usize = 50;
const PURCHASES: usize = 500;
const CLIENTS: usize = 16;

/// How long the handlers fail, and how long everything may take to come to rest after that.
const TROUBLE: Duration = Duration::from_secs(15);
const REST: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_purchases_are_handled_in_order_and_one_resource_stays_parked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a path").to_owned();
    let backoff = Backoff { first: Duration::from_millis(50), most: Duration::from_secs(1) };
    let deployment = Deployment::of("shopping")
        .program(Program::At(env!("CARGO_BIN_EXE_chaos").into()))
        .env("CHAOS_DIR", path)
        .every(Duration::from_secs(1))
        .backoff(backoff)
        .log(Log::shown(show))
        .start()
        .await;
    let deployment = deployment.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&deployment.gateway().address().to_string());

    let doomed = client.post("/products", json!({ "amount": 1_000 })).await.text("id").to_owned();
    fs::write(folder.path().join("doomed"), &doomed).expect("a file");
    client.post_empty(&format!("/products/{doomed}/buy")).await;
    let mut products = Vec::new();
    for _ in 0..PRODUCTS {
        products.push(client.post("/products", json!({ "amount": 4 })).await.text("id").to_owned());
    }
    let purchases = stream::iter(0..PURCHASES).map(|number| buy(&client, &products[number % PRODUCTS]));
    let purchases = purchases.buffer_unordered(CLIENTS).collect::<Vec<()>>();
    let trouble = async {
        sleep(TROUBLE).await;
        fs::write(folder.path().join("mended"), "").expect("a file");
    };
    let both = async { tokio::join!(purchases, trouble) };
    timeout(TROUBLE + REST, both).await.expect("everything is bought");

    let rested = timeout(REST, async {
        loop {
            let world = World::look(&client, folder.path()).await;
            if world.is_at_rest_but(&doomed) && world == World::look(&client, folder.path()).await {
                return world;
            }
            sleep(Duration::from_millis(500)).await;
        }
    });
    let Ok(world) = rested.await else {
        let log = deployment.function("SubscriptionsFunction").expect("there is one").log().lines();
        panic!("it does not come to rest: {:#?}", log.iter().rev().take(50).collect::<Vec<_>>());
    };
    world.check();
    assert!(world.sold_out().len() >= PRODUCTS && world.delivered().len() >= PRODUCTS, "{world:?}");

    // What is left is told by the redrive.
    let redrive = json!({ "aws-event-sourcing": "redrive" }).to_string();
    let function = deployment.function("SubscriptionsFunction").expect("there is one");
    let answer = function.invoke(redrive).await.unwrap_or_else(|failure| panic!("{failure:?}"));
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["parked_resources"], 1, "{answer}");
    let unhandled = fs::read_dir(deployment.unhandled()).expect("a folder").count();
    assert_eq!(unhandled, 0, "no batch was given up");
}

/// Buys one, however often it is sold out: then what is on order is delivered.
async fn buy(client: &Client, product: &str) {
    loop {
        let answer = client.post_empty(&format!("/products/{product}/buy")).await;
        match answer.status {
            200 => return,
            409 => {}
            _ => panic!("{answer:?}"),
        }
        let reorders = client.get("/reorders").await.body;
        let open = reorders.as_array().into_iter().flatten();
        let open = open.filter(|it| it["status"] == "requested" && it["product"] == product);
        for reorder in open.filter_map(|reorder| reorder["id"].as_str()) {
            client.post_empty(&format!("/reorders/{reorder}/deliver")).await;
        }
        sleep(Duration::from_millis(fastrand::u64(100..500))).await;
    }
}

/// For whoever wants to know why the test has failed.
#[allow(clippy::print_stderr, reason = "the runner of the test shows it when the test fails")]
fn show(line: &str) {
    eprintln!("{line}");
}
