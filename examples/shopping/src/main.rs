//! An online shop: products are bought, reordered when they are sold out, and restocked when the reorder is delivered.
//!
//! ```sh
//! cargo run -p shopping
//! ```

mod product;
mod reorder;

use aws_event_sourcing::{
    Recorded, Repository,
    service::{self, Service},
    subscription::{Context, Failure, Subscription, with_state},
};

use crate::{
    product::{
        Product,
        ProductEvent::{self, ProductReserved, ProductRestocked},
        Status,
    },
    reorder::{
        Reorder,
        ReorderEvent::{self, ReorderDelivered, ReorderRequested},
    },
};

/// How many of a product are reordered at a time.
const REORDER_AMOUNT: u32 = 10;

/// What the shop consists of.
#[derive(Clone)]
struct Shop {
    products: Repository<Product>,
    reorders: Repository<Reorder>,
}

/// A product that sells out is reordered.
async fn reorder(shop: Shop, event: Recorded<ProductEvent>, _: Context) -> Result<(), Failure> {
    if event.event == ProductReserved {
        let product = event.resource.id;
        // As it was right after this event, whatever has happened since.
        if shop.products.find_one_at(&product, event.number).await?.status == Status::SoldOut {
            shop.reorders.create(ReorderRequested { product, amount: REORDER_AMOUNT }).await?;
        }
    }
    Ok(())
}

/// A reorder that is delivered restocks its product.
async fn restock(shop: Shop, event: Recorded<ReorderEvent>, _: Context) -> Result<(), Failure> {
    if event.event == ReorderDelivered {
        let reorder = shop.reorders.find_one_at(event.resource.id, event.number).await?;
        shop.products.commit(&*reorder.product, ProductRestocked { amount: reorder.amount }).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), service::Error> {
    let service = Service::from_env("shopping").await?;
    let shop = Shop { products: service.repository(), reorders: service.repository() };
    service
        .api(product::api(shop.products.clone()).merge(reorder::api(shop.reorders.clone())))
        .subscribe(Subscription::new("reorders").on::<Product>(with_state(shop.clone(), reorder)))
        .subscribe(Subscription::new("restocks").on::<Reorder>(with_state(shop, restock)))
        .example("POST", "/products", r#"{"amount": 5}"#)
        .example("GET", "/products", "")
        .example("GET", "/reorders", "")
        .run()
        .await
}
