//! [`DynamoDb`]: a connection to the service, with its region, credentials, time-outs and retries. [`Connect`] makes
//! one.

mod https;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
};
use aws_event_sourcing_core::StoreError;
use aws_sdk_dynamodb::{
    Client,
    config::{
        Credentials, IntoShared as _, SharedCredentialsProvider, SharedHttpClient,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
};
use aws_types::service_config::ServiceConfigKey;

use self::https::Https;
use crate::{
    error::Error,
    identity::{Identity, LOOK_EVERY},
    store::StoreBuilder,
    subscriptions::DynamoDbSubscriptions,
    table::{Kind, Table},
};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause before the second attempt is random, up to this, and up to twice as much before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// DynamoDB in one region, as one set of credentials sees it. Cloning is cheap, and clones share connections.
///
/// # Retries
///
/// Throttling (`ThrottlingException`, `ProvisionedThroughputExceededException`, `RequestLimitExceeded`), errors of the
/// service (5xx), lost connections and answers that do not come in time are tried again until the
/// [deadline](Connect::deadline), after pauses that grow from 50 ms to 1 s with full jitter. That is safe for every
/// request here: reads change nothing, and a write that is sent again is recognised.
#[derive(Clone)]
pub struct DynamoDb(Arc<Connected>);

struct Connected {
    client: Client,
    streams: aws_sdk_dynamodbstreams::Client,
    region: String,
    /// Where it is, when it is not where AWS has it.
    endpoint_url: Option<String>,
    /// The profile that was asked for by name.
    profile: Option<String>,
    deadline: Duration,
    look_every: Duration,
    /// What is known of the tables, by their names.
    identities: Mutex<HashMap<Arc<str>, Arc<Identity>>>,
}

impl DynamoDb {
    /// Connects as the environment says: `AWS_REGION`, `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL_DYNAMODB`
    /// and whatever else [an AWS SDK reads](https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html), the
    /// shared files `config` and `credentials` included.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when there is no region. Nothing is sent
    /// yet: whether the credentials are good shows with the first request.
    pub async fn from_env() -> Result<Self, StoreError> {
        Connect::new().connect().await
    }

    /// A connection with settings of its own.
    pub fn builder() -> Connect {
        Connect::new()
    }

    /// An event store on this connection.
    pub fn store(&self) -> StoreBuilder {
        StoreBuilder::new(self.clone())
    }

    /// A table of events to make, to check or to describe.
    #[must_use]
    pub fn table(&self, name: impl Into<Arc<str>>) -> Table {
        Table::new(self.clone(), name.into(), Kind::Events)
    }

    /// How far subscriptions are, kept in this table: one for all of a system. Nothing is sent yet.
    #[must_use]
    pub fn subscriptions(&self, table: impl Into<Arc<str>>) -> DynamoDbSubscriptions {
        DynamoDbSubscriptions::new(self.clone(), table.into())
    }

    /// A table of [subscriptions](Self::subscriptions) to make, to check or to describe.
    #[must_use]
    pub fn subscriptions_table(&self, name: impl Into<Arc<str>>) -> Table {
        Table::new(self.clone(), name.into(), Kind::Subscriptions)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// For the streams of tables: a service of its own, with an endpoint of its own.
    pub(crate) fn streams(&self) -> &aws_sdk_dynamodbstreams::Client {
        &self.0.streams
    }

    /// The profile that was asked for by name.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.0.profile.as_deref()
    }

    /// The region that it is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The URL of the service, when it was told one: none when it is AWS's own.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.0.endpoint_url.as_deref()
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.0.deadline
    }

    /// What is known of which table it is that has this name.
    pub(crate) fn identity(&self, table: &Arc<str>) -> Arc<Identity> {
        let mut identities = self.0.identities.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = identities.entry(Arc::clone(table));
        Arc::clone(identity.or_insert_with(|| Arc::new(Identity::new(self.0.look_every))))
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamoDb").field(&self.0.region).finish()
    }
}

