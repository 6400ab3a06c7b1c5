//! The layer next to the router: a path with a slash too many leads to the one without.

use axum::{
    Router,
    extract::{MatchedPath, OriginalUri, Request, State},
    http::{HeaderValue, StatusCode, header::LOCATION},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};

use crate::{Links, routes::Routes};

/// Has a router answer with 308 where it has no route for a path, and one for the path without the slashes at its end.
pub(super) fn without_slash(router: Router) -> Router {
    let routes = Routes::of(&router);
    router.layer(middleware::from_fn_with_state(routes, redirect))
}

async fn redirect(State(routes): State<Routes>, request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_none()
        && let Some(path) = shorter(request.uri().path())
        && routes.have(path).await
        && let Some(location) = location(&request)
    {
        return (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response();
    }
    next.run(request).await
}

/// The path without the slashes at its end, if there are any.
fn shorter(path: &str) -> Option<&str> {
    let shorter = path.trim_end_matches('/');
    (shorter.len() < path.len() && !shorter.is_empty()).then_some(shorter)
}

/// Where the client is to go, as it sees it. What begins with two slashes would be another host.
fn location(request: &Request) -> Option<HeaderValue> {
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let path = Links::at(shorter(uri.path())?).collection().to_owned();
    if !path.starts_with('/') || path.starts_with("//") {
        return None;
    }
    let location = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    HeaderValue::try_from(location).ok()
}
