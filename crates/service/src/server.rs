//! [`Server`]: the HTTP server. It accepts connections, gives up on those that say nothing, and ends without cutting off an
//! answer, unless that takes too long.

mod arrival;
mod connection;

use std::{io, time::Duration};

use aws_event_sourcing_core::ErrorChain;
use aws_event_sourcing_http::Stopping;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::connection::Connection;
use crate::{base_path::BasePath, signals::Signals};

/// How long a client may take for the head of a request, the first one or the next on a connection kept alive.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause after an error that is the machine's and not a connection's: too many open files, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The connections of a service.
#[derive(Debug)]
pub(crate) struct Server {
    router: Router,
    base_path: Option<BasePath>,
    head_timeout: Duration,
    stopping: Stopping,
    /// For those that are not finished when the service ends.
    cut: CancellationToken,
    connections: TaskTracker,
}

impl Server {
    pub(crate) fn new(router: Router, head_timeout: Duration, stopping: Stopping) -> Self {
        let (cut, connections) = (CancellationToken::new(), TaskTracker::new());
        Self { router, base_path: None, head_timeout, stopping, cut, connections }
    }

    /// The same for clients that find it there.
    pub(crate) fn at(self, base_path: Option<BasePath>) -> Self {
        Self { base_path, ..self }
    }

    /// Serves until it is told to stop. There may be requests in flight then.
    pub(crate) async fn accept(&self, listener: TcpListener, signals: &mut Signals) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                signal = signals.next() => {
                    tracing::info!(
                        signal, "stopping once what is in flight is finished; another signal stops at once"
                    );
                    break;
                }
                () = self.stopping.begun() => {
                    tracing::info!(
                        "stopping once what is in flight is finished, because the service has told itself to"
                    );
                    signals.begin_overtime();
                    break;
                }
            };
            let (stream, client) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::error!(error = %ErrorChain::of(&error), "connections cannot be accepted now");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Answers are small and written whole: waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                stream,
                client,
                router: self.router.clone(),
                base_path: self.base_path.clone(),
                head_timeout: self.head_timeout,
                stopping: self.stopping.clone(),
            };
            self.connections.spawn(self.cut.clone().run_until_cancelled_owned(connection.serve()));
        }
        self.stopping.begin();
        self.connections.close();
    }

    /// Waits until all answers are sent.
    pub(crate) async fn finish(&self) {
        self.connections.wait().await;
    }

    /// Closes connections whatever happens on them, and says how many there are.
    pub(crate) fn cut(&self) -> usize {
        self.cut.cancel();
        self.connections.len()
    }
}

/// Waits until what is in flight is finished, the grace is over, or there is another signal to stop. `true` when it is
/// finished.
pub(crate) async fn finish(in_flight: impl Future, grace: Duration, signals: &mut Signals) -> bool {
    tokio::select! {
        _ = in_flight => return true,
        () = tokio::time::sleep(grace) => {
            tracing::warn!(?grace, "the time to stop is up: what is in flight is not finished");
        }
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once: what is in flight is not finished");
        }
    }
    false
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::{future::pending, net::SocketAddr};

    use axum::{extract::ConnectInfo, routing::get};
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
        let mut signals = Signals::listen(Duration::ZERO, &Log::new()).await.unwrap();
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
        let server = Server::new(Router::new(), Duration::from_millis(50), Default::default());
        let answers = tokio::select! {
            answers = clients => answers,
            () = server.accept(listener, &mut signals) => pending().await,
        };
        assert_eq!(answers, ["", "", "HTTP/1.1 404 Not Found"]);
    }

    #[tokio::test]
    async fn a_handler_knows_the_address_of_its_client() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut signals = Signals::listen(Duration::ZERO, &Log::new()).await.unwrap();
        let client = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            (client.local_addr().unwrap(), answer)
        };
        let tell = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string();
        let server = Server::new(Router::new().route("/", get(tell)), HEAD_TIMEOUT, Default::default());
        let (client, answer) = tokio::select! {
            answer = client => answer,
            () = server.accept(listener, &mut signals) => pending().await,
        };
        assert!(answer.ends_with(&format!("\r\n{client}")), "{answer}");
    }
}
