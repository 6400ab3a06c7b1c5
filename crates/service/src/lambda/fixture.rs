//! For tests: a function, a small domain, the documented events, and what the function answers to them.

use std::time::Duration;

use aws_event_sourcing_core::{Aggregate, Event, subscription::Subscription};
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_event_sourcing_sqlite::SqliteStore;
use axum::Router;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tempfile::TempDir;

use super::{Handlers, Invocation, InvocationError, Lambda, Registrations, fit};
use crate::{base_path::BasePath, logging::Log, settings::Tables, stores::Stores, tables::TableStores};

/// A function with a store that nobody uses.
pub(super) struct Fixture {
    lambda: Lambda,
    _folder: TempDir,
}

impl Fixture {
    pub(super) fn new(api: Router, handlers: Handlers) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("events.db")).expect("a store");
        let api =
            aws_event_sourcing_http::harden(fit(aws_event_sourcing_http::compress(api)), &Default::default());
        let lambda = Lambda {
            log: Log::new(),
            name: "test".into(),
            api,
            base_path: None,
            stores: Stores::Embedded(store),
            subscriptions: Vec::new(),
            registrations: Registrations::default(),
            handlers,
        };
        Self { lambda, _folder: folder }
    }

    /// One with an API and nothing else.
    pub(super) fn of_api(api: Router) -> Self {
        Self::new(api, Handlers::default())
    }

    /// The same for a service whose clients find it there.
    pub(super) fn at(mut self, base_path: &str) -> Self {
        self.lambda.base_path = Some(BasePath::parse(base_path).expect("a path"));
        self
    }

    /// One without an API.
    pub(super) fn of_handlers(set: impl FnOnce(&mut Handlers)) -> Self {
        let mut handlers = Handlers::default();
        set(&mut handlers);
        Self::new(Router::new(), handlers)
    }

    /// One that follows a table of which nothing is to be had.
    pub(super) async fn of_subscription(table: &str, subscription: Subscription) -> Self {
        let unreachable = DynamoDb::builder().region("eu-central-1").access_key("a", "b");
        let dynamodb =
            unreachable.endpoint_url("http://127.0.0.1:1").connect().await.expect("it has a region");
        let tables = TableStores::new(dynamodb, Tables::One(table.into()), Some("subscriptions".into()));
        let mut fixture = Self::of_handlers(|_| {});
        fixture.lambda.stores = Stores::DynamoDb(tables);
        fixture.lambda.subscriptions.push(subscription);
        fixture
    }

    /// The answer to an event, with 29 seconds for it.
    pub(super) async fn answer(&self, event: &Value) -> Result<Value, String> {
        self.answer_within(Duration::from_secs(29), event).await
    }

    /// The answer to an event, with so much time for it.
    pub(super) async fn answer_within(&self, time: Duration, event: &Value) -> Result<Value, String> {
        self.answer_to(&Invocation::with_time(time), event).await
    }

    /// The answer to an event that an invocation brings.
    pub(super) async fn answer_to(&self, invocation: &Invocation, event: &Value) -> Result<Value, String> {
        let payload = RawValue::from_string(event.to_string()).expect("JSON");
        let answer = self.lambda.answer(&payload, invocation).await;
        let answer = answer.map_err(|error: InvocationError| format!("{error:?}"))?;
        Ok(serde_json::from_str(answer.get()).expect("JSON"))
    }
}

/// One of the events in `tests/events`.
pub(super) fn event(name: &str) -> Value {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// What happens to a ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub(super) enum LedgerEvent {
    LedgerOpened,
    LedgerEntered { amount: usize },
}

/// What was entered, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(pub(super) Vec<usize>);

impl Aggregate for Ledger {
    const TYPE: &'static str = "ledger";
    type Event = LedgerEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &LedgerEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, event: &LedgerEvent) {
        match event {
            LedgerEvent::LedgerOpened => {}
            LedgerEvent::LedgerEntered { amount } => self.0.push(*amount),
        }
    }
}
