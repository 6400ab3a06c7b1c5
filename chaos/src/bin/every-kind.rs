//! A function for every kind of event, for `tests/events.rs`, and a server with answers of every kind, for `tests/stop.rs`.
//!
//! - `POST /products` makes a product. Any other request is shown back, and one of `/slow` takes a minute.
//! - `/ticks` is an answer that ends when the service stops, `/last` one that begins then. `/endless` and `/flood` never end.
//! - `/unwanted`, `/dropped` and `/arrived` answer a tick later than `/last`: they do not look at their body, or wait for it and
//!   then drop it, or wait for it and do not look at it before.
//! - A subscription handles what happens to products, but for amounts of 13 until there is a file `mended` in `FOLDER`. Amounts
//!   of 1,000 take half a second.
//! - Messages and events of others make a product each. What begins with `bad` fails, and what begins with `slow` takes a
//!   minute.
//! - The file `ledger` in `FOLDER` has a line for everything that was handled.

use std::{
    convert::Infallible,
    fs::OpenOptions,
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    task::{Context, Wake},
    time::Duration,
};

use aws_event_sourcing::{
    Aggregate, Event, Recorded, Repository,
    http::{Created, Json, Problem, Stopping, WithTerms as _, WriteTerms},
    service::{self, BusEvent, Message, Service},
    subscription::{self, Failure, Subscription, with_state},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    response::{AppendHeaders, IntoResponse},
    routing::{any, get, post},
};
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use self::ProductEvent::ProductRestocked;

const SLOW: Duration = Duration::from_secs(60);

const TICK: Duration = Duration::from_millis(50);

/// What an amount of 1,000 takes.
const UNLOADING: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum ProductEvent {
    ProductRestocked { amount: u32 },
}

#[derive(Debug, Clone, Default, Serialize)]
struct Product {
    quantity: u32,
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Event = ProductEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &ProductEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, event: &ProductEvent) {
        let ProductRestocked { amount } = event;
        self.quantity = self.quantity.saturating_add(*amount);
    }
}

#[derive(Deserialize)]
struct Stock {
    amount: u32,
}

async fn create(
    State(products): State<Repository<Product>>,
    terms: WriteTerms,
    Json(Stock { amount }): Json<Stock>,
) -> Result<Created<Product>, Problem> {
    Ok(Created(products.create(ProductRestocked { amount }).terms(terms)?.await?))
}

/// The body as it came, every `x-tag` again, and the cookies as if they were to be set.
async fn show(
    method: Method,
    uri: Uri,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let tag = HeaderName::from_static("x-tag");
    let value = |text: &str| HeaderValue::from_str(text).expect("as it came");
    let mut shown = vec![(HeaderName::from_static("x-seen"), value(&format!("{method} {uri} {client}")))];
    shown.extend(headers.get_all(&tag).into_iter().map(|value| (tag.clone(), value.clone())));
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    shown.extend(
        cookies.flat_map(|cookies| cookies.split("; ")).map(|cookie| (header::SET_COOKIE, value(cookie))),
    );
    (AppendHeaders(shown), body)
}

async fn slow(State(world): State<Arc<World>>) -> Result<(), Problem> {
    world.note("slow").map_err(|failure| Problem::internal(failure.to_string()))?;
    tokio::time::sleep(SLOW).await;
    Ok(())
}

/// Answers when the service stops, and reads its body then.
async fn last(
    State(world): State<Arc<World>>,
    stopping: Stopping,
    request: Request,
) -> Result<String, Problem> {
    world.note("last").map_err(|failure| Problem::internal(failure.to_string()))?;
    stopping.begun().await;
    let body = axum::body::to_bytes(request.into_body(), 1 << 10).await.map_err(Problem::internal)?;
    Ok(format!("{} after the stop began", String::from_utf8_lossy(&body)))
}

/// Takes its time for the answer when the service stops, and does not look at its body.
async fn unwanted(
    State(world): State<Arc<World>>,
    stopping: Stopping,
    request: Request,
) -> Result<String, Problem> {
    world.note("unwanted").map_err(|failure| Problem::internal(failure.to_string()))?;
    stopping.begun().await;
    tokio::time::sleep(TICK).await;
    drop(request);
    Ok("without its body".to_owned())
}

/// The same, when it has waited for its body and dropped it.
async fn dropped(
    State(world): State<Arc<World>>,
    stopping: Stopping,
    request: Request,
) -> Result<String, Problem> {
    let waited = request.into_body().into_data_stream().next().now_or_never();
    assert!(waited.is_none(), "it has arrived already");
    world.note("dropped").map_err(|failure| Problem::internal(failure.to_string()))?;
    stopping.begun().await;
    tokio::time::sleep(TICK).await;
    Ok("without its body".to_owned())
}

