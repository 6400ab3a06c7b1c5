//! [`harden`]: what a router needs before it faces clients. Hosts apply it once, around everything.

mod body;
mod cors;
mod guard;
mod observe;
mod quiet;
mod request_id;
mod scope;
mod slash;

use std::{sync::Arc, time::Duration};

use axum::{Extension, Router, middleware};

pub use self::{cors::Cors, quiet::Quiet, request_id::RequestId, scope::IdempotencyScope};

/// How a router is hardened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most bytes that the body of a request may have, unpacked, whatever the route. 413 for more. A route that takes less
    /// says so by axum's `DefaultBodyLimit`.
    pub body_limit: usize,
    /// How long a request may take until the head of its response. 408 when the rest of its body is what everybody
    /// waits for, 503 otherwise. What a handler has begun is dropped; a commit is then stored whole or not at all.
    pub timeout: Duration,
    /// Which web pages of other origins may use this API. None: no page.
    pub cors: Option<Cors>,
    /// Whose an `Idempotency-Key` is. None: of all clients together, so that equal keys of two customers are one. That does
    /// for clients who know of each other, or make up keys that nobody else comes to, such as UUIDs.
    pub idempotency_scope: Option<IdempotencyScope>,
}

/// 1 MiB, 30 seconds, no CORS, one scope.
impl Default for Settings {
    fn default() -> Self {
        Self { body_limit: 1 << 20, timeout: Duration::from_secs(30), cors: None, idempotency_scope: None }
    }
}

/// Makes a router, whatever is in it, fit for clients that may be slow, careless or hostile.
///
/// - **Errors are problems.** What answers with a status of 400 and above and with nothing or a little plain text, as
///   axum and its layers do, answers with a [`Problem`](crate::Problem) instead, other headers kept. Documents of your
///   own are left as they are. `instance` is the path of the request.
/// - **Limits.** The body's size and the request's time, by [`Settings`].
/// - **Packed bodies.** One of gzip is unpacked; the limit is that of what is in it. Any other `Content-Encoding` is answered
///   with 415, which says in `Accept-Encoding` what is taken.
/// - **Slashes.** A path that no route has because of a slash at its end, `/products/`, is answered with 308 and the path
///   without it.
/// - **Panics** are answered with 500. The connection lives on. So is a status below 200, which is no answer yet.
/// - **Request ids.** `X-Request-Id` is taken over when it is 1 to 128 visible ASCII characters, made up (a UUID v4)
///   otherwise, and sent back with every response. [`RequestId`] is its extractor.
/// - **Traces.** The handler runs inside [`TraceParent::scope`](aws_event_sourcing_core::TraceParent::scope): as a
///   child of the request's `traceparent`, or as a trace of its own. So every commit carries its trace.
/// - **Log.** One line at level info for each request, with `method`, `path`, `status`, `duration_ms`, `request_id` and
///   `trace_id`; one with the whole chain of causes for each error: 500 and above at error, 503 at warn, below 500 at
///   debug. What is [`Quiet`] is logged at debug. The handler runs inside a span `request` with these ids.
/// - **Idempotency keys** of each customer by themselves, when [asked for](IdempotencyScope).
/// - **CORS**, when [asked for](Cors).
/// - **`Location`** of what was [`Created`](crate::Created), and `X-Content-Type-Options: nosniff`.
pub fn harden(router: Router, settings: &Settings) -> Router {
    let Settings { body_limit, timeout, cors, idempotency_scope } = settings;
    let router = match idempotency_scope {
        Some(scope) => router.layer(Extension(scope.clone())),
        None => router,
    };
    let limits = guard::Limits { body: *body_limit, time: *timeout };
    let router = slash::without_slash(router);
    let router = router.layer(middleware::from_fn_with_state(Arc::new(limits), guard::guard));
    let router = match cors {
        Some(cors) => router.layer(cors.layer()),
        None => router,
    };
    router.layer(middleware::from_fn(observe::observe))
}
