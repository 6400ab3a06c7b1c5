//! A product: it is reserved, piece by piece, and restocked.

use aws_event_sourcing::{
    Aggregate, CommitError, Event, Repository, ResourceId,
    http::{Created, Json, Path, Problem, Representation, WithTerms as _, WriteTerms, resource_routes},
};
use axum::{Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};

use self::ProductEvent::{ProductReserved, ProductRestocked};

/// What can happen to a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum ProductEvent {
    ProductReserved,
    ProductRestocked { amount: u32 },
}

/// What its events add up to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Product {
    pub(crate) status: Status,
    pub(crate) quantity: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    #[default]
    SoldOut,
    Available,
}

/// Why something may not happen.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ProductError {
    #[error("sold out")]
    SoldOut,
    #[error("the amount must be at least 1")]
    NoAmount,
    #[error("at most {MOST_AT_ONCE} can be bought at once")]
    TooMany,
    #[error("the stock is full")]
    StockFull,
}

/// So many reservations are one commit that every store can hold.
const MOST_AT_ONCE: u32 = 10_000;

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Event = ProductEvent;
    type Error = ProductError;

    fn validate(&self, event: &ProductEvent) -> Result<(), ProductError> {
        match event {
            ProductReserved if self.quantity == 0 => Err(ProductError::SoldOut),
            ProductRestocked { amount: 0 } => Err(ProductError::NoAmount),
            ProductRestocked { amount } if self.quantity.checked_add(*amount).is_none() => {
                Err(ProductError::StockFull)
            }
            _ => Ok(()),
        }
    }

    fn apply(&mut self, event: &ProductEvent) {
        self.quantity = match event {
            ProductReserved => self.quantity.saturating_sub(1),
            ProductRestocked { amount } => self.quantity.saturating_add(*amount),
        };
        self.status = if self.quantity == 0 { Status::SoldOut } else { Status::Available };
    }
}

/// The reservations that a purchase is made of.
fn reservations(quantity: u32) -> Result<Vec<ProductEvent>, ProductError> {
    match quantity {
        0 => Err(ProductError::NoAmount),
        1..=MOST_AT_ONCE => Ok(vec![ProductReserved; quantity as usize]),
        _ => Err(ProductError::TooMany),
    }
}

#[derive(Deserialize)]
struct Restock {
    amount: u32,
}

#[derive(Deserialize)]
struct Purchase {
    quantity: u32,
}

/// The API: reading is the same for every resource, commands are the shop's own.
pub(crate) fn api(products: Repository<Product>) -> Router {
    let commands = Router::new()
        .route("/", post(create))
        .route("/{id}/restock", post(restock))
        .route("/{id}/buy", post(buy))
        .with_state(products.clone());
    Router::new().nest("/products", resource_routes(products).merge(commands))
}

async fn create(
    State(products): State<Repository<Product>>,
    terms: WriteTerms,
    Json(Restock { amount }): Json<Restock>,
) -> Result<Created<Product>, Problem> {
    Ok(Created(products.create(ProductRestocked { amount }).terms(terms)?.await?))
}

async fn restock(
    State(products): State<Repository<Product>>,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
    Json(Restock { amount }): Json<Restock>,
) -> Result<Representation<Product>, Problem> {
    Ok(Representation(products.commit(id, ProductRestocked { amount }).terms(terms)?.await?))
}

async fn buy(
    State(products): State<Repository<Product>>,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
    purchase: Option<Json<Purchase>>,
) -> Result<Representation<Product>, Problem> {
    let quantity = purchase.map_or(1, |Json(purchase)| purchase.quantity);
    let reservations = reservations(quantity).map_err(CommitError::Rejected)?;
    Ok(Representation(products.commit_all(id, reservations).terms(terms)?.await?))
}

#[cfg(test)]
#[path = "product/tests.rs"]
mod tests;
