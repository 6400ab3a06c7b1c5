//! Products that are restocked and reserved, and an API for them as a user writes one.

use std::fmt;

use aws_event_sourcing_core::{Aggregate, Event, Repository, ResourceId};
use aws_event_sourcing_http::{
    Created, Json, Path, Problem, Representation, WithTerms as _, WriteTerms, resource_routes,
};
use axum::{Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum ProductEvent {
    ProductReserved,
    ProductRestocked { amount: u32 },
    ProductDescribed { text: String },
}

use ProductEvent::{ProductDescribed, ProductReserved, ProductRestocked};

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Product {
    pub(crate) quantity: u32,
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct SoldOut;

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the product is sold out")
    }
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Event = ProductEvent;
    type Error = SoldOut;

    fn validate(&self, event: &ProductEvent) -> Result<(), SoldOut> {
        match event {
            ProductReserved if self.quantity == 0 => Err(SoldOut),
            _ => Ok(()),
        }
    }

    fn apply(&mut self, event: &ProductEvent) {
        match event {
            ProductReserved => self.quantity -= 1,
            ProductRestocked { amount } => self.quantity += amount,
            ProductDescribed { text } => text.clone_into(&mut self.text),
        }
    }
}

#[derive(Debug, Deserialize)]
struct NewProduct {
    id: Option<ResourceId>,
    amount: u32,
}

#[derive(Debug, Deserialize)]
struct Purchase {
    amount: u32,
}

#[derive(Debug, Deserialize)]
struct Description {
    text: String,
}

type Products = State<Repository<Product>>;

pub(crate) fn api(products: Repository<Product>) -> Router {
    let commands = Router::new()
        .route("/", post(create))
        .route("/{id}/restock", post(restock))
        .route("/{id}/buy", post(buy))
        .route("/{id}/describe", post(describe))
        .with_state(products.clone());
    Router::new().nest("/products", resource_routes(products).merge(commands))
}

async fn create(
    State(products): Products,
    terms: WriteTerms,
    Json(new): Json<NewProduct>,
) -> Result<Created<Product>, Problem> {
    let mut write = products.create(ProductRestocked { amount: new.amount });
    if let Some(id) = new.id {
        write = write.id(id);
    }
    Ok(Created(write.terms(terms)?.await?))
}

async fn restock(
    State(products): Products,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
    Json(new): Json<Purchase>,
) -> Result<Representation<Product>, Problem> {
    let restocked = ProductRestocked { amount: new.amount };
    Ok(Representation(products.commit(id, restocked).terms(terms)?.await?))
}

/// One, unless the body says how many.
async fn buy(
    State(products): Products,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
    purchase: Option<Json<Purchase>>,
) -> Result<Representation<Product>, Problem> {
    let amount = purchase.map_or(1, |Json(purchase)| purchase.amount);
    let bought = products.update(id, |_| Ok(vec![ProductReserved; amount as usize]));
    Ok(Representation(bought.terms(terms)?.await?))
}

/// On a resource at hand.
async fn describe(
    State(products): Products,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
    Json(Description { text }): Json<Description>,
) -> Result<Representation<Product>, Problem> {
    let mut product = products.find_one(id).await?;
    product.commit(ProductDescribed { text }).terms(terms)?.await?;
    Ok(Representation(product))
}
