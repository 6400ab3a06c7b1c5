//! [`Routes`]: which paths a router has routes for.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{StatusCode, Uri},
    middleware::{self, Next},
};
use tower::ServiceExt as _;

/// Tells which paths a router has routes for, without any of its handlers being asked.
#[derive(Debug, Clone)]
pub(crate) struct Routes(Arc<Router>);

impl Routes {
    pub(crate) fn of(router: &Router) -> Self {
        Self(Arc::new(router.clone().layer(middleware::from_fn(tell))))
    }

    /// Whether there is a route, of whatever method, for that path.
    pub(crate) async fn have(&self, path: &str) -> bool {
        let Ok(uri) = path.parse::<Uri>() else { return false };
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        let Ok(answer) = Router::clone(&self.0).oneshot(request).await;
        answer.status().is_success()
    }
}

/// Answers in place of every handler.
async fn tell(request: Request, _: Next) -> StatusCode {
    match request.extensions().get::<MatchedPath>() {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    }
}
