//! What a purchase is compared with: a function that does nothing but the `PutItem` that a purchase makes, as the AWS SDK
//! is used by everybody. Whatever it is called with, it writes the next item of one resource into the table that `TABLE`
//! names.

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeValue::{N, S},
        ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

/// As long as a trace is.
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let table = Table {
        client: Client::new(&config),
        name: env::var("TABLE")?,
        resource: Uuid::new_v4().to_string(),
        // The first item of a resource has an attribute more, and a purchase is never the first.
        next: AtomicU64::new(2),
    };
    let put = async |_: LambdaEvent<Box<RawValue>>| table.put().await;
    lambda_runtime::run(service_fn(put)).await
}

struct Table {
    client: Client,
    name: String,
    resource: String,
    next: AtomicU64,
}

impl Table {
    async fn put(&self) -> Result<Value, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = humantime::format_rfc3339_millis(SystemTime::now());
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .item("id", S(self.resource.clone()))
            .item("number", N(number.to_string()))
            .item("type", S("ProductReserved".to_owned()))
            .item("at", S(at.to_string()))
            .item("commit", S(Uuid::now_v7().to_string()))
            .item("trace", S(TRACE.to_owned()))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", "id")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        request.send().await?;
        Ok(json!({"statusCode": 200}))
    }
}