/// The same, when it has waited for its body, which it takes in the end.
async fn arrived(
    State(world): State<Arc<World>>,
    stopping: Stopping,
    request: Request,
) -> Result<String, Problem> {
    let mut body = request.into_body().into_data_stream();
    let arrival = Arc::new(Arrival::default());
    let waited = body.poll_next_unpin(&mut Context::from_waker(&arrival.clone().into()));
    assert!(waited.is_pending(), "it has arrived already");
    arrival.0.notified().await;
    world.note("arrived").map_err(|failure| Problem::internal(failure.to_string()))?;
    stopping.begun().await;
    tokio::time::sleep(TICK).await;
    let body = body.next().await.and_then(Result::ok).unwrap_or_default();
    Ok(format!("{} after the stop began", String::from_utf8_lossy(&body)))
}

/// Learns that something has arrived, and does not take it.
#[derive(Default)]
struct Arrival(Notify);

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// An answer that ends with the service.
async fn ticks(stopping: Stopping) -> Body {
    Body::from_stream(every(TICK).take_until(stopping.begun()))
}

/// An answer that does not end.
fn every(tick: Duration) -> impl Stream<Item = Result<String, Infallible>> + Send {
    stream::unfold((), move |()| async move {
        tokio::time::sleep(tick).await;
        Some((Ok("tick\n".repeat(1_000)), ()))
    })
}

/// What handlers work with.
struct World {
    products: Repository<Product>,
    folder: PathBuf,
}

impl World {
    /// One write of one line: it is there whole, or not at all.
    fn note(&self, line: &str) -> Result<(), Failure> {
        let ledger = OpenOptions::new().create(true).append(true).open(self.folder.join("ledger"));
        Ok(ledger?.write_all(format!("{line}\n").as_bytes())?)
    }

    async fn make(&self, cause: &str, order: &str) -> Result<(), Failure> {
        if order.starts_with("bad") {
            return Err(Failure::retry("it says so itself"));
        }
        if order.starts_with("slow") {
            tokio::time::sleep(SLOW).await;
        }
        self.products.create(ProductRestocked { amount: 1 }).await?;
        self.note(cause)
    }
}

async fn handle(
    world: Arc<World>,
    event: Recorded<ProductEvent>,
    _: subscription::Context,
) -> Result<(), Failure> {
    if event.event == (ProductRestocked { amount: 13 }) && !world.folder.join("mended").exists() {
        return Err(Failure::park("thirteen is a bad number"));
    }
    if event.event == (ProductRestocked { amount: 1_000 }) {
        tokio::time::sleep(UNLOADING).await;
    }
    world.note(&format!("stock/{}/{}", event.resource.id, event.number))
}

#[tokio::main]
async fn main() -> Result<(), service::Error> {
    let folder = PathBuf::from(std::env::var("FOLDER").expect("FOLDER is set"));
    let service = Service::from_env("every-kind").await?;
    let products = service.repository::<Product>();
    let world = Arc::new(World { products: products.clone(), folder });
    let api = Router::new()
        .route("/products", get(show).post(create).with_state(products))
        .route("/slow", any(slow))
        .route("/last", post(last))
        .route("/unwanted", post(unwanted))
        .route("/dropped", post(dropped))
        .route("/arrived", post(arrived))
        .with_state(world.clone())
        .route("/ticks", get(ticks))
        .route("/endless", get(async || Body::from_stream(every(TICK))))
        .route("/flood", get(async || Body::from_stream(every(Duration::ZERO))))
        .fallback(show);
    let message = {
        let world = world.clone();
        move |message: Message| {
            let world = world.clone();
            async move { world.make(message.cause(), &message.body).await }
        }
    };
    let event = {
        let world = world.clone();
        move |event: BusEvent| {
            let world = world.clone();
            async move { world.make(event.cause(), event.detail.as_str()).await }
        }
    };
    let stock = Subscription::new("stock").concurrency(4).on::<Product>(with_state(world, handle));
    service
        .stop_grace(Duration::from_secs(600))
        .api(api)
        .subscribe(stock)
        .on_queue("orders", message.clone())
        .on_queue("orders.fifo", message.clone())
        .on_topic("alerts", message)
        .on_schedule("nightly", event.clone())
        .on_event("order.placed", event)
        .run()
        .await
}