/// Where to connect to, and how patiently. What is not set here comes from the environment.
#[derive(Debug, Clone)]
#[must_use = "nothing is connected yet"]
pub struct Connect {
    region: Option<String>,
    endpoint_url: Option<String>,
    profile: Option<String>,
    access_key: Option<Credentials>,
    config: Option<SdkConfig>,
    deadline: Duration,
    attempt_timeout: Duration,
    look_every: Duration,
}

impl Connect {
    fn new() -> Self {
        Self {
            region: None,
            endpoint_url: None,
            profile: None,
            access_key: None,
            config: None,
            deadline: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(3),
            look_every: LOOK_EVERY,
        }
    }

    /// The region, such as `eu-west-1`.
    pub fn region(self, region: impl Into<String>) -> Self {
        Self { region: Some(region.into()), ..self }
    }

    /// The URL of the service, when it is not AWS's own: DynamoDB Local, say. Streams are looked for there too.
    pub fn endpoint_url(self, url: impl Into<String>) -> Self {
        Self { endpoint_url: Some(url.into()), ..self }
    }

    /// The profile in the shared `config` and `credentials` files. It goes before keys in the environment, as in the AWS
    /// CLI.
    pub fn profile(self, profile: impl Into<String>) -> Self {
        Self { profile: Some(profile.into()), ..self }
    }

    /// An access key, in place of what the environment has. For DynamoDB Local, which takes any and keeps tables apart by
    /// them; keys of people and programs do not belong into code.
    pub fn access_key(self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { access_key: Some(Credentials::new(id, secret, None, None, "access_key")), ..self }
    }

    /// A configuration that the program has loaded already, in place of the environment. Its HTTP client is used if it has
    /// one; its retries and time-outs are not.
    pub fn config(self, config: SdkConfig) -> Self {
        Self { config: Some(config), ..self }
    }

    /// How long a request may take with all its attempts; 10 seconds unless set.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How long one attempt may take before it is given up and made again; 3 seconds unless set.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        Self { attempt_timeout: timeout, ..self }
    }

    /// How long a table is taken to be the one that it was; 5 seconds unless set. See [what a commit relies
    /// on](crate::DynamoDbStore#a-table-that-is-restored). Longer than it takes to delete a table and to make another one of
    /// the same name, it is too long.
    pub fn look_every(self, interval: Duration) -> Self {
        Self { look_every: interval, ..self }
    }

    /// Reads what is not set from the environment and connects.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when there is no region.
    pub async fn connect(self) -> Result<DynamoDb, StoreError> {
        let http: SharedHttpClient = Https::new().into_shared();
        let config = match self.config {
            Some(config) => config,
            None => load(self.profile.clone(), self.region.clone(), http.clone()).await,
        };
        let mut streams = aws_sdk_dynamodbstreams::config::Builder::from(&config);
        if let Some(url) = streams_endpoint(&config) {
            streams.set_endpoint_url(Some(url));
        }
        // The SDK has a quota of retries, shared by all requests: a burst of throttling would use it up and fail
        // requests long before their deadline.
        let partition = RetryPartition::custom("aws-event-sourcing").token_bucket(TokenBucket::unlimited());
        let partition = partition.build();
        // Two services, and two types that are the same otherwise.
        macro_rules! configured {
            ($service:expr) => {{
                let mut service = $service;
                if let Some(region) = &self.region {
                    service.set_region(Some(Region::new(region.clone())));
                }
                if let Some(url) = &self.endpoint_url {
                    service.set_endpoint_url(Some(url.clone()));
                }
                if let Some(key) = &self.access_key {
                    service.set_credentials_provider(Some(SharedCredentialsProvider::new(key.clone())));
                }
                if config.http_client().is_none() {
                    service.set_http_client(Some(http.clone()));
                }
                service
                    .retry_config(
                        RetryConfig::standard()
                            .with_max_attempts(attempts(self.deadline))
                            .with_initial_backoff(FIRST_PAUSE)
                            .with_max_backoff(LONGEST_PAUSE),
                    )
                    .retry_partition(partition.clone())
                    .timeout_config(
                        TimeoutConfig::builder()
                            .connect_timeout(CONNECT_TIMEOUT.min(self.attempt_timeout))
                            .operation_attempt_timeout(self.attempt_timeout)
                            .operation_timeout(self.deadline)
                            .build(),
                    )
                    .build()
            }};
        }
        let service = configured!(aws_sdk_dynamodb::config::Builder::from(&config));
        let streams = configured!(streams);
        let region = service.region().ok_or(Error::NoRegion)?;
        let region = region.as_ref().into();
        let connected = Connected {
            client: Client::from_conf(service),
            streams: aws_sdk_dynamodbstreams::Client::from_conf(streams),
            region,
            endpoint_url: self.endpoint_url.or_else(|| tables_endpoint(&config)),
            profile: self.profile,
            deadline: self.deadline,
            look_every: self.look_every,
            identities: Mutex::default(),
        };
        Ok(DynamoDb(Arc::new(connected)))
    }
}

