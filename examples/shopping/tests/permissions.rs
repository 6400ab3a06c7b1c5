//! The shop on AWS: what its functions do takes the permissions that the template gives them, and all of these.
//!
//! They run under Lambda's own runtime interface emulator, and their roles refuse what the template does not permit.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use lambda_local::{Deployment, Program};
use serde_json::{Value, json};
use testbed::{Answer, Client};
use tokio::time::{sleep, timeout};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shopping");

/// What is not permitted may be waited for in vain: then it is told what that was.
const PATIENCE: Duration = Duration::from_secs(90);

struct Shop {
    deployment: Deployment,
    client: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_have_the_permissions_that_they_use_and_no_others() {
    let deployment = Deployment::of("shopping").program(Program::At(PROGRAM.into())).start().await;
    let deployment = deployment.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&deployment.gateway().address().to_string());
    let shop = Shop { deployment, client };

    let work = async {
        shop.does_everything_that_a_client_asks_for().await;
        shop.parks_and_redrives_a_reorder_while_the_stock_is_full().await;
        shop.is_handed_again_what_it_has_handled().await;
        shop.is_handed_the_last_event_of_a_product_of_which_it_knows_nothing().await;
    };
    let is_done = timeout(PATIENCE, work).await;
    let roles = ["ApiFunction", "SubscriptionsFunction"]
        .map(|id| (id, shop.deployment.role(id).expect("it has one")));
    for (function, role) in roles {
        assert_eq!(role.denied(), BTreeSet::new(), "{function} lacks these");
    }
    is_done.expect("it is done");
    for (function, role) in roles {
        assert_eq!(role.unused(), BTreeSet::new(), "{function} has these in vain");
    }
}

impl Shop {
    /// A product with so many in stock: its id.
    async fn product(&self, amount: u32) -> String {
        self.client.post("/products", json!({ "amount": amount })).await.text("id").to_owned()
    }

    async fn buy(&self, product: &str, quantity: u32) {
        let answer =
            self.client.post(&format!("/products/{product}/buy"), json!({ "quantity": quantity })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The reorder of a product, once there is one: its id.
    async fn reorder(&self, product: &str) -> String {
        loop {
            let reorders = self.client.get("/reorders").await.body;
            let mut reorders = reorders.as_array().into_iter().flatten();
            if let Some(reorder) = reorders.find(|reorder| reorder["product"] == product) {
                return reorder["id"].as_str().expect("an id").to_owned();
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Calls the function that handles events.
    async fn call(&self, event: Value) -> Value {
        let function = self.deployment.function("SubscriptionsFunction").expect("there is one");
        let answer = function.invoke(event.to_string()).await.unwrap_or_else(|failure| panic!("{failure}"));
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// Redrives again and again, until there is one of these.
    async fn redrive_until_there_is_one(&self, outcome: &str) {
        while self.call(json!({"aws-event-sourcing": "redrive"})).await[outcome] != 1 {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Hands over records of a stream, which goes well.
    async fn hand_over(&self, records: &[Value]) {
        let answer = self.call(json!({ "Records": records })).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// All records of a table's stream.
    async fn stream(&self, table: &str) -> Vec<Value> {
        let table = self.deployment.table(table).expect("there is one");
        self.deployment.dynamodb().stream(table).await.expect("a stream")
    }

    /// Both kinds of resources are created, read, listed and changed: by several at once, and again with the same key.
    async fn does_everything_that_a_client_asks_for(&self) {
        let Self { client, .. } = self;
        let product = self.product(9).await;
        join_all((0..8).map(|_| self.buy(&product, 1))).await;
        let buy = format!("/products/{product}/buy");
        for _ in 0..2 {
            let again = Answer::to(client.request("POST", &buy).header("idempotency-key", "once")).await;
            assert_eq!((again.status, &again.body["version"]), (200, &json!(10)));
        }
        let reorder = self.reorder(&product).await;
        assert_eq!(client.post_empty(&format!("/reorders/{reorder}/deliver")).await.status, 200);
        for (list, id) in [("/products", product), ("/reorders", reorder)] {
            for path in
                ["?limit=1", "", &format!("/{id}"), &format!("/{id}?version=1"), &format!("/{id}/events")]
            {
                assert_eq!(client.get(&format!("{list}{path}")).await.status, 200, "{list}{path}");
            }
        }
    }

    async fn parks_and_redrives_a_reorder_while_the_stock_is_full(&self) {
        let product = self.product(1).await;
        self.buy(&product, 1).await;
        let reorder = self.reorder(&product).await;
        let restock = json!({ "amount": u32::MAX });
        assert_eq!(self.client.post(&format!("/products/{product}/restock"), restock).await.status, 200);
        assert_eq!(self.client.post_empty(&format!("/reorders/{reorder}/deliver")).await.status, 200);
        self.redrive_until_there_is_one("parked_resources").await;
        self.redrive_until_there_is_one("failed").await;
        self.buy(&product, 10).await;
        self.redrive_until_there_is_one("released").await;
        assert_eq!(self.client.get(&format!("/products/{product}")).await.body["quantity"], u32::MAX);
    }

    async fn is_handed_again_what_it_has_handled(&self) {
        for table in ["ProductTable", "ReorderTable"] {
            let records = self.stream(table).await;
            // One record, and several of several resources.
            self.hand_over(&records[..1]).await;
            self.hand_over(&records).await;
        }
    }

    /// What is behind the gap is handled after what is in it, which is read from the store.
    async fn is_handed_the_last_event_of_a_product_of_which_it_knows_nothing(&self) {
        let product = self.product(2).await;
        self.buy(&product, 1).await;
        let mut records = self.stream("ProductTable").await;
        records.retain(|record| record["dynamodb"]["Keys"]["id"]["S"] == *product);
        let table = self.deployment.table("SubscriptionsTable").expect("there is one");
        let record =
            json!({"TableName": table, "Key": {"id": {"S": product}, "part": {"S": "reorders/product"}}});
        let handled = || async {
            let found = self.deployment.dynamodb().ask("GetItem", &record).await.expect("an answer");
            found["Item"]["handled"]["N"].as_str().map(str::to_owned)
        };
        while handled().await.as_deref() != Some("2") {
            sleep(Duration::from_millis(20)).await;
        }
        self.deployment.dynamodb().ask("DeleteItem", &record).await.expect("an answer");
        self.hand_over(&records[1..]).await;
        assert_eq!(handled().await.as_deref(), Some("2"));
    }
}
