//! Connections to the DynamoDB Local of this run, tables in it that are not as they should be, and errors as text.

use std::{error::Error, process};

use aws_event_sourcing_core::StoreError;
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, SharedHttpClient},
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        LocalSecondaryIndex, Projection, ProjectionType, ScalarAttributeType, StreamSpecification,
        StreamViewType,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// Each process of tests has an access key, and so tables, of its own.
fn access_key() -> String {
    format!("table{}", process::id())
}

pub(crate) async fn dynamodb() -> DynamoDb {
    dynamodb_at(dynamodb_local::url()).await
}

pub(crate) async fn dynamodb_at(url: &str) -> DynamoDb {
    let connect = DynamoDb::builder().access_key(access_key(), "secret").region("us-east-1");
    connect.endpoint_url(url).connect().await.expect("a connection")
}

/// The SDK's own client, for what no user of ours should do.
pub(crate) fn client() -> Client {
    let http: SharedHttpClient =
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(Credentials::from_keys(access_key(), "secret", None))
        .region(Region::new("us-east-1"))
        .endpoint_url(dynamodb_local::url());
    Client::from_conf(config.build())
}

pub(crate) type Key<'a> = [(&'a str, ScalarAttributeType); 2];

fn schema(key: &Key<'_>) -> Vec<KeySchemaElement> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let element = |((name, _), kind): (&(&str, ScalarAttributeType), KeyType)| {
        KeySchemaElement::builder().attribute_name(*name).key_type(kind).build().expect("it is there")
    };
    key.iter().zip(kinds).map(element).collect()
}

/// A table as somebody made it.
#[derive(Clone)]
pub(crate) struct Foreign<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) listing: Option<(&'a str, Key<'a>, ProjectionType)>,
    pub(crate) local: Option<Key<'a>>,
    pub(crate) view: Option<StreamViewType>,
    pub(crate) billing: BillingMode,
}

impl Default for Foreign<'_> {
    /// As it has to be.
    fn default() -> Self {
        use ScalarAttributeType::{N, S};
        Self {
            key: [("id", S), ("number", N)],
            listing: Some(("listing", [("shard", S), ("at", S)], ProjectionType::KeysOnly)),
            local: Some([("id", S), ("never", S)]),
            view: Some(StreamViewType::NewImage),
            billing: BillingMode::PayPerRequest,
        }
    }
}

impl Foreign<'_> {
    pub(crate) async fn make(&self, table: &str) {
        self.request(table).send().await.expect("the service takes it");
    }

    fn request(&self, table: &str) -> CreateTableFluentBuilder {
        let projection = |kind| Projection::builder().projection_type(kind).build();
        let mut request = client().create_table().table_name(table).billing_mode(self.billing.clone());
        let mut attributes = self.key.to_vec();
        let throughput = (self.billing == BillingMode::Provisioned).then(|| {
            use aws_sdk_dynamodb::types::ProvisionedThroughput;
            let throughput = ProvisionedThroughput::builder().read_capacity_units(3).write_capacity_units(4);
            throughput.build().expect("it is there")
        });
        request =
            request.set_key_schema(Some(schema(&self.key))).set_provisioned_throughput(throughput.clone());
        if let Some((name, key, kind)) = &self.listing {
            attributes.extend(key.iter().cloned());
            let index =
                GlobalSecondaryIndex::builder().index_name(*name).projection(projection(kind.clone()));
            let index = index.set_key_schema(Some(schema(key))).set_provisioned_throughput(throughput);
            request = request.global_secondary_indexes(index.build().expect("it is there"));
        }
        if let Some(key) = &self.local {
            attributes.extend(key.iter().cloned());
            let index = LocalSecondaryIndex::builder().index_name("together");
            let index = index.projection(projection(ProjectionType::KeysOnly));
            request = request.local_secondary_indexes(
                index.set_key_schema(Some(schema(key))).build().expect("it is there"),
            );
        }
        if let Some(view) = &self.view {
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view.clone());
            request = request.stream_specification(stream.build().expect("it is there"));
        }
        attributes.sort_by_key(|(name, _)| (*name).to_owned());
        attributes.dedup();
        attributes.into_iter().fold(request, |request, (name, kind)| {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
            request.attribute_definitions(attribute.build().expect("it is there"))
        })
    }
}

/// The reason in an error of the store, which is one line.
pub(crate) fn reason(error: &StoreError) -> String {
    let reason = error.source().expect("a reason").to_string();
    assert!(!reason.contains('\n'), "{reason}");
    reason
}
