//! For tests: a function, the documented events, and what the function answers to them.

use std::time::Duration;

use aws_event_sourcing_sqlite::SqliteStore;
use axum::Router;
use serde_json::{Value, value::RawValue};
use tempfile::TempDir;

use super::{Handlers, Invocation, InvocationError, Lambda, Registrations, fit};
use crate::stores::Stores;

/// A function with a store that nobody uses.
pub(super) struct Fixture {
    lambda: Lambda,
    _folder: TempDir,
}

impl Fixture {
    pub(super) fn new(api: Router, handlers: Handlers) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("events.db")).expect("a store");
        let api = aws_event_sourcing_http::harden(fit(api), &Default::default());
        let lambda = Lambda {
            name: "test".into(),
            api,
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

    /// One without an API.
    pub(super) fn of_handlers(set: impl FnOnce(&mut Handlers)) -> Self {
        let mut handlers = Handlers::default();
        set(&mut handlers);
        Self::new(Router::new(), handlers)
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
