//! [`Stopping`]: tells a handler that its service stops, so that what it does without an end has one.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio_util::sync::CancellationToken;

/// Whether the service stops. An extractor; clones are about the same service.
///
/// A service that is told to stop finishes what it has begun to answer. An answer without an end, as a stream of events is,
/// keeps it from ending until its grace is over, unless it ends when this says so:
///
/// ```
/// use std::{convert::Infallible, time::Duration};
///
/// use aws_event_sourcing_http::Stopping;
/// use axum::body::Body;
/// use futures_util::{StreamExt as _, stream};
///
/// async fn ticks(stopping: Stopping) -> Body {
///     let ticks = stream::unfold((), |()| async {
///         tokio::time::sleep(Duration::from_secs(1)).await;
///         Some((Ok::<_, Infallible>("tick\n"), ()))
///     });
///     Body::from_stream(ticks.take_until(stopping.begun()))
/// }
/// ```
///
/// In a router without a service, as in a test of its own, and on AWS Lambda, which ends a process between two requests, it
/// never comes.
#[derive(Debug, Clone, Default)]
pub struct Stopping(CancellationToken);

impl Stopping {
    /// One that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the service stops already.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the service stops.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.clone().cancelled_owned()
    }

    /// Has the service stop, as a signal does.
    pub fn begin(&self) {
        self.0.cancel();
    }
}

impl<S: Sync> FromRequestParts<S> for Stopping {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
