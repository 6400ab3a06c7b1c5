//! Starting and stopping the shop, well and badly.

mod log;

use std::{collections::BTreeMap, fs, net::TcpListener, process::Output};

use serde_json::json;
use testbed::{Running, SHOP_TABLES, Tables, program, refused_to_start};

const SHOP: &str = env!("CARGO_BIN_EXE_shopping");

/// The one line that the shop says before it exits with code 1.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn it_says_where_it_listens_where_it_stores_and_what_to_try() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let address = shop.address().to_owned();
    assert!(shop.stop().success());
    let shop = Running::start(&mut program(SHOP, data.path()));
    let file = data.path().join("events.db").display().to_string();
    let _ = shop.logged(&["listening on", &file]);
    let _ = shop.logged(&["because DYNAMODB_TABLE is not set", r#""store":"sqlite""#, &file]);
    assert!(address.starts_with("127.0.0.1:"));
    let _ = shop.logged(&["curl -i -X POST http://127.0.0.1:"]);
}

fn tokio_block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

#[test]
fn a_setting_that_is_wrong_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    for (setting, value) in
        [("PORT", "http"), ("HOST", "no such host"), ("LOG_FORMAT", "xml"), ("RUST_LOG", "shopping=loud")]
    {
        let output = refused_to_start(program(SHOP, data.path()).env(setting, value));
        assert!(complaint(&output).contains(setting), "{setting}: {}", complaint(&output));
    }
}

#[test]
fn a_port_in_use_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let folder = data.path().join("of-the-shop");
    let complaint = complaint(&refused_to_start(program(SHOP, &folder).env("PORT", port.as_str())));
    assert!(complaint.contains(&port) && complaint.contains("in use"), "{complaint}");
    assert!(!folder.exists(), "nothing is made before the port is had");
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_named_with_what_is_meant() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("of-the-shop");
    for (variable, meant) in [
        ("DYNAMODB_TABEL", "DYNAMODB_TABLE"),
        ("DATADIR", "DATA_DIR"),
        ("DYNAMODB_TABLES_PRODUCT", "DYNAMODB_TABLE_PRODUCT"),
    ] {
        let complaint = complaint(&refused_to_start(program(SHOP, &folder).env(variable, "products")));
        assert!(complaint.contains(&format!("{variable} is no setting: is {meant} meant?")), "{complaint}");
        assert!(!folder.exists(), "it was not made in spite of it");
    }
}

#[test]
fn a_store_that_may_not_be_opened_says_so_once() {
    // Nobody may make a file there, nor root.
    let line = complaint(&refused_to_start(program(SHOP, "/sys/kernel".as_ref()).env("HOME", "/nowhere")));
    assert!(line.contains("Permission denied"), "{line}");
    assert!(!line.to_lowercase().contains("unable to open"), "{line}");
    assert_eq!(line.matches("cannot be opened").count(), 1, "{line}");
}

