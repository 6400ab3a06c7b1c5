//! [`RequestContext`]: what AWS knows of a request beside the request itself: above all, who has sent it.

use std::{convert::Infallible, fmt, sync::Arc};

use axum::{extract::OptionalFromRequestParts, http::request::Parts};
use serde::Deserialize;
use serde_json::Value;

/// The `requestContext` of the event that a function was called with, as it is there. In the extensions of each request that
/// has one, for handlers and layers; `Option<RequestContext>` is its extractor, and none on a laptop.
///
/// Who has sent the request, by [JSON pointer](Self::get):
///
/// | called by | where the sender is |
/// |---|---|
/// | REST API, authorizer of a Cognito user pool | `/authorizer/claims/sub` |
/// | REST API, Lambda authorizer | `/authorizer/principalId`, and its `context` beside it: `/authorizer/tenant` |
/// | REST API, IAM | `/identity/userArn` |
/// | HTTP API, JWT authorizer | `/authorizer/jwt/claims/sub`; with payloads of version 1.0 `/authorizer/claims/sub` |
/// | HTTP API, Lambda authorizer | what it says, in `/authorizer/lambda` |
/// | HTTP API or function URL, IAM | `/authorizer/iam/userArn` |
/// | VPC Lattice, version 2, IAM | `/identity/principal` |
/// | Application Load Balancer | nowhere: it sets the header `x-amzn-oidc-identity` |
///
/// AWS makes it and no client can: where a route has no authorizer, there is no sender.
///
/// # Whose an idempotency key is
///
/// The user whom the authorizer has found, so that keys of two users never meet. A request of nobody that has a key is answered
/// with 400, on a laptop too, unless a layer says there who it is, or a header does:
///
/// ```
/// use aws_event_sourcing_http::{IdempotencyScope, Settings};
/// use aws_event_sourcing_service::{RequestContext, Service};
///
/// # fn example(service: Service) -> Service {
/// let user = IdempotencyScope::of(|request| match request.extensions.get::<RequestContext>() {
///     Some(context) => context.claim("sub").map(str::to_owned),
///     None => Some(request.headers.get("x-user")?.to_str().ok()?.to_owned()),
/// });
/// service.http(Settings { idempotency_scope: Some(user), ..Settings::default() })
/// # }
/// ```
///
/// A test has a user by the same way as a function has: an `Extension` of
/// `RequestContext::from(json!({"authorizer": {"jwt": {"claims": {"sub": "ada"}}}}))`.
#[derive(Clone, PartialEq)]
pub struct RequestContext(Arc<Value>);

impl RequestContext {
    /// What is at a place, by [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901): `/authorizer/lambda/tenant`. None when it is
    /// not there, or `null`.
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A claim of the token that an API has checked, of whichever kind the API is. None when it is not there, or no text.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        let claims = self.get("/authorizer/jwt/claims").or_else(|| self.get("/authorizer/claims"));
        claims?.get(name)?.as_str()
    }

    /// That of an event, if it has one.
    pub(super) fn of(event: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Event {
            request_context: Option<Value>,
        }
        let Event { request_context } = serde_json::from_str(event).ok()?;
        request_context.map(Self::from)
    }
}

impl From<Value> for RequestContext {
    fn from(context: Value) -> Self {
        Self(Arc::new(context))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

/// Without what is in it, which is not for a log.
impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").finish_non_exhaustive()
    }
}
