//! Starting and stopping the shop, well and badly.

use std::{fs, net::TcpListener, process::Output};

use serde_json::json;
use testbed::{Running, Tables, program, refused_to_start};

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
    let log = shop.log().join("\n");
    assert!(log.contains(&data.path().join("events.db").display().to_string()), "{log}");
    assert!(address.starts_with("127.0.0.1:"));
    let client = shop.client();
    let log = tokio_block(async move {
        client.get("/products").await;
        shop.log().join("\n")
    });
    assert!(log.contains("curl -i -X POST http://127.0.0.1:"), "{log}");
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
    let complaint = complaint(&refused_to_start(program(SHOP, data.path()).env("PORT", port.as_str())));
    assert!(complaint.contains(&port) && complaint.contains("in use"), "{complaint}");
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
    let tables = Tables::create(&["products"]).await;
    let [endpoint, region, key, secret] = tables.settings();
    for (settings, says) in [
        (vec![endpoint, key, secret, ("DYNAMODB_TABLE", "products")], "set AWS_REGION"),
        (vec![endpoint, region, ("DYNAMODB_TABLE", "products")], "set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        (vec![endpoint, region, key, secret, ("DYNAMODB_TABLE", "goods")], "`eventctl table create goods`"),
        (vec![endpoint, region, key, secret, ("DYNAMODB_TABLE", "a b")], "3 to 255"),
        (vec![endpoint, region, key, secret, ("DYNAMODB_TABLE_PRODUCTS", "p")], "set DYNAMODB_TABLE_PRODUCT"),
    ] {
        let complaint = complaint_about_dynamodb(&settings).await;
        let (_, table) = settings.last().expect("a table");
        let names_it = complaint.contains(table) || says.starts_with("set DYNAMODB");
        assert!(names_it && complaint.contains(says), "{says}: {complaint}");
    }
    let both = [endpoint, region, key, secret, ("DYNAMODB_TABLE", "p"), ("DYNAMODB_TABLE_PRODUCT", "p")];
    assert!(complaint_about_dynamodb(&both).await.contains("DYNAMODB_TABLE and DYNAMODB_TABLE_PRODUCT"));
}

#[tokio::test]
async fn it_says_which_table_it_uses() {
    let data = tempfile::tempdir().expect("a folder");
    let tables = Tables::create(&["products"]).await;
    let mut program = program(SHOP, data.path());
    let shop = Running::start(program.envs(tables.settings()).env("DYNAMODB_TABLE", "products"));
    // The line about its start is there before it answers.
    assert_eq!(shop.client().get("/products").await.status, 200);
    assert!(shop.log().join("\n").contains("DynamoDB table products in us-east-1"), "{:?}", shop.log());
    assert!(shop.stop().success());
    assert!(!data.path().join("events.db").exists());
}
