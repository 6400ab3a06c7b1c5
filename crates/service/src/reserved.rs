//! The paths that are the host's own, whatever routes the user's router has.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use tower::ServiceExt as _;

use crate::{description, health};

/// Has these paths answered by a router of the host's own, and all others by the user's. Both are hardened: so a slash at the
/// end of a path means the same in each.
pub(crate) fn reserve(own: Router, api: Router) -> Router {
    api.layer(middleware::from_fn_with_state(own, answer))
}

async fn answer(State(own): State<Router>, request: Request, next: Next) -> Response {
    match request.uri().path().trim_end_matches('/') {
        health::LIVE | health::READY | description::PATH => {
            let Ok(response) = own.oneshot(request).await;
            response
        }
        _ => next.run(request).await,
    }
}
