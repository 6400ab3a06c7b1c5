//! [`Cors`]: which web pages of other origins may use the API.

use std::{sync::Arc, time::Duration};

use axum::http::{
    HeaderName, Method,
    header::{
        CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION,
        RETRY_AFTER,
    },
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{observe::TRACEPARENT, request_id::X_REQUEST_ID};
use crate::idempotency_key::IDEMPOTENCY_KEY;

/// How long a browser may remember an answer to a preflight request.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Which web pages of other origins may use the API: read it, with all headers that this crate gives out, and write
/// with all that it takes. Without credentials: no cookies.
#[derive(Debug, Clone)]
pub struct Cors {
    /// None: any.
    origins: Option<Arc<[String]>>,
}

impl Cors {
    /// Pages of any origin.
    #[must_use]
    pub fn any() -> Self {
        Self { origins: None }
    }

    /// Pages of these origins, each written as browsers send it: `https://shop.example`, without a path.
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self { origins: Some(origins.into_iter().map(Into::into).collect()) }
    }

    pub(super) fn layer(&self) -> CorsLayer {
        let origins = match self.origins.clone() {
            None => AllowOrigin::any(),
            Some(origins) => AllowOrigin::predicate(move |origin, _| {
                origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
            }),
        };
        let taken: [HeaderName; 7] = [
            CONTENT_ENCODING,
            CONTENT_TYPE,
            IDEMPOTENCY_KEY,
            IF_MATCH,
            IF_NONE_MATCH,
            TRACEPARENT,
            X_REQUEST_ID,
        ];
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers(taken)
            .expose_headers([CONTENT_LOCATION, ETAG, LINK, LOCATION, RETRY_AFTER, X_REQUEST_ID])
            .max_age(MAX_AGE)
    }
}
