//! [`OpenApi`]: what an API takes and answers, for people and programs.

mod parts;

use axum::Router;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::routes::Routes;

use self::parts::{COMPONENTS, problems};

/// The problems that reading one resource, or its events, may be answered with.
const OF_READING_ONE: &[u16] = &[400, 404, 412, 500, 503];

/// Those of a list.
const OF_A_LIST: &[u16] = &[400, 412, 500, 503];

/// Those of a write to a collection: there is nothing that could be missing.
const OF_CREATING: &[u16] = &[400, 408, 409, 412, 413, 415, 422, 500, 503];

/// Those of a write to a resource.
const OF_CHANGING: &[u16] = &[400, 404, 408, 409, 412, 413, 415, 422, 500, 503];

/// A description of an API by [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.1.html).
///
/// What this crate answers it describes itself: [`resources`](Self::resources) what [`resource_routes`](crate::resource_routes)
/// read, [`create`](Self::create) and [`command`](Self::command) what handlers that take [`Json`](crate::Json) and
/// [`WriteTerms`](crate::WriteTerms) do, with their headers and all their problems. Everything else is
/// [merged](Self::merge) into it, from whatever writes OpenAPI: `utoipa`, `aide`, or JSON by hand.
///
/// ```
/// # use aws_event_sourcing_http::{OpenApi, RequestBody};
/// use serde_json::json;
///
/// let restock = json!({
///     "type": "object",
///     "required": ["amount"],
///     "properties": {"amount": {"type": "integer", "minimum": 1}},
/// });
/// let document = OpenApi::new("shopping")
///     .resources("/products", "product", json!({"properties": {"quantity": {"type": "integer"}}}))
///     .create("/products", "product", RequestBody::Required(restock.clone()))
///     .command("post", "/products/{id}/restock", "product", RequestBody::Required(restock))
///     .merge(json!({"info": {"description": "An online shop."}}));
/// assert!(document.paths().any(|path| path == "/products/{id}/events"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OpenApi(Value);

/// What a command takes, by a JSON schema.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestBody {
    /// Nothing.
    None,
    /// `Option<Json<T>>`
    Optional(Value),
    /// `Json<T>`
    Required(Value),
}

impl RequestBody {
    fn describe(self, operation: &mut Value) {
        let (required, schema) = match self {
            Self::None => return,
            Self::Optional(schema) => (false, schema),
            Self::Required(schema) => (true, schema),
        };
        operation["requestBody"] =
            json!({"required": required, "content": {"application/json": {"schema": schema}}});
    }
}

