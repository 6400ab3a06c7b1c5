//! The HTTP server: accepts connections, gives up on those that say nothing, and ends without cutting off an answer.

use std::{io, time::Duration};

use aws_event_sourcing_core::ErrorChain;
use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::signals::Signals;

/// How long a client may take for the head of a request, the first one or the next on a connection kept alive.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause after an error that is the machine's and not a connection's: too many open files, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long requests and events in flight may take after a signal to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// Serves until there is a signal to stop. Gives the connections that may have requests in flight.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    head_timeout: Duration,
    signals: &mut Signals,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            signal = signals.next() => {
                tracing::info!(
                    signal, "stopping once what is in flight is finished; the same signal again stops at once"
                );
                break;
            }
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!(error = %ErrorChain::of(&error), "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and written whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let router = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(client));
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %ErrorChain::of(&error), "a connection ended early");
            }
        });
    }
    connections
}

/// Waits until what is in flight is finished, the grace is over, or there is another signal to stop.
pub(crate) async fn finish<T>(in_flight: impl Future<Output = T>, signals: &mut Signals) {
    tokio::select! {
        _ = in_flight => {}
        () = tokio::time::sleep(GRACE) => {
            tracing::warn!(grace = ?GRACE, "the time to stop is up: what was in flight is not finished");
        }
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once: what was in flight is not finished");
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::{future::pending, net::SocketAddr};

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;
    use crate::logging::Log;

    #[tokio::test]
    async fn a_client_that_does_not_finish_the_head_of_a_request_is_given_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut signals = Signals::listen(GRACE, &Log::new()).await.unwrap();
        let clients = async {
            let mut answers = Vec::new();
            for sent in ["", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
                let mut client = TcpStream::connect(address).await.unwrap();
                client.write_all(sent.as_bytes()).await.unwrap();
                let mut answer = String::new();
                // To the end: without a time-out this would wait for ever.
                client.read_to_string(&mut answer).await.unwrap();
                answers.push(answer.lines().next().unwrap_or_default().to_owned());
            }
            answers
        };
        let server = accept(listener, Router::new(), Duration::from_millis(50), &mut signals);
        let answers = tokio::select! {
            answers = clients => answers,
            _ = server => pending().await,
        };
        assert_eq!(answers, ["", "", "HTTP/1.1 404 Not Found"]);
    }

    #[tokio::test]
    async fn a_handler_knows_the_address_of_its_client() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut signals = Signals::listen(GRACE, &Log::new()).await.unwrap();
        let client = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            (client.local_addr().unwrap(), answer)
        };
        let tell = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string();
        let server = accept(listener, Router::new().route("/", get(tell)), HEAD_TIMEOUT, &mut signals);
        let (client, answer) = tokio::select! {
            answer = client => answer,
            _ = server => pending().await,
        };
        assert!(answer.ends_with(&format!("\r\n{client}")), "{answer}");
    }
}
