//! A deployment service: deploys are created from a specification, and deleted. New ones are told of.
//!
//! ```sh
//! cargo run -p deploys
//! ```

use std::sync::Arc;

use aws_event_sourcing::{
    Aggregate, Event, Recorded, Repository, Resource, ResourceId,
    http::{
        ETag, IdempotencyScope, Json, Links, Location, OpenApi, Path, Problem, RequestBody, ResourceRoutes,
        Settings, WithTerms as _, WriteTerms,
    },
    service::{self, RequestContext, Service},
    subscription::{Context, Failure, Subscription, with_state},
};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{delete, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::DeployEvent::{DeployCreated, DeployDeleted};

/// What can happen to a deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum DeployEvent {
    DeployCreated { specification: String },
    DeployDeleted,
}

/// What its events add up to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Deploy {
    status: Status,
    specification: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Processing,
    Success,
    Failed,
    Deleted,
}

/// Why something may not happen.
#[derive(Debug, PartialEq, thiserror::Error)]
enum DeployError {
    #[error("the deploy exists already")]
    Exists,
    #[error("the deploy is deleted")]
    Deleted,
}

impl Aggregate for Deploy {
    const TYPE: &'static str = "deploy";
    type Event = DeployEvent;
    type Error = DeployError;

    fn validate(&self, event: &DeployEvent) -> Result<(), DeployError> {
        match event {
            DeployCreated { .. } if !self.specification.is_empty() => Err(DeployError::Exists),
            DeployDeleted if self.status == Status::Deleted => Err(DeployError::Deleted),
            _ => Ok(()),
        }
    }

    fn apply(&mut self, event: &DeployEvent) {
        match event {
            DeployCreated { specification } => self.specification.clone_from(specification),
            DeployDeleted => self.status = Status::Deleted,
        }
    }
}

/// How a deploy looks to a client.
#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    deploy: Resource<Deploy>,
    links: ViewLinks,
}

#[derive(Serialize)]
struct ViewLinks {
    resource: String,
    events: String,
}

fn view(deploy: &Resource<Deploy>, links: &Links) -> View {
    let links = ViewLinks { resource: links.resource(deploy.id()), events: links.events(deploy.id()) };
    View { deploy: deploy.clone(), links }
}

#[derive(Deserialize)]
struct NewDeploy {
    specification: String,
}

/// The API: deleted deploys are still there, with their history, but not in the list.
fn api(deploys: Repository<Deploy>) -> Router {
    let read = ResourceRoutes::new(deploys.clone())
        .list_only(|deploy| deploy.status != Status::Deleted)
        .represent(view)
        .into_router();
    let commands = Router::new().route("/", post(create)).route("/{id}", delete(remove)).with_state(deploys);
    Router::new().nest("/deploys", read.merge(commands))
}

/// What the API takes and shows, for `GET /_openapi.json`.
fn describe(document: OpenApi) -> OpenApi {
    let text = json!({"type": "string"});
    let state = json!({
        "required": ["status", "specification", "links"],
        "properties": {
            "status": {"enum": ["processing", "success", "failed", "deleted"]},
            "specification": text,
            "links": {"type": "object", "properties": {"resource": text, "events": text}},
        },
    });
    let new = json!({
        "type": "object",
        "required": ["specification"],
        "properties": {"specification": {"type": "string", "minLength": 1}},
    });
    document
        .resources("/deploys", "deploy", state)
        .create("/deploys", "deploy", RequestBody::Required(new))
        .silent_command("delete", "/deploys/{id}", "deploy", RequestBody::None)
}

async fn create(
    State(deploys): State<Repository<Deploy>>,
    terms: WriteTerms,
    links: Links,
    Json(NewDeploy { specification }): Json<NewDeploy>,
) -> Result<impl IntoResponse, Problem> {
    if specification.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a deploy needs a specification"));
    }
    let deploy = deploys.create(DeployCreated { specification }).terms(terms)?.await?;
    Ok((StatusCode::CREATED, Location::of(&deploy), ETag::of(&deploy), Json(view(&deploy, &links))))
}

async fn remove(
    State(deploys): State<Repository<Deploy>>,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
) -> Result<impl IntoResponse, Problem> {
    let deploy = deploys.commit(id, DeployDeleted).terms(terms)?.await?;
    Ok((StatusCode::NO_CONTENT, ETag::of(&deploy)))
}

/// Whose an `Idempotency-Key` is: the user's whom API Gateway's authorizer has found, or the tenant's whom a header names, which
/// is for a proxy in front to set, and for a person to try it with:
///
/// ```sh
/// TENANT_HEADER=x-tenant cargo run -p deploys
/// ```
fn tenant_or_user(header: String) -> IdempotencyScope {
    IdempotencyScope::of(move |request| {
        let context = request.extensions.get::<RequestContext>();
        let user = context.and_then(|context| context.claim("sub"));
        // Of two, one may be the client's own.
        let mut tenants = request.headers.get_all(&header).iter();
        let tenant = tenants.next().filter(|tenant| tenants.next().is_none() && !tenant.is_empty());
        user.or_else(|| tenant?.to_str().ok()).map(str::to_owned)
    })
}

/// A setting of this service's own.
fn setting(value: Result<String, std::env::VarError>) -> Option<String> {
    value.ok().filter(|text| !text.is_empty())
}

/// Tells of each new deploy. Fails for specifications that contain the text that is set to fail on, so that a person can
/// see a resource being parked; and, after a restart without that setting, how it catches up.
async fn notify(
    fail_on: Option<Arc<str>>,
    event: Recorded<DeployEvent>,
    context: Context,
) -> Result<(), Failure> {
    if let DeployCreated { specification } = &event.event {
        if let Some(text) = fail_on
            && specification.contains(&*text)
        {
            return Err(Failure::park(format!("the specification contains {text:?} (FAIL_ON)")));
        }
        tracing::info!(id = %event.resource.id, specification, attempt = context.attempt(), "a new deploy");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), service::Error> {
    let service = Service::from_env("deploys").await?;
    let deploys = service.repository::<Deploy>();
    let fail_on = setting(std::env::var("FAIL_ON")).map(Arc::from);
    let idempotency_scope = setting(std::env::var("TENANT_HEADER")).map(tenant_or_user);
    service
        .api(api(deploys))
        .http(Settings { idempotency_scope, ..Settings::default() })
        .openapi(describe)
        .subscribe(Subscription::new("notifications").on::<Deploy>(with_state(fail_on, notify)))
        .example("POST", "/deploys", r#"{"specification": "two small servers"}"#)
        .example("GET", "/deploys", "")
        .run()
        .await
}

#[cfg(test)]
mod tests;
