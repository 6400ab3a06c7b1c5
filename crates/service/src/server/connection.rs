//! [`Connection`]: requests of one client and the answers to them, until the client goes away or the service stops.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use aws_event_sourcing_core::ErrorChain;
use aws_event_sourcing_http::Stopping;
use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::arrival::{Arrival, Arriving};
use crate::{base_path::BasePath, framing::frame};

/// One client.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) client: SocketAddr,
    pub(super) router: Router,
    pub(super) base_path: Option<BasePath>,
    pub(super) head_timeout: Duration,
    pub(super) stopping: Stopping,
}

impl Connection {
    /// Answers requests. When the service stops, the answer that is under way is finished; a connection whose client has sent
    /// nothing, or not yet all of a request, is closed.
    pub(super) async fn serve(self) {
        let Self { stream, client, router, base_path, head_timeout, stopping } = self;
        let arrival = Arrival::default();
        let io = Watched { io: TokioIo::new(stream), arrival: arrival.clone() };
        let watched = arrival.clone();
        let answer = move |request: Request<Incoming>| {
            let mut request = request.map(|body| Body::new(Arriving::new(body, watched.clone())));
            request.extensions_mut().insert(ConnectInfo(client));
            if let Some(base_path) = &base_path {
                base_path.take_from(&mut request);
            }
            let router = router.clone();
            async move {
                let Ok(response) = router.oneshot(request).await;
                Ok::<_, Infallible>(frame(response))
            }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .serve_connection(io, service_fn(answer));
        let mut connection = pin!(connection);
        let mut begun = pin!(stopping.begun());
        let mut stops = false;
        let served = poll_fn(|context| {
            if !stops && begun.as_mut().poll(context).is_ready() {
                stops = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(context) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if stops && arrival.is_awaited() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match served.await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::debug!(error = %ErrorChain::of(&error), %client, "a connection ended early");
            }
            None => tracing::debug!(%client, "a connection is closed whose request has not arrived in full"),
        }
    }
}

/// A connection's bytes. Notes when there are none to read.
struct Watched {
    io: TokioIo<TcpStream>,
    arrival: Arrival,
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        self.arrival.read(read.is_pending());
        read
    }
}

impl Write for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