#[test]
fn what_is_committed_handled_and_refused_is_in_the_log() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let client = shop.client();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (id, conflict) = tokio_block(async move {
        let product = client.post("/products", json!({"amount": 1})).await;
        let buy = format!("/products/{}/buy", product.text("id"));
        let traced = |request: reqwest::RequestBuilder| {
            testbed::Answer::to(request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")))
        };
        assert_eq!(traced(client.request("POST", &buy)).await.status, 200);
        (product.text("id").to_owned(), traced(client.request("POST", &buy)).await.status)
    });
    assert_eq!(conflict, 409);
    let line = |texts: &[&str]| -> serde_json::Value {
        serde_json::from_str(&shop.logged(texts)).expect("a line of JSON")
    };
    let committed = line(&[r#""committed""#, trace]);
    assert_eq!(committed["resource_type"], "product");
    assert_eq!(committed["id"], id);
    assert_eq!(committed["version"], 2);
    assert_eq!(committed["event_types"], "ProductReserved");
    // By the fields that every line about it has.
    let handled = line(&[r#""handled""#, r#""subscription":"reorders""#, trace]);
    assert_eq!((&handled["resource_type"], &handled["number"]), (&json!("product"), &json!(2)));
    assert_eq!(handled["id"], id);
    let refused = line(&[r#""refused""#, trace]);
    assert_eq!(refused["status"], 409);
    assert!(refused["error"].as_str().is_some_and(|error| !error.is_empty()), "{refused}");
}

#[test]
fn a_store_that_cannot_be_used_is_named_and_left_as_it_is() {
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("events.db");
    fs::write(
        &file,
        "this is a letter to my aunt, and long enough to be mistaken for a database by nobody at all",
    )
    .expect("a file");
    let before = fs::read(&file).expect("a file");
    let line = complaint(&refused_to_start(&mut program(SHOP, data.path())));
    assert!(line.contains("events.db"), "{line}");
    assert_eq!(fs::read(&file).expect("a file"), before);
    assert_eq!(fs::read_dir(data.path()).expect("a folder").count(), 1);

    let line = complaint(&refused_to_start(&mut program(SHOP, &file)));
    assert!(line.contains("DATA_DIR"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_answered_before_it_stops() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    let client = shop.client();
    let writers = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut acknowledged = 0;
            loop {
                let request = client.request("POST", "/products").json(&json!({"amount": 1}));
                match testbed::Answer::maybe(request).await {
                    Ok(answer) if answer.status == 201 => acknowledged += 1,
                    // It came when the service was stopping.
                    Ok(answer) if answer.status == 503 => return acknowledged,
                    Ok(answer) => panic!("{answer:?}"),
                    // Refused: nobody listens any more. An answer that was begun would have been finished.
                    Err(error) if error.is_connect() || error.is_request() => return acknowledged,
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    while client.get("/products").await.body.as_array().expect("an array").len() < 50 {}
    assert!(tokio::task::spawn_blocking(move || shop.stop()).await.expect("stopped").success());
    let mut acknowledged = 0;
    for writer in writers {
        acknowledged += writer.await.expect("a writer");
    }
    let files: Vec<_> =
        fs::read_dir(data.path()).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(files, ["events.db"], "closed in order, the log is folded into the file");

    let shop = Running::start(&mut program(SHOP, data.path()));
    let stored = shop.client().get("/products").await.body.as_array().expect("an array").len();
    assert!(stored >= acknowledged, "{stored} of {acknowledged}");
}

/// What the shop says when it is to use DynamoDB with these settings and cannot.
async fn complaint_about_dynamodb(settings: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().expect("a folder");
    // Nobody asks the machine's own metadata service for credentials here.
    let settings =
        settings.iter().copied().chain([("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nowhere")]);
    let complaint = complaint(&refused_to_start(program(SHOP, data.path()).envs(settings)));
    assert!(!data.path().join("events.db").exists(), "{complaint}");
    complaint
}

#[tokio::test]
async fn a_table_that_cannot_be_used_is_named_with_what_to_do() {
    let tables = Tables::of_shop().await;
    let right: BTreeMap<_, _> = tables.settings().into_iter().chain(SHOP_TABLES).collect();
    let (product, reorder) = ("DYNAMODB_TABLE_PRODUCT", "DYNAMODB_TABLE_REORDER");
    // An empty value stands for none.
    for (wrong, says) in [
        (vec![("AWS_REGION", "")], "set AWS_REGION"),
        (vec![("AWS_ACCESS_KEY_ID", "")], "set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        (vec![(product, "goods")], "on table goods"),
        (vec![(product, "goods")], "`eventctl table create goods`"),
        (vec![(product, "a b")], "3 to 255"),
        (vec![(product, "")], "set DYNAMODB_TABLE_PRODUCT"),
        (vec![(reorder, "products")], "each resource type needs a table of its own"),
        (vec![("DYNAMODB_TABLE", "p")], "DYNAMODB_TABLE and DYNAMODB_TABLE_PRODUCT"),
        (
            vec![("DYNAMODB_TABLE", "p"), (product, ""), (reorder, "")],
            "set DYNAMODB_TABLE_PRODUCT and DYNAMODB_TABLE_REORDER instead",
        ),
        (
            vec![("DYNAMODB_TABLE_PRODUKT", "products")],
            "DYNAMODB_TABLE_PRODUKT is the table of no resource type of this service; it has DYNAMODB_TABLE_PRODUCT and \
             DYNAMODB_TABLE_REORDER",
        ),
        (vec![("SUBSCRIPTIONS_TABLE", "")], "set SUBSCRIPTIONS_TABLE"),
        (vec![("SUBSCRIPTIONS_TABLE", "marks")], "`eventctl table create marks --subscriptions`"),
        (vec![("SUBSCRIPTIONS_TABLE", "products")], "SUBSCRIPTIONS_TABLE=products"),
        (vec![(product, ""), (reorder, "")], "set DYNAMODB_TABLE or DYNAMODB_TABLE_<TYPE> too"),
    ] {
        let settings: BTreeMap<_, _> =
            right.iter().map(|(name, value)| (*name, *value)).chain(wrong).collect();
        let settings = settings.into_iter().filter(|(_, value)| !value.is_empty());
        let complaint = complaint_about_dynamodb(&settings.collect::<Vec<_>>()).await;
        assert!(complaint.contains(says), "{says}: {complaint}");
    }
}

#[tokio::test]
async fn it_says_which_tables_it_uses() {
    let data = tempfile::tempdir().expect("a folder");
    let tables = Tables::of_shop().await;
    let mut program = program(SHOP, data.path());
    let shop = Running::start(program.envs(tables.settings()).envs(SHOP_TABLES));
    let _ = shop.logged(&["DynamoDB tables products, reorders in us-east-1"]);
    let _ = shop.logged(&["because a table is set", "DYNAMODB_TABLE_PRODUCT=products"]);
    let _ = shop.logged(&["a new subscription begins with the first event"]);
    assert!(shop.stop().success());
    assert!(!data.path().join("events.db").exists());
}

#[tokio::test]
async fn a_dynamodb_that_does_not_answer_is_told_of_before_it_is_given_up() {
    let data = tempfile::tempdir().expect("a folder");
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let settings = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &url),
    ];
    let output = refused_to_start(program(SHOP, data.path()).envs(settings).envs(SHOP_TABLES));
    let complaint = complaint(&output);
    assert!(complaint.contains("no answer from eu-central-1"), "{complaint}");
    let log = String::from_utf8(output.stdout).expect("text");
    let line = log.lines().find(|line| line.contains("DynamoDB does not answer yet"));
    let line: serde_json::Value = serde_json::from_str(line.expect("a line of it")).expect("a line of JSON");
    assert_eq!((&line["level"], &line["table"]), (&json!("WARN"), &json!("products")));
    assert_eq!((&line["region"], &line["endpoint"]), (&json!("eu-central-1"), &json!(url)));
}

#[test]
fn a_subscription_that_is_gone_is_told_of() {
    let data = tempfile::tempdir().expect("a folder");
    assert!(Running::start(&mut program(SHOP, data.path())).stop().success());
    let store = data.path().join("events.db");
    // As if it had run under another name.
    let rename = "UPDATE subscriptions SET subscription = 'orders' WHERE subscription = 'reorders'";
    let done = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
        ])
        .args([store.as_os_str(), rename.as_ref()])
        .status();
    assert!(done.expect("Python runs").success());
    let shop = Running::start(&mut program(SHOP, data.path()));
    let _ = shop.logged(&[r#""subscription":"orders","resource_type":"product""#, "was it renamed"]);
    let _ = shop.logged(&["a new subscription begins with the first event"]);
    assert!(shop.stop().success());
}
