//! `kill -9`, again and again; two shops over one file; and a table that is restored under a shop.

use std::{collections::BTreeSet, fs, os::unix::process::ExitStatusExt as _, path::Path, time::Duration};

use aws_event_sourcing::{EventStore as _, ResourceKey};
use futures_util::{TryStreamExt as _, future::join_all};
use lambda_local::DynamoDb;
use serde_json::{Value, json};
use testbed::{Answer, Client, Running, SHOP_TABLES, Tables, program};

const SHOP: &str = env!("CARGO_BIN_EXE_shopping");
const ROUNDS: usize = 8;
const WRITERS: usize = 8;

async fn numbers(client: &Client, path: &str) -> Vec<u64> {
    let events = client.get(&format!("{path}/events")).await;
    events.body.as_array().expect("an array").iter().filter_map(|event| event["number"].as_u64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_commit_survives_a_crash() {
    let data = tempfile::tempdir().expect("a folder");
    let mut acknowledged: BTreeSet<(String, u64)> = BTreeSet::new();
    let mut shop = Running::start(&mut program(SHOP, data.path()));
    let shared = shop.client().post("/products", json!({"amount": 1})).await;
    let shared = shared.header("location").expect("a location").to_owned();
    for round in 0..ROUNDS {
        let client = shop.client();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, shared) = (client.clone(), shared.clone());
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    for turn in 0.. {
                        // Half of the writers share one resource, the others make new ones.
                        let (path, status) = match (writer + turn) % 2 {
                            0 => (format!("{shared}/restock"), 200),
                            _ => ("/products".to_owned(), 201),
                        };
                        let request = client.request("POST", &path).json(&json!({"amount": 1}));
                        let Ok(answer) = Answer::maybe(request).await else { break };
                        assert_eq!(answer.status, status, "{answer:?}");
                        let path = format!("/products/{}", answer.text("id"));
                        acknowledged.push((path, answer.body["version"].as_u64().expect("a version")));
                    }
                    acknowledged
                })
            })
            .collect();
        // Let some of them through, another number each round.
        while numbers(&client, &shared).await.len() < (round + 1) * (10 + round) {}
        shop.crash();
        for writer in writers {
            acknowledged.extend(writer.await.expect("a writer"));
        }

        shop = Running::start(&mut program(SHOP, data.path()));
        let client = shop.client();
        let histories: BTreeSet<&str> = acknowledged.iter().map(|(path, _)| path.as_str()).collect();
        let read = join_all(histories.iter().map(|path| numbers(&client, path))).await;
        for (path, numbers) in histories.iter().zip(read) {
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gaps in {path}");
            let versions = acknowledged.range(((*path).to_owned(), 0)..=((*path).to_owned(), u64::MAX));
            assert!(versions.map(|(_, version)| *version).max() <= numbers.last().copied(), "{path}");
        }
    }
    assert!(acknowledged.len() > ROUNDS * WRITERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_over_one_file_lose_and_double_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let shops =
        [Running::start(&mut program(SHOP, data.path())), Running::start(&mut program(SHOP, data.path()))];
    let clients = shops.each_ref().map(Running::client);
    let created = clients[0].post("/products", json!({"amount": 150})).await;
    let path = created.header("location").expect("a location").to_owned();
    let buy = format!("{path}/buy");
    let answers = join_all((0..200).map(|buyer| clients[buyer % 2].post_empty(&buy))).await;
    let versions: BTreeSet<u64> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .filter_map(|answer| answer.body["version"].as_u64())
        .collect();
    assert_eq!(versions, (2..=151).collect());
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 50);
    for client in &clients {
        assert_eq!(client.get(&path).await.body["quantity"], Value::from(0));
        assert_eq!(numbers(client, &path).await, (1..=151).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_table_is_restored_sells_behind_what_is_there() {
    let tables = Tables::of_shop().await;
    let start = || Running::start(program(SHOP, "data".as_ref()).envs(SHOP_TABLES).envs(tables.settings()));
    let shop = start();
    let client = shop.client();
    let created = client.post("/products", json!({"amount": 10})).await;
    let path = created.header("location").expect("a location").to_owned();
    for _ in 0..3 {
        assert_eq!(client.post_empty(&format!("{path}/buy")).await.status, 200);
    }

    let dynamodb = tables.connect().await;
    let store = dynamodb.store().table("product", "products").build();
    let product = ResourceKey::new("product", created.text("id"));
    let commits: Vec<_> = store.read(&product, 0).try_collect().await.expect("read");
    let [(_, url), _, (_, access_key), _] = tables.settings();
    let table = json!({ "TableName": "products" });
    DynamoDb::new(url, access_key).ask("DeleteTable", &table).await.expect("deleted");
    let refused = client.post_empty(&format!("{path}/buy")).await;
    assert!(refused.status >= 500, "{refused:?}");
    dynamodb.table("products").create().send().await.expect("a table");
    for commit in &commits[..2] {
        store.append(commit).await.expect("appended");
    }

    let sold = client.post_empty(&format!("{path}/buy")).await;
    assert_eq!((sold.status, sold.header("etag")), (200, Some("\"3\"")), "{sold:?}");
    assert_eq!((&sold.body["version"], &sold.body["quantity"]), (&json!(3), &json!(8)));
    assert_eq!(numbers(&client, &path).await, [1, 2, 3]);
    let another = start();
    let found = another.client().get(&path).await;
    assert_eq!((found.status, &found.body["quantity"]), (200, &json!(8)));
}

/// Lines of the log that have this in them.
fn lines(shop: &Running, what: &str) -> Vec<String> {
    shop.log().into_iter().filter(|line| line.contains(what)).collect()
}

/// What was only in the log is lost then, and nobody is to believe that it never was.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_after_a_crash_is_told_of() {
    let harms: [Harm; 3] = [
        ("its log is not beside it", |log| fs::remove_file(log).expect("removed")),
        ("its log is not beside it", |log| fs::write(log, "").expect("emptied")),
        ("nothing in its log that can be read", |log| {
            let length = fs::metadata(log).expect("a log").len() as usize;
            fs::write(log, vec![0xa5; length]).expect("written over");
        }),
    ];
    for (told, do_harm) in harms {
        let data = tempfile::tempdir().expect("a folder");
        let shop = Running::start(&mut program(SHOP, data.path()));
        // The first is in the file when the second comes, and that one is in the log.
        for _ in 0..2 {
            assert_eq!(shop.client().post("/products", json!({"amount": 1})).await.status, 201);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        shop.crash();
        do_harm(&data.path().join("events.db-wal"));
        let shop = Running::start(&mut program(SHOP, data.path()));
        let line = shop.logged(&[told]);
        assert!(line.contains("WARN"), "{line}");
        assert_eq!(shop.client().get("/products").await.status, 200);
        assert!(tokio::task::spawn_blocking(move || shop.stop()).await.expect("stopped").success());
    }
}

/// The system ends every process that looks into a part of a file that is not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_the_log_that_is_cut_short_ends_the_shop_and_loses_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    for _ in 0..3 {
        assert_eq!(shop.client().post("/products", json!({"amount": 1})).await.status, 201);
    }
    let index = fs::OpenOptions::new().write(true).open(data.path().join("events.db-shm")).expect("an index");
    index.set_len(0).expect("cut short");
    let ended = tokio::task::spawn_blocking(move || shop.wait()).await.expect("it has ended");
    assert!(ended.signal().is_some(), "{ended:?}");

    let shop = Running::start(&mut program(SHOP, data.path()));
    let products = shop.client().get("/products").await;
    assert_eq!(products.body.as_array().map(Vec::len), Some(3), "{products:?}");
    assert!(tokio::task::spawn_blocking(move || shop.stop()).await.expect("stopped").success());
}

