//! A feed that fails now and then is followed on, by the same follower.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{
    MemoryStore, Recorded, Repository, StoreError, StoreErrorKind,
    subscription::{Context, Feed, Part, Registration, Source, Subscription, SubscriptionKey},
};
use futures_util::{
    StreamExt as _,
    future::pending,
    stream::{self, BoxStream},
};

use crate::common::{Product, ProductEvent, ProductRestocked};

/// Fails twice before it gives a part, and counts who follows.
struct FailsAtFirst {
    store: MemoryStore,
    followed: Arc<AtomicUsize>,
}

impl Feed for FailsAtFirst {
    fn follow(
        &self,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> BoxStream<'static, Result<Part, StoreError>> {
        self.followed.fetch_add(1, Ordering::SeqCst);
        let failed = || Err(StoreError::new(StoreErrorKind::Unavailable, "not now"));
        stream::iter([failed(), failed()]).chain(self.store.follow(key, registration)).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_is_followed_on_after_an_error() {
    let (store, followed, handled) =
        (MemoryStore::new(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let products = Repository::<Product>::new(store.clone());
    products.create(ProductRestocked { amount: 1 }).await.expect("new");
    let feed = FailsAtFirst { store: store.clone(), followed: followed.clone() };
    let source = Source { feed: Arc::new(feed), ..Source::of(&store) };
    let handler = {
        let handled = handled.clone();
        move |_: Recorded<ProductEvent>, _: Context| {
            handled.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(()))
        }
    };
    let subscription = Subscription::new("follows").on::<Product>(handler);
    let running = tokio::spawn(subscription.run(move |_| source.clone(), pending()));
    // Time is paused: it goes by when there is nothing else to do.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(handled.load(Ordering::SeqCst), 1);
    assert_eq!(followed.load(Ordering::SeqCst), 1);
    running.abort();
}
