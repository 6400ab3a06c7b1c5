//! [`Door`]: who comes while a service stops is told so. Probes learn that it is alive and not ready.

use std::{convert::Infallible, time::Duration};

use aws_event_sourcing_http::Problem;
use axum::{Router, http::StatusCode};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::server::HEAD_TIMEOUT;

/// The socket that a service listens on, once more: it stays open when the one for requests is closed.
#[derive(Debug)]
pub(crate) struct Door(TcpListener);

impl Door {
    /// A door beside that one.
    pub(crate) fn beside(listener: TcpListener) -> std::io::Result<(TcpListener, Self)> {
        let listener = listener.into_std()?;
        let door = TcpListener::from_std(listener.try_clone()?)?;
        Ok((TcpListener::from_std(listener)?, Self(door)))
    }

    /// Answers until it is dropped: one request of each connection.
    pub(crate) async fn answer(self, router: Router) -> Infallible {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = self.0.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            connections.spawn(connection);
            while connections.try_join_next().is_some() {}
        }
    }
}

/// What everybody is told who is no probe.
pub(crate) fn refusing() -> Router {
    Router::new().fallback(async || {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping; nothing was done")
            .retry_after(Duration::from_secs(1))
    })
}
