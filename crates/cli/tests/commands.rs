//! The commands that the documentation has for tables and for what is parked, typed into a shell: `eventctl`, and AWS's own
//! `aws`, on tables in DynamoDB Local and on a file.

use std::{env, path::Path, process::Command, sync::Arc};

use aws_event_sourcing_core::{
    Aggregate, Commit, EncodedEvent, Event, EventStore, Json, Recorded, Repository, ResourceKey, Timestamp,
    subscription::{Context, Failure, Source, Subscription, with_state},
};
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_event_sourcing_sqlite::SqliteStore;
use deployment::Tool;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testbed::ShellBlock;
use tokio::sync::oneshot;

/// The resource that the documentation has as an example.
const PRODUCT: &str = "4f4b2c1e-0c53-4f1e-9d0d-2f6a3e1b7c55";
const DEPLOY: &str = "0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55";
const TRACE: &str = "00-67431a984bf92f3577b34da6a3ce929d-00f067aa0ba902b7-01";

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum ThingEvent {
    ThingMade,
}

#[derive(Debug, Clone, Default)]
struct Thing<const PRODUCT: bool>;

impl<const PRODUCT: bool> Aggregate for Thing<PRODUCT> {
    const TYPE: &'static str = if PRODUCT { "product" } else { "deploy" };
    type Event = ThingEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &ThingEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: &ThingEvent) {}
}

/// Handles no event from this number on.
async fn fails(from: u64, event: Recorded<ThingEvent>, _: Context) -> Result<(), Failure> {
    if event.number < from { Ok(()) } else { Err(Failure::park("out of paper")) }
}

/// Runs commands as a person would, with `eventctl` and `aws` at hand. Gives what the last of them prints.
fn shell(commands: &str, settings: &[(&str, &str)], folder: &Path) -> String {
    let aws = Tool::Aws.path().unwrap_or_else(|error| panic!("{error}"));
    let mut path = vec![aws.with_file_name(""), Path::new(env!("CARGO_BIN_EXE_eventctl")).with_file_name("")];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", commands]).current_dir(folder).env_clear();
    bash.env("PATH", env::join_paths(path).expect("folders")).envs(settings.iter().copied());
    let output = bash.output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}\n{said}");
    String::from_utf8(output.stdout).expect("text")
}

