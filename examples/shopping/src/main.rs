//! An online shop: products are bought, reordered when they are sold out, and restocked when the reorder is delivered.
//!
//! ```sh
//! cargo run -p shopping
//! ```

mod description;
mod product;
mod reactions;
mod reorder;

use aws_event_sourcing::{
    service::{self, Service},
    subscription::{Subscription, with_state},
};

use crate::{
    product::Product,
    reactions::{Shop, reorder, restock},
    reorder::Reorder,
};

#[tokio::main]
async fn main() -> Result<(), service::Error> {
    let service = Service::from_env("shopping").await?;
    let shop = Shop { products: service.repository(), reorders: service.repository() };
    service
        .api(product::api(shop.products.clone()).merge(reorder::api(shop.reorders.clone())))
        .openapi(description::describe)
        .subscribe(Subscription::new("reorders").on::<Product>(with_state(shop.clone(), reorder)))
        .subscribe(Subscription::new("restocks").on::<Reorder>(with_state(shop, restock)))
        .example("POST", "/products", r#"{"amount": 5}"#)
        .example("GET", "/products", "")
        .example("GET", "/reorders", "")
        .run()
        .await
}
