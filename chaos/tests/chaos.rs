//! Writers, two processes that handle what happens, and `kill -9` at random. In the end every event was handled, each
//! resource's in order; every product that sold out was reordered once, and restocked once for each delivery.
//!
//! For a minute, or as many seconds as `CHAOS_SECONDS` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{Answer, Client, Running, SHOP_TABLES, Tables, program};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

const PRODUCTS: usize = 40;
const WRITERS: usize = 4;

/// How long everything may take to come to rest once the handlers are mended.
const REST: Duration = Duration::from_secs(120);

fn duration() -> Duration {
    let seconds = std::env::var("CHAOS_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

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
        let killed = std::mem::replace(&mut processes[victim], scene.start());
        killed.crash();
        kills += 1;
        let _ = clients.send(processes.each_ref().map(Running::client));
    }
    writers.shutdown().await;
    fs::write(scene.folder.path().join("mended"), "").expect("a file");

    let client = processes[0].client();
    let rested = timeout(REST, async {
        loop {
            let world = World::look(&client, scene.folder.path()).await;
            if world.is_at_rest() && world == World::look(&client, scene.folder.path()).await {
                return world;
            }
            sleep(Duration::from_millis(500)).await;
        }
    });
    let Ok(world) = rested.await else {
        panic!("it does not come to rest: {:#?}", World::look(&client, scene.folder.path()).await);
    };
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

/// All that there is: histories, and what was handled of them.
#[derive(Debug, PartialEq)]
struct World {
    products: BTreeMap<String, Vec<Value>>,
    reorders: BTreeMap<String, Vec<Value>>,
    /// By subscription and resource: the numbers in the order in which they were handled.
    ledger: BTreeMap<(String, String), Vec<u64>>,
}

impl World {
    async fn look(client: &Client, folder: &Path) -> Self {
        let ledger = fs::read_to_string(folder.join("ledger")).expect("a ledger");
        let mut handled: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for line in ledger.lines() {
            let [subscription, id, number] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("a line in pieces: {line:?}");
            };
            let number = number.parse().expect("a number");
            handled.entry((subscription.to_owned(), id.to_owned())).or_default().push(number);
        }
        Self {
            products: histories(client, "/products").await,
            reorders: histories(client, "/reorders").await,
            ledger: handled,
        }
    }

    fn of(&self, subscription: &str) -> &BTreeMap<String, Vec<Value>> {
        if subscription == "reorders" { &self.products } else { &self.reorders }
    }

    /// Whether the last event of each resource was handled.
    fn is_at_rest(&self) -> bool {
        ["reorders", "restocks"].into_iter().all(|subscription| {
            self.of(subscription).iter().all(|(id, events)| {
                let handled = self.ledger.get(&(subscription.to_owned(), id.clone()));
                handled.is_some_and(|handled| handled.contains(&(events.len() as u64)))
            })
        })
    }

    fn check(&self) {
        for ((subscription, id), handled) in &self.ledger {
            let (mut last, length) = (0, self.of(subscription)[id].len() as u64);
            for number in handled {
                assert!(*number <= last + 1, "{subscription} {id}: {number} came before {}", last + 1);
                last = last.max(*number);
            }
            assert_eq!(last, length, "{subscription} {id}");
        }

        let requested: Vec<_> = self.reorders.values().map(|events| cause(&events[0])).collect();
        let once: BTreeSet<_> = requested.iter().cloned().collect();
        assert_eq!(requested.len(), once.len(), "a product was reordered twice");
        assert_eq!(once, self.sold_out(), "reorders and sell-outs");

        let restocks = self.products.values().flatten().filter(|event| cause(event).starts_with("restocks/"));
        let restocks: Vec<_> = restocks.map(cause).collect();
        let once: BTreeSet<_> = restocks.iter().cloned().collect();
        assert_eq!(restocks.len(), once.len(), "a product was restocked twice");
        assert_eq!(once, self.delivered(), "restocks and deliveries");
    }

    /// What the reorders have to have as their causes.
    fn sold_out(&self) -> BTreeSet<String> {
        let mut sold_out = BTreeSet::new();
        for (id, events) in &self.products {
            let mut quantity = 0;
            for event in events {
                match event["type"].as_str() {
                    Some("ProductReserved") => {
                        quantity -= 1;
                        if quantity == 0 {
                            sold_out.insert(format!("reorders/{id}/{}", event["number"]));
                        }
                    }
                    _ => quantity += event["data"]["amount"].as_i64().expect("an amount"),
                }
            }
        }
        sold_out
    }

    /// What the restocks have to have as their causes.
    fn delivered(&self) -> BTreeSet<String> {
        let delivered = self.reorders.iter().filter(|(_, events)| events.len() > 1);
        delivered.map(|(id, _)| format!("restocks/{id}/2")).collect()
    }
}

/// The key of what a handler has committed is its cause.
fn cause(event: &Value) -> String {
    event["commit"].as_str().expect("a commit").to_owned()
}

/// The histories of all resources under a path.
async fn histories(client: &Client, path: &str) -> BTreeMap<String, Vec<Value>> {
    let mut histories = BTreeMap::new();
    for resource in client.get(path).await.body.as_array().expect("a list") {
        let id = resource["id"].as_str().expect("an id");
        let events = client.get(&format!("{path}/{id}/events")).await;
        histories.insert(id.to_owned(), events.body.as_array().expect("a list").clone());
    }
    histories
}
