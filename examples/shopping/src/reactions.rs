//! What a product and a reorder have to do with each other: one is reordered when it is sold out, and restocked when the
//! reorder is delivered.

use aws_event_sourcing::{
    Recorded, Repository,
    subscription::{Context, Failure},
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
pub(crate) struct Shop {
    pub(crate) products: Repository<Product>,
    pub(crate) reorders: Repository<Reorder>,
}

/// A product that sells out is reordered.
pub(crate) async fn reorder(shop: Shop, event: Recorded<ProductEvent>, _: Context) -> Result<(), Failure> {
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
pub(crate) async fn restock(shop: Shop, event: Recorded<ReorderEvent>, _: Context) -> Result<(), Failure> {
    if event.event == ReorderDelivered {
        let reorder = shop.reorders.find_one_at(event.resource.id, event.number).await?;
        shop.products.commit(&*reorder.product, ProductRestocked { amount: reorder.amount }).await?;
    }
    Ok(())
}
