//! [`FaultyProxy`]: a network between a client and DynamoDB that loses requests and answers, and a service that has no
//! time.

use std::{
    collections::HashMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use hyper::{Response, body::Incoming, header::HeaderMap, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// The most bytes of a request: that of the largest item, as JSON, and then some.
const LARGEST: usize = 16 << 20;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing: it is carried out and answered.
    None,
    /// It never arrives: the connection is closed.
    DropRequest,
    /// It is carried out, and the connection closed instead of an answer.
    DropAnswer,
    /// It is carried out, and the connection closed in the middle of the answer.
    CutAnswer,
    /// It arrives late.
    Delay(Duration),
    /// It is carried out at once, and answered late.
    DelayAnswer(Duration),
    /// It is not carried out, but answered with this error of DynamoDB.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The error's name.
        error: &'static str,
    },
    /// It is not carried out, but answered by a server that is not DynamoDB.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// The body, in HTML.
        page: &'static str,
    },
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked for: `PutItem`.
    pub operation: String,
    /// How many of the same operation have arrived before.
    pub index: usize,
}

/// What happens to which request.
type Policy = dyn Fn(&Request) -> Fault + Send + Sync;

/// A server that hands requests on to another one, and has faults. Stops when it is dropped.
pub struct FaultyProxy {
    url: String,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

struct Seen {
    upstream: String,
    http: reqwest::Client,
    policy: Box<Policy>,
    arrived: Mutex<Arrived>,
}

#[derive(Default)]
struct Arrived {
    counts: HashMap<String, usize>,
    requests: Vec<(String, Fault)>,
}

impl FaultyProxy {
    /// Starts a proxy in front of a server. `policy` says what happens to each request.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(
        upstream: impl Into<String>,
        policy: impl Fn(&Request) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Seen {
            upstream: upstream.into(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client without TLS needs nothing"),
            policy: Box::new(policy),
            arrived: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&seen)));
        Self { url: format!("http://{address}"), seen, accepting }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The operations that have been asked for so far, in the order in which they arrived, each with what happened to
    /// it.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, Fault)> {
        self.seen.arrived().requests.clone()
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for FaultyProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyProxy").field("url", &self.url).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let serve = service_fn(|request| {
                // A request that has arrived is carried out, whether or not the client waits for the answer.
                let served = tokio::spawn(Arc::clone(&seen).serve(request));
                async { served.await.unwrap_or_else(|panic| Err(io::Error::other(panic))) }
            });
            // A connection that is closed half-way is what this is for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
        });
    }
}

impl Seen {
    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request, and says what is to happen to it.
    fn fault(&self, headers: &HeaderMap) -> Fault {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let index = {
            let mut arrived = self.arrived();
            let count = arrived.counts.entry(operation.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let request = Request { operation, index };
        let fault = (self.policy)(&request);
        self.arrived().requests.push((request.operation, fault.clone()));
        fault
    }

    /// Answers a request, or fails, which closes the connection.
    async fn serve(self: Arc<Self>, request: hyper::Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LARGEST).await.map_err(io::Error::other)?;
        match self.fault(&head.headers) {
            Fault::None => self.forward(head.headers, body).await.map(whole),
            Fault::DropRequest => Err(lost()),
            Fault::DropAnswer => {
                self.forward(head.headers, body).await?;
                Err(lost())
            }
            Fault::CutAnswer => self.forward(head.headers, body).await.map(half),
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                self.forward(head.headers, body).await.map(whole)
            }
            Fault::DelayAnswer(delay) => {
                let answer = self.forward(head.headers, body).await?;
                tokio::time::sleep(delay).await;
                Ok(whole(answer))
            }
            Fault::Answer { status, error } => {
                let error = format!("com.amazonaws.dynamodb.v20120810#{error}");
                let body = serde_json::json!({ "__type": error, "message": "made up by a test" });
                let answer = Response::builder().status(status);
                let answer = answer.header("content-type", "application/x-amz-json-1.0");
                Ok(answer.body(body.to_string().into()).expect("a status and a header"))
            }
            Fault::Foreign { status, page } => {
                let answer = Response::builder().status(status).header("content-type", "text/html");
                Ok(answer.body(page.into()).expect("a status and a header"))
            }
        }
    }

    async fn forward(&self, mut headers: HeaderMap, body: Bytes) -> io::Result<Response<Bytes>> {
        headers.remove("host");
        let answer = self.http.post(&self.upstream).headers(headers).body(body).send().await;
        let answer = answer.map_err(io::Error::other)?;
        let mut response = Response::builder().status(answer.status());
        *response.headers_mut().expect("a valid status") = answer.headers().clone();
        let body = answer.bytes().await.map_err(io::Error::other)?;
        Ok(response.body(body).expect("headers that have been valid before"))
    }
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "lost on purpose")
}

fn whole(answer: Response<Bytes>) -> Response<Body> {
    answer.map(Body::from)
}

/// The first half of an answer, which says that it is whole.
fn half(answer: Response<Bytes>) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers.insert("content-length", body.len().into());
    let half = body.slice(..body.len() / 2);
    // What is sent waits for more to send, unless that takes a moment.
    let lost = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(lost())
    };
    let body = stream::once(std::future::ready(Ok(half))).chain(stream::once(lost));
    Response::from_parts(head, Body::from_stream(body))
}
