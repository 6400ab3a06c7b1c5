//! The shop of `examples/shopping`, with handlers that fail on a tenth of the events at first, and on some of those until
//! somebody mends them; and a ledger of every event that was handled. For the tests of this crate, which kill it again
//! and again.
//!
//! These are files in `CHAOS_DIR`: the handlers are mended by making `mended`, but for the events of the resource whose id is
//! in `doomed`; `ledger` has a line for each event, in the order of handling, whichever process did it.

#[path = "../../examples/shopping/src/product.rs"]
mod product;
#[path = "../../examples/shopping/src/reactions.rs"]
mod reactions;
#[path = "../../examples/shopping/src/reorder.rs"]
mod reorder;

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use aws_event_sourcing::{
    Aggregate, Recorded,
    service::{self, Service},
    subscription::{Backoff, Context, Failure, Subscription, with_state},
};

use crate::{product::Product, reactions::Shop, reorder::Reorder};

/// How often an event is tried before its resource is parked.
const IN_PLACE: u32 = 2;

/// What the tests can do to the handlers, and see of them.
#[derive(Debug)]
struct Fate {
    mended: PathBuf,
    doomed: PathBuf,
    ledger: File,
}

impl Fate {
    /// Fails on a tenth of the events, whoever handles them, for so many attempts that they are parked; on a few until
    /// the handlers are mended. On those of the doomed always.
    fn strike<A: Aggregate>(&self, event: &Recorded<A::Event>, context: &Context) -> Result<(), Failure> {
        if fs::read_to_string(&self.doomed).is_ok_and(|id| id == event.resource.id.as_str()) {
            return Err(Failure::retry("doomed"));
        }
        let text = format!("{} {}", event.resource, event.number);
        let sum = text.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let strikes = match sum % 300 {
            0 => !self.mended.exists(),
            sum => sum.is_multiple_of(10) && context.attempt() <= IN_PLACE + 1,
        };
        if strikes { Err(Failure::retry("struck by fate")) } else { Ok(()) }
    }

    /// One write of one line: it is there whole, or not at all.
    fn note<A: Aggregate>(&self, event: &Recorded<A::Event>, context: &Context) -> Result<(), Failure> {
        let line = format!("{} {} {}\n", context.subscription(), event.resource.id, event.number);
        (&self.ledger).write_all(line.as_bytes())?;
        Ok(())
    }
}

type State = (Shop, Arc<Fate>);

async fn reorder(
    (shop, fate): State,
    event: Recorded<product::ProductEvent>,
    context: Context,
) -> Result<(), Failure> {
    fate.strike::<Product>(&event, &context)?;
    reactions::reorder(shop, event.clone(), context.clone()).await?;
    fate.note::<Product>(&event, &context)
}

async fn restock(
    (shop, fate): State,
    event: Recorded<reorder::ReorderEvent>,
    context: Context,
) -> Result<(), Failure> {
    fate.strike::<Reorder>(&event, &context)?;
    reactions::restock(shop, event.clone(), context.clone()).await?;
    fate.note::<Reorder>(&event, &context)
}

#[tokio::main]
async fn main() -> Result<(), service::Error> {
    let folder = PathBuf::from(std::env::var("CHAOS_DIR").expect("CHAOS_DIR is set"));
    let ledger = OpenOptions::new().create(true).append(true).open(folder.join("ledger"));
    let (mended, doomed) = (folder.join("mended"), folder.join("doomed"));
    let fate = Arc::new(Fate { mended, doomed, ledger: ledger.expect("a ledger") });
    let service = Service::from_env("chaos").await?;
    let shop = Shop { products: service.repository(), reorders: service.repository() };
    // More patience is of no use in a test.
    let backoff = Backoff { first: Duration::from_millis(5), longest: Duration::from_millis(20) };
    let redrive = Backoff { first: Duration::from_millis(300), longest: Duration::from_secs(2) };
    let impatient = |name| Subscription::new(name).attempts(IN_PLACE, backoff).redrive(redrive);
    let state = (shop.clone(), fate);
    service
        .api(product::api(shop.products.clone()).merge(reorder::api(shop.reorders.clone())))
        .subscribe(impatient("reorders").on::<Product>(with_state(state.clone(), reorder)))
        .subscribe(impatient("restocks").on::<Reorder>(with_state(state, restock)))
        .run()
        .await
}