/// A subscription that parks what comes from a number on, until that is so.
async fn park<A: Aggregate<Event = ThingEvent>>(
    name: &str,
    from: u64,
    source: Source,
    is_parked: impl Fn() -> bool,
) {
    let (stop, stopped) = oneshot::channel::<()>();
    let subscription = Subscription::new(name).on::<A>(with_state(from, fails));
    let running = tokio::spawn(subscription.run(move |_| source.clone(), async { drop(stopped.await) }));
    while !is_parked() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    drop(stop);
    running.await.expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_and_read_by_hand() {
    let access_key = format!("commands{}", std::process::id());
    let settings = [
        ("AWS_REGION", "us-east-1"),
        // What version 1 of `aws` reads.
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", &*access_key),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local::url()),
        ("DYNAMODB_TABLE_PRODUCT", "products"),
        ("SUBSCRIPTIONS_TABLE", "subscriptions"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let run = |commands: &str| shell(commands, &settings, folder.path());

    let readme = ShellBlock::find("README.md", "eventctl table create products");
    let (tables, _) = readme.split_once("DYNAMODB_TABLE_PRODUCT=").expect("the shop comes last");
    assert_eq!(tables.lines().count(), 3);
    run(tables);
    // It is there already, and it is right: the same command says so.
    let again = ShellBlock::find("docs/subscriptions.md", "eventctl table create subscriptions");
    run(&again);

    let connect = DynamoDb::builder().access_key(&access_key, "secret").region("us-east-1");
    let dynamodb = connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection");
    let store = dynamodb.store().table("product", "products").build();
    let products = Repository::<Thing<true>>::new(store.clone());
    // So many that there is one in each shard of the index.
    for _ in 0..60 {
        products.create(ThingEvent::ThingMade).await.expect("created");
    }
    products.create(ThingEvent::ThingMade).id(PRODUCT).await.expect("created");
    let traced = Commit {
        resource: ResourceKey::new("product", PRODUCT),
        number: 2,
        events: vec![EncodedEvent { event_type: "ThingMade".into(), data: None::<Json> }],
        at: Timestamp::from_unix_millis(1_700_000_000_000),
        id: "second".into(),
        follows: None,
        trace: Some(TRACE.parse().expect("a trace")),
        cause: None,
        meta: None,
    };
    store.append(&traced).await.expect("appended");
    let progress = dynamodb.subscriptions("subscriptions");
    let source = Source {
        feed: Arc::new(progress.feed(&store)),
        events: Arc::new(store),
        progress: Arc::new(progress),
    };

    let items = |beginning: &str| -> Vec<Value> {
        let answer = run(&ShellBlock::find("docs/stored-form.md", beginning));
        let answer: Value = serde_json::from_str(&answer).expect("an answer");
        answer["Items"].as_array().expect("items").clone()
    };
    let numbers = |items: Vec<Value>| -> Vec<String> {
        items.iter().map(|item| item["number"]["N"].as_str().expect("a number").to_owned()).collect()
    };
    assert_eq!(numbers(items("aws dynamodb query --table-name products --consistent-read")), ["1", "2"]);
    assert_eq!(numbers(items("aws dynamodb query --table-name products --no-scan-index-forward")), ["2"]);
    assert!(!items("aws dynamodb query --table-name products --index-name listing").is_empty());
    assert_eq!(numbers(items("aws dynamodb scan --table-name products")), ["2"]);

    let parked = "aws dynamodb query --table-name subscriptions --index-name parked";
    let leases = "aws dynamodb query --table-name subscriptions \\\n";
    let followed = || !items(leases).is_empty() && items(parked).len() > 60;
    park::<Thing<true>>("reorders", 1, source, || tokio::task::block_in_place(followed)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_looked_at_and_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let store = SqliteStore::open(data.join("events.db")).expect("a store");
    let deploys = Repository::<Thing<false>>::new(store.clone());
    let seven = (0..7).map(|_| ThingEvent::ThingMade);
    deploys.create_all(seven).id(DEPLOY).await.expect("created");
    let run = |commands: &str| shell(commands, &[], folder.path());
    let is_parked = || run("eventctl parked list").contains("out of paper");
    park::<Thing<false>>("notifications", 7, Source::of(&store), || tokio::task::block_in_place(is_parked))
        .await;
    let block = ShellBlock::find("docs/subscriptions.md", "eventctl parked list");
    let said = run(&block);
    assert_eq!(said.matches("out of paper").count(), 2, "{said}");
    let skipped = run(ShellBlock::find("docs/subscriptions.md", "   eventctl parked skip").trim());
    assert!(skipped.contains("entered by mistake"), "{skipped}");
    // What is on AWS is looked at by the same commands, once it is known where.
    let on_aws = ShellBlock::find("docs/deploy.md", "export SUBSCRIPTIONS_TABLE=");
    assert!(on_aws.ends_with(&block), "{on_aws}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_is_found_and_taken_out() {
    let access_key = format!("orphan{}", std::process::id());
    let settings = [
        ("AWS_REGION", "us-east-1"),
        // What version 1 of `aws` reads.
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", &*access_key),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local::url()),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let run = |commands: &str| shell(commands, &settings, folder.path());
    run("eventctl table create products && eventctl table create products-2");

    let connect = DynamoDb::builder().access_key(&access_key, "secret").region("us-east-1");
    let dynamodb = connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection");
    let store = dynamodb.store().tables_by(|_| "products".to_owned()).build();
    for (number, follows) in [(1, None), (2, Some("commit-1")), (5, Some("commit-4"))] {
        let commit = Commit {
            resource: ResourceKey::new("product", PRODUCT),
            number,
            events: vec![EncodedEvent { event_type: "ThingMade".into(), data: None::<Json> }],
            at: Timestamp::from_unix_millis(1_700_000_000_000),
            id: format!("commit-{number}").into(),
            follows: follows.map(Into::into),
            trace: None,
            cause: None,
            meta: None,
        };
        store.append(&commit).await.expect("appended");
    }
    let verify = ShellBlock::find("docs/restore.md", "eventctl table verify products\n");
    let told = run(&format!("! {}", verify.trim()));
    let expected = format!(
        "{PRODUCT}: number 5 follows the commit \"commit-4\", which is not there; number 3 is missing\n"
    );
    assert!(told.starts_with(&expected), "{told}");
    run(&ShellBlock::find("docs/restore.md", "ORPHAN="));
    let orphan = std::fs::read_to_string(folder.path().join("orphan.json")).expect("it was kept");
    let orphan: Value = serde_json::from_str(&orphan).expect("JSON");
    assert_eq!(orphan["Item"]["follows"]["S"], "commit-4");
    let told = run(&verify);
    assert!(told.ends_with("\nproducts is whole\n"), "{told}");
    let told = run(&ShellBlock::find("docs/restore.md", "eventctl table check products-2"));
    assert!(told.ends_with("\nproducts-2 is whole\n"), "{told}");
}