/// Where the streams are, when that is not what the SDK takes by itself. A stream is where its table is: with an endpoint
/// for DynamoDB (`AWS_ENDPOINT_URL_DYNAMODB`) and none for streams (`AWS_ENDPOINT_URL_DYNAMODB_STREAMS`), it is there.
fn streams_endpoint(config: &SdkConfig) -> Option<String> {
    if config.get_origin("endpoint_url").is_client_config() {
        return None;
    }
    endpoint_of(config, "DynamoDB Streams").or_else(|| endpoint_of(config, "DynamoDB"))
}

/// The endpoint of the tables, when that is not what the SDK takes by itself.
fn tables_endpoint(config: &SdkConfig) -> Option<String> {
    let of_all = || config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return of_all();
    }
    endpoint_of(config, "DynamoDB").or_else(of_all)
}

/// What is set for one service, in the environment or in the profile.
fn endpoint_of(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL");
    let key = key.profile("endpoint_url").build().expect("all parts are set");
    config.service_config()?.load_config(key)
}

/// More than the deadline leaves time for. Not many more: the SDK adds up what all of them could take.
fn attempts(deadline: Duration) -> u32 {
    u32::try_from(deadline.as_secs()).unwrap_or(u32::MAX).saturating_mul(4).clamp(20, 1_000)
}

async fn load(profile: Option<String>, region: Option<String>, http: SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
    if let Some(profile) = profile {
        // The SDK's own chain would take keys in the environment first.
        let place = ProviderConfig::without_region()
            .with_http_client(http)
            .with_region(region.clone().map(Region::new));
        let credentials = ProfileFileCredentialsProvider::builder().configure(&place).profile_name(&profile);
        loader = loader.profile_name(profile).credentials_provider(credentials.build());
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    loader.load().await
}

#[cfg(test)]
mod tests {
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    /// Endpoints as the environment or a profile names them.
    #[derive(Debug)]
    struct Endpoints(&'static [(&'static str, &'static str)]);

    impl LoadServiceConfig for Endpoints {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            assert_eq!((key.env(), key.profile()), ("AWS_ENDPOINT_URL", "endpoint_url"));
            let (_, url) = self.0.iter().find(|(service, _)| *service == key.service_id())?;
            Some((*url).to_owned())
        }
    }

    fn config(all: Option<&str>, endpoints: &'static [(&'static str, &'static str)]) -> SdkConfig {
        let config = SdkConfig::builder().service_config(Endpoints(endpoints));
        match all {
            Some(url) => config.endpoint_url(url).build(),
            None => config.build(),
        }
    }

    #[test]
    fn streams_are_looked_for_where_the_tables_are() {
        for (all, endpoints, streams) in [
            (None, &[] as &[_], None),
            (Some("http://all"), &[], None),
            (None, &[("DynamoDB", "http://tables")], Some("http://tables")),
            (Some("http://all"), &[("DynamoDB", "http://tables")], Some("http://tables")),
            (None, &[("DynamoDB Streams", "http://streams")], Some("http://streams")),
            (
                None,
                &[("DynamoDB", "http://tables"), ("DynamoDB Streams", "http://streams")],
                Some("http://streams"),
            ),
        ] {
            assert_eq!(
                streams_endpoint(&config(all, endpoints)).as_deref(),
                streams,
                "{all:?} {endpoints:?}"
            );
        }
    }
}
