//! [`Health`]: whether a service is alive, and whether it is ready for requests: `GET /_health/live` and
//! `GET /_health/ready`.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Clock as _, ErrorChain, EventStore, ResourceKey, SystemClock, Timestamp,
    subscription::{Standing, Subscription, Trouble},
};
use aws_event_sourcing_http::{Json, Quiet};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{TryStreamExt as _, future::join_all};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::stores::Stores;

pub(crate) const LIVE: &str = "/_health/live";

pub(crate) const READY: &str = "/_health/ready";

/// How long a store may take for an answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long it is believed what a store was like. On DynamoDB each look costs a read unit.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is read of a store: a resource that is not there.
const NOBODY: &str = "_health";

/// Who tells how a service is.
#[derive(Clone)]
pub(crate) struct Health(Arc<Watched>);

struct Watched {
    stores: Vec<(String, Arc<dyn EventStore>, ResourceKey)>,
    subscriptions: Vec<(String, Standing)>,
    stopping: OnceLock<Timestamp>,
    /// What the stores were like when they were last looked at.
    looked: Mutex<Option<(Instant, Vec<Check>)>>,
    was_ready: AtomicBool,
}

/// Something that has to be well, and whether it is.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Report {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

impl Check {
    fn well(name: impl Into<String>) -> Self {
        Self { name: name.into(), status: "ok", detail: None, since: None }
    }

    fn failed(name: impl Into<String>, detail: impl Into<String>, since: Timestamp) -> Self {
        Self { name: name.into(), status: "failed", detail: Some(detail.into()), since: Some(since) }
    }

    fn is_well(&self) -> bool {
        self.detail.is_none()
    }
}

impl Health {
    pub(crate) fn of<'a>(stores: &Stores, subscriptions: impl IntoIterator<Item = &'a Subscription>) -> Self {
        let stores = stores
            .all()
            .into_iter()
            .map(|(name, store, resource_type)| (name, store, ResourceKey::new(resource_type, NOBODY)));
        let standings = subscriptions
            .into_iter()
            .map(|subscription| (format!("subscription {}", subscription.name()), subscription.standing()));
        Self(Arc::new(Watched {
            stores: stores.collect(),
            subscriptions: standings.collect(),
            stopping: OnceLock::new(),
            looked: Mutex::default(),
            was_ready: AtomicBool::new(true),
        }))
    }

    /// From now on it is not ready.
    pub(crate) fn stops(&self) {
        let _ = self.0.stopping.set(SystemClock.now());
    }

    /// Answers for the paths of this module.
    pub(crate) fn routes(&self) -> Router {
        Router::new().route(LIVE, get(live)).route(READY, get(ready)).with_state(self.clone())
    }

    async fn checks(&self) -> Vec<Check> {
        let Watched { subscriptions, stopping, .. } = &*self.0;
        let mut checks = self.stores().await;
        checks
            .extend(subscriptions.iter().map(|(name, standing)| of_subscription(name, &standing.troubles())));
        checks.extend(stopping.get().map(|since| Check::failed("service", "it is stopping", *since)));
        checks
    }

    /// What the stores are like. Those who ask meanwhile wait for the same answer.
    async fn stores(&self) -> Vec<Check> {
        let Watched { stores, looked, .. } = &*self.0;
        let mut looked = looked.lock().await;
        if let Some((at, checks)) = &*looked
            && at.elapsed() < LOOK_EVERY
        {
            return checks.clone();
        }
        let before = looked.take().map(|(_, checks)| checks).unwrap_or_default();
        let look = |(name, store, nobody): &(String, Arc<dyn EventStore>, ResourceKey)| {
            let mut commits = store.read(nobody, 0);
            let name = name.clone();
            let since = before.iter().find(|check| check.name == name).and_then(|check| check.since);
            async move {
                let detail = match timeout(STORE_TIMEOUT, commits.try_next()).await {
                    Ok(Ok(_)) => return Check::well(name),
                    Ok(Err(error)) => {
                        tracing::debug!(
                            check = name,
                            error = %ErrorChain::of(&error),
                            "a store failed"
                        );
                        format!("it cannot be read: {:?}", error.kind()).to_lowercase()
                    }
                    Err(_) => format!("it did not answer within {STORE_TIMEOUT:?}"),
                };
                Check::failed(name, detail, since.unwrap_or_else(|| SystemClock.now()))
            }
        };
        let checks = join_all(stores.iter().map(look)).await;
        *looked = Some((Instant::now(), checks.clone()));
        checks
    }

    /// Logs what has changed, and only that: probes come every few seconds.
    fn tell(&self, checks: &[Check]) {
        let failed: Vec<_> = checks.iter().filter(|check| !check.is_well()).collect();
        let was_ready = self.0.was_ready.swap(failed.is_empty(), Relaxed);
        if !was_ready && failed.is_empty() {
            tracing::info!("ready for requests again");
        }
        if was_ready && self.0.stopping.get().is_none() {
            for Check { name, detail, .. } in failed {
                tracing::warn!(check = name, error = detail.as_deref(), "not ready for requests");
            }
        }
    }
}

fn of_subscription(name: &str, troubles: &[Trouble]) -> Check {
    let Some(since) = troubles.iter().map(|trouble| trouble.since).min() else { return Check::well(name) };
    let details = troubles.iter().map(|trouble| match &trouble.resource_type {
        Some(resource_type) => format!("{resource_type}: {}", trouble.what),
        None => trouble.what.to_owned(),
    });
    Check::failed(name, details.collect::<Vec<_>>().join("; "), since)
}

async fn live() -> Response {
    answer(StatusCode::OK, Report { status: "live", checks: Vec::new() })
}

async fn ready(State(health): State<Health>) -> Response {
    let checks = health.checks().await;
    health.tell(&checks);
    if checks.iter().all(Check::is_well) {
        answer(StatusCode::OK, Report { status: "ready", checks })
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, Report { status: "not ready", checks })
    }
}

/// These paths, for [`OpenApi`](aws_event_sourcing_http::OpenApi).
pub(crate) fn description() -> Value {
    let report = json!({"application/json": {"schema": {"$ref": "#/components/schemas/health"}}});
    let answer = |description| json!({"description": description, "content": report});
    let check = json!({
        "type": "object",
        "required": ["name", "status"],
        "properties": {
            "name": {"type": "string"},
            "status": {"enum": ["ok", "failed"]},
            "detail": {"type": "string"},
            "since": {"type": "string", "format": "date-time"},
        },
    });
    let live = json!({
        "operationId": "live",
        "summary": "Whether the process answers",
        "responses": {"200": answer("It does")},
    });
    let ready = json!({
        "operationId": "ready",
        "summary": "Whether requests can be answered",
        "responses": {"200": answer("They can"), "503": answer("They cannot, or the service is stopping")},
    });
    json!({
        "paths": {LIVE: {"get": live}, READY: {"get": ready}},
        "components": {"schemas": {"health": {
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": {"enum": ["live", "ready", "not ready"]},
                "checks": {"type": "array", "items": check},
            },
        }}},
    })
}

fn answer(status: StatusCode, report: Report) -> Response {
    (status, Quiet, [(CACHE_CONTROL, "no-store")], Json(report)).into_response()
}
