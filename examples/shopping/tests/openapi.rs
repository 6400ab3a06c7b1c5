//! Whether the shop is what it says at `/_openapi.json`.

use std::time::Duration;

use lambda_local::{Deployment, Program};
use serde_json::json;
use testbed::{Client, Deleted, Running, keeps_its_description, program};

const SHOP: &str = env!("CARGO_BIN_EXE_shopping");

/// Leads to a reorder, which no request makes.
async fn sell_out(client: &Client) {
    let created = client.post("/products", json!({"amount": 1})).await;
    client.post_empty(&format!("/products/{}/buy", created.text("id"))).await;
    while client.get("/reorders").await.body == json!([]) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_what_its_description_says_on_sqlite() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(SHOP, data.path()));
    sell_out(&shop.client()).await;
    let address = shop.address().to_owned();
    tokio::task::spawn_blocking(move || keeps_its_description(&address, Deleted::Gone)).await.expect("it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_what_its_description_says_on_lambda() {
    let deployment = Deployment::of("shopping").program(Program::At(SHOP.into())).start().await;
    let deployment = deployment.unwrap_or_else(|error| panic!("{error}"));
    let address = deployment.gateway().address().to_string();
    sell_out(&Client::new(&address)).await;
    tokio::task::spawn_blocking(move || keeps_its_description(&address, Deleted::Gone)).await.expect("it is");
}
