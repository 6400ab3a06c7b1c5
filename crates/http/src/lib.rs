//! Resources and events over HTTP, on [axum].
//!
//! For those who write the API of a service. Commands are axum handlers of your own; this crate has what stands around
//! them: extractors and responses that speak of versions, the routes that read, errors that a client can work with,
//! and everything that a router needs before it faces the internet. It knows neither the store nor the host.
//!
//! # A whole API
//!
//! ```
//! use aws_event_sourcing_core::{Aggregate, Event, MemoryStore, Repository, ResourceId};
//! use aws_event_sourcing_http::{
//!     Created, Json, Path, Problem, Representation, Settings, WithTerms as _, WriteTerms, harden, resource_routes,
//! };
//! use axum::{Router, extract::State, routing::post};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
//! enum ProductEvent {
//!     ProductReserved,
//!     ProductRestocked { amount: u32 },
//! }
//! use ProductEvent::{ProductReserved, ProductRestocked};
//!
//! #[derive(Debug, Clone, Default, Serialize)]
//! struct Product {
//!     quantity: u32,
//! }
//!
//! impl Aggregate for Product {
//!     const TYPE: &'static str = "product";
//!     type Event = ProductEvent;
//!     type Error = &'static str;
//!
//!     fn validate(&self, event: &ProductEvent) -> Result<(), &'static str> {
//!         match event {
//!             ProductReserved if self.quantity == 0 => Err("the product is sold out"),
//!             _ => Ok(()),
//!         }
//!     }
//!
//!     fn apply(&mut self, event: &ProductEvent) {
//!         match event {
//!             ProductReserved => self.quantity -= 1,
//!             ProductRestocked { amount } => self.quantity += amount,
//!         }
//!     }
//! }
//!
//! #[derive(Deserialize)]
//! struct NewProduct {
//!     amount: u32,
//! }
//!
//! async fn create(
//!     State(products): State<Repository<Product>>,
//!     terms: WriteTerms,
//!     Json(new): Json<NewProduct>,
//! ) -> Result<Created<Product>, Problem> {
//!     let product = products.create(ProductRestocked { amount: new.amount }).terms(terms)?.await?;
//!     Ok(Created(product))
//! }
//!
//! async fn buy(
//!     State(products): State<Repository<Product>>,
//!     Path(id): Path<ResourceId>,
//!     terms: WriteTerms,
//! ) -> Result<Representation<Product>, Problem> {
//!     let product = products.commit(id, ProductReserved).terms(terms)?.await?;
//!     Ok(Representation(product))
//! }
//!
//! fn api(products: Repository<Product>) -> Router {
//!     let commands = Router::new()
//!         .route("/", post(create))
//!         .route("/{id}/buy", post(buy))
//!         .with_state(products.clone());
//!     Router::new().nest("/products", resource_routes(products).merge(commands))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let products = Repository::new(MemoryStore::new());
//! let app = harden(api(products.clone()), &Settings::default());
//!
//! let lamp = products.create(ProductRestocked { amount: 1 }).await?;
//! for status in [200, 409] {
//!     let request = axum::http::Request::post(format!("/products/{}/buy", lamp.id()));
//!     let response = tower::ServiceExt::oneshot(app.clone(), request.body(axum::body::Body::empty())?).await?;
//!     assert_eq!(response.status(), status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Reading
//!
//! [`resource_routes`] answers `GET /`, `GET /{id}` and `GET /{id}/events`; [`ResourceRoutes`] says how, and is where
//! some resources are left out or shown in another way. Lists and histories are [streamed](JsonArray), so they may be
//! of any length.
//!
//! # Writing
//!
//! A handler that commits takes [`WriteTerms`] and puts its commit on them by [`terms`](WithTerms::terms). A client
//! then may
//!
//! - send `Idempotency-Key`, and repeat a request whose answer was lost without doing it twice: the repetition gets
//!   the first one's answer. The keys of each customer count by themselves where the service says
//!   [whose they are](IdempotencyScope);
//! - send `If-Match` with the `ETag` that it has seen, and change nothing that somebody else has changed meanwhile.
//!
//! It answers with [`Created`] or [`Representation`], or with parts of these: [`ETag`], [`Location`], [`Json`].
//!
//! # Errors
//!
//! All are [`Problem`]s: `?` makes them of the repository's errors and of what the extractors [`Json`], [`Path`],
//! [`Query`] and [`WriteTerms`] reject; those of your own begin with [`Problem::new`].
//!
//! # Describing
//!
//! [`OpenApi`] describes all that by OpenAPI 3.1, for clients that are generated and tests that are.
//!
//! # Facing clients
//!
//! [`harden`](harden()) goes once around the whole router, whatever is in it: limits, time-outs, panics, request ids,
//! traces, logs, CORS. [`compress`](compress()) goes inside of it, for answers that are packed. The crate
//! `aws-event-sourcing-service` does both.
//!
//! A handler whose answer has no end takes [`Stopping`], and ends when its service does.

mod problem;

mod json;
mod path;
mod query;
mod strict;

mod etag;
mod idempotency_key;
mod write_terms;

mod links;
mod representation;

mod json_array;
mod listed;
mod resource_routes;

mod stopping;

mod openapi;

mod compress;
mod harden;
mod panic;
mod routes;

pub use self::{
    compress::compress,
    etag::ETag,
    harden::{Cors, IdempotencyScope, Quiet, RequestId, Settings, harden},
    json::Json,
    json_array::JsonArray,
    links::Links,
    listed::{Listed, UnreadableEntry},
    openapi::{OpenApi, RequestBody},
    path::Path,
    problem::Problem,
    query::Query,
    representation::{Created, Location, Representation},
    resource_routes::{ResourceRoutes, resource_routes},
    stopping::Stopping,
    write_terms::{WithTerms, WriteTerms},
};
