//! Writers, two processes that handle what happens, and `kill -9` at random; now and then a process stands still for longer than
//! a lease lasts. In the end every event was handled, each resource's in order; every product that sold out was reordered
//! once, and restocked once for each delivery.
//!
//! For a minute, or as many seconds as `CHAOS_SECONDS` says.

mod world;

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{Answer, Client, Running, SHOP_TABLES, Signal, Tables, program};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::world::World;

const PRODUCTS: usize = 40;
const WRITERS: usize = 4;

/// How long everything may take to come to rest once the handlers are mended.
const REST: Duration = Duration::from_secs(120);

fn duration() -> Duration {
    let seconds = std::env::var("CHAOS_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// How long a process stands still: others take what it follows after 10 seconds.
const STANDSTILL: Duration = Duration::from_secs(13);

/// What is the same for both processes.
struct Scene {
    settings: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Scene {
    fn start(&self) -> Running {
        let mut program = program(env!("CARGO_BIN_EXE_chaos"), self.folder.path());
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Running::start(program.envs(settings).env("CHAOS_DIR", self.folder.path()))
    }

    /// What there is when everything is handled.
    async fn rest(&self, client: &Client) -> World {
        let rested = timeout(REST, async {
            loop {
                let world = World::look(client, self.folder.path()).await;
                if world.is_at_rest_but("") && world == World::look(client, self.folder.path()).await {
                    return world;
                }
                sleep(Duration::from_millis(500)).await;
            }
        });
        let Ok(world) = rested.await else {
            panic!("it does not come to rest: {:#?}", World::look(client, self.folder.path()).await);
        };
        world
    }
}

/// What a process logs of who else follows: which process that is.
fn processes_named(process: &Running, message: &str) -> BTreeSet<u64> {
    let lines = process.log().into_iter().filter(|line| line.contains(message));
    let fields = lines.map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
    fields.map(|line| line["process"].as_u64().expect("a process")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_hinders_nobody_on_sqlite() {
    let scene = Scene { settings: Vec::new(), folder: tempfile::tempdir().expect("a folder") };
    fs::write(scene.folder.path().join("mended"), "").expect("a file");
    let (first, second) = (scene.start(), scene.start());
    let mut products = Vec::new();
    for _ in 0..20 {
        let created = second.client().post("/products", json!({ "amount": 2 })).await;
        products.push(created.text("id").to_owned());
    }
    scene.rest(&second.client()).await;
    let follows = processes_named(&second, "another process follows the events");
    assert_eq!(follows.len(), 1, "the first one follows: {:#?}", second.log());
    assert!(processes_named(&first, "another process follows the events").is_empty());

    first.signal(Signal::STOP);
    buy(&second.client(), &products).await;
    scene.rest(&second.client()).await;
    assert_eq!(processes_named(&second, "in place of one that has not answered"), follows);

    first.signal(Signal::CONT);
    buy(&second.client(), &products).await;
    buy(&first.client(), &products).await;
    let world = scene.rest(&first.client()).await;
    world.check();
    assert_eq!(world.sold_out().len(), products.len());
    assert!(world.most_often() <= 2, "{world:#?}");
    let _ = first.logged(&["another process follows this partition now"]);

    // And the first one is there again when it is its turn.
    second.crash();
    for product in &products {
        first.client().post(&format!("/products/{product}/restock"), json!({ "amount": 1 })).await;
    }
    buy(&first.client(), &products).await;
    scene.rest(&first.client()).await.check();
    assert!(first.stop().success());
}

/// One of each product, where there is one.
async fn buy(client: &Client, products: &[String]) {
    for product in products {
        client.post_empty(&format!("/products/{product}/buy")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_everything_is_handled_in_order_on_sqlite() {
    everything_is_handled(Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_everything_is_handled_in_order_on_dynamodb() {
    let tables = Tables::of_shop().await;
    let settings = tables.settings().into_iter().chain(SHOP_TABLES);
    everything_is_handled(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()).await;
}

async fn everything_is_handled(settings: Vec<(String, String)>) {
    let scene = Scene { settings, folder: tempfile::tempdir().expect("a folder") };
    let mut processes = [scene.start(), scene.start()];
    let (clients, known) = watch::channel(processes.each_ref().map(Running::client));

    let mut products = Vec::new();
    for amount in 1..=PRODUCTS {
        let client = known.borrow()[0].clone();
        let created = client.post("/products", json!({ "amount": amount % 5 + 1 })).await;
        products.push(created.text("id").to_owned());
    }
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(write(known.clone(), products.clone()));
    }

    let (begun, mut kills) = (Instant::now(), 0);
    while begun.elapsed() < duration() {
        sleep(Duration::from_millis(fastrand::u64(200..2_500))).await;
        let victim = fastrand::usize(..2);
        if kills % 8 == 2 {
            processes[victim].signal(Signal::STOP);
            sleep(STANDSTILL).await;
            processes[victim].signal(Signal::CONT);
            // It goes on, and finds that it has lost what it followed.
            sleep(Duration::from_secs(2)).await;
        }
        let killed = std::mem::replace(&mut processes[victim], scene.start());
        killed.crash();
        kills += 1;
        let _ = clients.send(processes.each_ref().map(Running::client));
    }
    writers.shutdown().await;
    fs::write(scene.folder.path().join("mended"), "").expect("a file");

    let world = scene.rest(&processes[0].client()).await;
    world.check();
    let (sold_out, delivered) = (world.sold_out().len(), world.delivered().len());
    assert!(
        kills > 3 && sold_out > 10 && delivered > 3,
        "too little happened: {kills} {sold_out} {delivered}"
    );
    for process in processes {
        assert!(process.stop().success());
    }
}

/// Buys, and delivers what is on order, from whichever process answers.
async fn write(clients: watch::Receiver<[Client; 2]>, products: Vec<String>) {
    loop {
        let client = clients.borrow()[fastrand::usize(..2)].clone();
        if fastrand::u8(..) < 150 {
            let product = &products[fastrand::usize(..products.len())];
            let purchase = client.request("POST", &format!("/products/{product}/buy"));
            let _ = Answer::maybe(purchase).await;
        } else if let Ok(answer) = Answer::maybe(client.request("GET", "/reorders")).await {
            let open = answer.body.as_array().into_iter().flatten().filter(|it| it["status"] == "requested");
            let open: Vec<_> = open.filter_map(|reorder| reorder["id"].as_str()).collect();
            if let Some(reorder) = fastrand::choice(&open) {
                let _ = Answer::maybe(client.request("POST", &format!("/reorders/{reorder}/deliver"))).await;
            }
        }
        sleep(Duration::from_millis(fastrand::u64(..12))).await;
    }
}