impl OpenApi {
    /// A description of no path yet. Its version is that of the API, which only you know: [merge](Self::merge) it.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self(json!({
            "openapi": "3.1.0",
            "info": {"title": title, "version": "0"},
            "paths": {},
            "components": *COMPONENTS,
        }))
    }

    /// Adds what reads the resources of a type under a path. `state` is a JSON schema of the state: what a resource has beside
    /// its `id` and `version`.
    #[must_use]
    pub fn resources(self, path: &str, resource_type: &str, state: impl Serialize) -> Self {
        let (path, one) = (path.trim_end_matches('/'), reference(resource_type));
        let list = json!({
            "summary": format!("All resources of type {resource_type}, or a page of them"),
            "operationId": format!("list-{resource_type}"),
            "parameters": [parameter("limit"), parameter("after-cursor"), parameter("if-match-list")],
            "responses": answers(OF_A_LIST, [("200", json!({
                "description": "An array; a page leads to the next one",
                "headers": {"link": header("next")},
                "content": {"application/json": {"schema": {
                    "type": "array", "items": {"anyOf": [one, reference("unreadable")]},
                }}},
                "links": {
                    "find": link(&format!("find-{resource_type}"), FIRST),
                    "events": link(&format!("events-of-{resource_type}"), FIRST),
                },
            }))]),
        });
        let find = json!({
            "summary": format!("A resource of type {resource_type}, now or in the past"),
            "operationId": format!("find-{resource_type}"),
            "parameters": [parameter("version"), parameter("at"), parameter("if-match"), parameter("if-none-match")],
            "responses": answers(OF_READING_ONE, [
                ("200", json!({
                    "description": "The resource",
                    "headers": {"etag": header("etag"), "content-location": header("content-location")},
                    "content": {"application/json": {"schema": one}},
                })),
                ("304", json!({"description": "The client has it already", "headers": {"etag": header("etag")}})),
            ]),
        });
        let events = json!({
            "summary": format!("The events of a resource of type {resource_type}"),
            "operationId": format!("events-of-{resource_type}"),
            "parameters": [parameter("limit-of-events"), parameter("after-number"), parameter("if-match-list")],
            "responses": answers(OF_READING_ONE, [("200", json!({
                "description": "An array, in the order of their numbers; a page leads to the next one",
                "headers": {"link": header("next")},
                "content": {"application/json": {"schema": {
                    "type": "array", "items": {"anyOf": [reference("event"), reference("unreadable-event")]},
                }}},
            }))]),
        });
        let id = json!([parameter("id")]);
        self.merge(json!({
            "paths": {
                or_root(path): {"get": list},
                format!("{path}/{{id}}"): {"parameters": id, "get": find},
                format!("{path}/{{id}}/events"): {"parameters": id, "get": events},
            },
            "components": {"schemas": {
                resource_type: {"allOf": [{"$ref": "#/components/schemas/resource"}, value(state)]},
            }},
        }))
    }

    /// Adds a `POST` that creates a resource of a type that is described.
    #[must_use]
    pub fn create(self, path: &str, resource_type: &str, body: RequestBody) -> Self {
        let links = json!({
            "find": link(&format!("find-{resource_type}"), CREATED),
            "events": link(&format!("events-of-{resource_type}"), CREATED),
        });
        let mut operation = json!({
            "summary": format!("Creates a resource of type {resource_type}"),
            "operationId": format!("create-{resource_type}"),
            "parameters": [parameter("idempotency-key"), parameter("if-none-match-any")],
            "responses": answers(OF_CREATING, [("201", json!({
                "description": "It is created",
                "headers": {"etag": header("etag"), "location": header("location")},
                "content": {"application/json": {"schema": reference(resource_type)}},
                "links": links,
            }))]),
        });
        body.describe(&mut operation);
        self.merge(json!({"paths": {or_root(path): {"post": operation}}}))
    }

    /// Adds a command to a resource of a type that is described: a method of a path with `{id}` in it that answers with the
    /// resource.
    #[must_use]
    pub fn command(self, method: &str, path: &str, resource_type: &str, body: RequestBody) -> Self {
        let answer = json!({
            "description": "It is done",
            "headers": {"etag": header("etag")},
            "content": {"application/json": {"schema": reference(resource_type)}},
        });
        self.operation(method, path, resource_type, body, ("200", answer))
    }

    /// The same for a command that answers with 204, and the new version as ETag.
    #[must_use]
    pub fn silent_command(self, method: &str, path: &str, resource_type: &str, body: RequestBody) -> Self {
        let answer = json!({"description": "It is done", "headers": {"etag": header("etag")}});
        self.operation(method, path, resource_type, body, ("204", answer))
    }

    fn operation(
        self,
        method: &str,
        path: &str,
        resource_type: &str,
        body: RequestBody,
        answer: (&'static str, Value),
    ) -> Self {
        let name = path.rsplit('/').find(|segment| !segment.starts_with('{')).unwrap_or_default();
        let method = method.to_ascii_lowercase();
        let id = format!("{method}-{}", path.trim_matches('/').replace('/', "-").replace(['{', '}'], ""));
        let mut operation = json!({
            "summary": format!("{name}: a command to a resource of type {resource_type}"),
            "operationId": id,
            "parameters": [
                parameter("id"),
                parameter("idempotency-key"),
                parameter("if-match"),
            ],
            "responses": answers(OF_CHANGING, [answer]),
        });
        body.describe(&mut operation);
        let described = self.merge(json!({"paths": {path: {method: operation}}}));
        described.linked(&or_root(path.split("/{id}").next().unwrap_or_default()), &id)
    }

    /// Has a collection name the resources that a command can be given to.
    fn linked(mut self, collection: &str, command: &str) -> Self {
        for (method, status, id) in [("get", "200", FIRST), ("post", "201", CREATED)] {
            let pointer =
                format!("/paths/{}/{method}/responses/{status}/links", collection.replace('/', "~1"));
            if let Some(Value::Object(links)) = self.0.pointer_mut(&pointer) {
                links.insert(command.to_owned(), link(command, id));
            }
        }
        self
    }

    /// Adds another document, or a part of one. Objects are merged, whatever else is there already is replaced.
    ///
    /// # Panics
    ///
    /// When it has no JSON.
    #[must_use]
    pub fn merge(mut self, other: impl Serialize) -> Self {
        merge(&mut self.0, value(other));
        self
    }

    /// The paths that are described, with their parameters in braces.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0["paths"].as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The paths that are described, and that a router has no routes for. Asks none of its handlers.
    pub async fn unserved(&self, router: &Router) -> Vec<&str> {
        let routes = Routes::of(router);
        let mut unserved = Vec::new();
        for path in self.paths() {
            // Any value will do for a parameter.
            if !routes.have(&path.replace(['{', '}'], "")).await {
                unserved.push(path);
            }
        }
        unserved
    }
}

fn merge(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => {
            for (name, value) in other {
                match into.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => drop(into.insert(name, value)),
                }
            }
        }
        (into, other) => *into = other,
    }
}

fn value(part: impl Serialize) -> Value {
    serde_json::to_value(part).expect("a part of an OpenAPI document is JSON")
}

fn or_root(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

fn reference(resource_type: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{resource_type}")})
}

fn parameter(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// The id of what was created.
const CREATED: &str = "$response.body#/id";

/// The id of one of a list.
const FIRST: &str = "$response.body#/0/id";

/// That what was answered names a resource that another operation takes.
fn link(operation: &str, id: &str) -> Value {
    json!({"operationId": operation, "parameters": {"id": id}})
}

/// What may be answered: these, and those problems.
fn answers<const N: usize>(statuses: &[u16], answers: [(&'static str, Value); N]) -> Map<String, Value> {
    let answers = answers.into_iter().map(|(status, answer)| (status.to_owned(), answer));
    answers.chain(problems(statuses)).collect()
}