/// A command of a shell, and a function that does to a folder what the command does.
type Harm = (&'static str, fn(&Path));

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_when_the_data_is_removed_under_a_running_shop() {
    let harms: [Harm; 3] = [
        ("rm -r data/*", |data| {
            for file in fs::read_dir(data).expect("a folder") {
                fs::remove_file(file.expect("a file").path()).expect("removed");
            }
        }),
        ("rm data/events.db-wal data/events.db-shm", |data| {
            for file in ["events.db-wal", "events.db-shm"] {
                fs::remove_file(data.join(file)).expect("removed");
            }
        }),
        ("mv data elsewhere", |data| fs::rename(data, data.with_extension("old")).expect("renamed")),
    ];
    for (harm, do_harm) in harms {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let shop = Running::start(&mut program(SHOP, &data));
        let client = shop.client();
        let product = client.post("/products", json!({"amount": 1})).await;
        assert_eq!(product.status, 201);
        let product = product.header("location").expect("a location").to_owned();
        do_harm(&data);
        let refused = client.post("/products", json!({"amount": 1})).await;
        assert_eq!(refused.status, 503, "{harm}: {refused:?}");
        assert!(refused.text("detail").contains("has lost its files"), "{harm}: {refused:?}");
        for path in ["/products", &product] {
            assert_eq!(client.get(path).await.status, 503, "{harm}: {path}");
        }
        // A second and more: the subscription has tried again by then.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let told = lines(&shop, "From now on the event store refuses");
        assert!(
            told.len() == 1 && told[0].contains("ERROR") && told[0].contains("events.db"),
            "{harm}: {told:?}"
        );
        for subscription in ["reorders", "restocks"] {
            let told = lines(&shop, &format!("\"subscription\":\"{subscription}\""));
            let told = told.iter().filter(|line| line.contains("WARN")).count();
            assert!(told <= 1, "{harm}: {:?}", shop.log());
        }
        assert!(tokio::task::spawn_blocking(move || shop.stop()).await.expect("stopped").success(), "{harm}");
    }
}
