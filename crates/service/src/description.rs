//! The description of a service's API, as it is served: `GET /_openapi.json`.

use aws_event_sourcing_http::{Json, OpenApi};
use axum::{
    Router,
    extract::{OriginalUri, State},
    routing::get,
};
use serde_json::json;

pub(crate) const PATH: &str = "/_openapi.json";

pub(crate) fn routes(document: OpenApi) -> Router {
    Router::new().route(PATH, get(show)).with_state(document)
}

/// The document, whose paths begin where its own does: an API may have something before them that it does not know of.
async fn show(State(document): State<OpenApi>, OriginalUri(uri): OriginalUri) -> Json<OpenApi> {
    Json(match uri.path().strip_suffix(PATH) {
        None | Some("") => document,
        Some(prefix) => document.merge(json!({"servers": [{"url": prefix}]})),
    })
}
