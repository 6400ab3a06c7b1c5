//! What a subscription keeps in memory is bounded, however much there is to handle.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    Commit, EncodedEvent, Json, MemoryStore, Recorded, ResourceKey, StoreError, Timestamp, codec,
    subscription::{
        Batch, Context, Continuity, Delivery, Feed, Hold, LeasedProgress, Part, Registration, Source,
        Subscription, SubscriptionKey,
    },
};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, pending, ready},
    stream::{self, BoxStream},
};
use tokio::sync::Semaphore;

use crate::common::{Product, ProductEvent, ProductRestocked};

/// Commits in a batch.
const BATCH: usize = 50;

/// A feed without an end, which counts what is taken from it.
struct Endless {
    taken: Arc<AtomicUsize>,
    /// Whose the commit of that number is.
    resource_of: fn(usize) -> (String, u64),
    meta: Option<Json>,
}

struct Held;

impl Hold for Held {
    fn is_ours(&self) -> bool {
        true
    }

    fn save(&self, _: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }

    fn progress(&self) -> Option<&dyn LeasedProgress> {
        None
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }

    fn release(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }
}

impl Feed for Endless {
    fn follow(&self, _: &SubscriptionKey, _: &Registration) -> BoxStream<'static, Result<Part, StoreError>> {
        let (taken, resource_of, meta) = (self.taken.clone(), self.resource_of, self.meta.clone());
        let event = codec::encode(&ProductRestocked { amount: 1 }).expect("an event");
        let batches = stream::repeat_with(move || {
            let begin = taken.fetch_add(BATCH, Ordering::SeqCst);
            let deliveries = (begin..begin + BATCH)
                .map(|index| delivery(index, resource_of(index), event.clone(), meta.clone()))
                .collect();
            Ok(Batch { deliveries, unread: Vec::new(), up_to: (begin + BATCH) as u64 })
        });
        let part = Part {
            name: "endless".into(),
            continuity: Continuity::Unbroken,
            batches: batches.boxed(),
            hold: Arc::new(Held),
        };
        stream::iter([Ok(part)]).chain(stream::pending()).boxed()
    }
}

fn delivery(index: usize, (id, number): (String, u64), event: EncodedEvent, meta: Option<Json>) -> Delivery {
    let commit = Commit {
        resource: ResourceKey::new("product", id),
        number,
        events: vec![event],
        at: Timestamp::from_unix_millis(1_700_000_000_000),
        id: format!("{index}").as_str().into(),
        follows: None,
        trace: None,
        cause: None,
        meta,
    };
    Delivery { commit, position: index as u64 + 1 }
}

/// How much is taken while the handler does not come to an end, and the subscription, which goes on after that.
async fn taken_while_nothing_is_done(resource_of: fn(usize) -> (String, u64), meta: Option<Json>) -> usize {
    let (store, taken) = (MemoryStore::new(), Arc::new(AtomicUsize::new(0)));
    let feed = Endless { taken: taken.clone(), resource_of, meta };
    let source = Source { events: Arc::new(store.clone()), feed: Arc::new(feed), progress: Arc::new(store) };
    let permits = Arc::new(Semaphore::new(0));
    let handler = {
        let permits = permits.clone();
        move |_: Recorded<ProductEvent>, _: Context| {
            let permits = permits.clone();
            async move {
                permits.acquire().await.expect("never closed").forget();
                Ok(())
            }
        }
    };
    let subscription =
        Subscription::new("slow").on::<Product>(handler).deadline(Duration::from_secs(1_000_000));
    let running = tokio::spawn(subscription.run(move |_| source.clone(), pending()));
    // Time is paused: it goes by when there is nothing else to do.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let held = taken.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(taken.load(Ordering::SeqCst), held, "it takes no more");
    permits.add_permits(held);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(taken.load(Ordering::SeqCst) >= 2 * held - BATCH, "it takes as much again");
    running.abort();
    held
}

#[tokio::test(start_paused = true)]
async fn of_many_resources_a_few_thousand_are_under_way() {
    let held = taken_while_nothing_is_done(|index| (format!("p-{index}"), 1), None).await;
    assert!((64..5_000).contains(&held), "{held}");
}

#[tokio::test(start_paused = true)]
async fn of_large_commits_a_few_dozen_megabytes_are_under_way() {
    let meta = Json::parse(&format!("{{\"padding\":\"{}\"}}", "x".repeat(200_000))).expect("JSON");
    let held = taken_while_nothing_is_done(|index| (format!("p-{index}"), 1), Some(meta)).await;
    assert!((64..400).contains(&held), "{held}");
}
