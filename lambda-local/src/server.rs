//! [`Server`]: an HTTP server on this machine.

use std::{convert::Infallible, io, net::SocketAddr};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use toolshed::Refused;

use crate::Error;

/// An HTTP server. Dropping it stops it, and whatever it is about to answer.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Starts it on a port of this machine; zero stands for any. `answer` is called with each request and its client.
    pub(crate) async fn start<F, A>(port: u16, answer: F) -> Result<Self, Error>
    where
        F: Fn(Request<Incoming>, SocketAddr) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let listen = async {
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            let address = listener.local_addr()?;
            io::Result::Ok((listener, address))
        };
        let (listener, address) = listen.await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Error::PortInUse(port),
            _ => Refused::to(format!("listen on port {port}"))(error).into(),
        })?;
        Ok(Self { address, accepting: tokio::spawn(accept(listener, answer)) })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is: `http://127.0.0.1:` and the port.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>, SocketAddr) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, client)) = listener.accept().await {
        let answer = answer.clone();
        connections.spawn(async move {
            let serve = service_fn(|request| {
                let answered = answer(request, client);
                async { Ok::<_, Infallible>(answered.await) }
            });
            // A client that goes away is no reason to complain.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
