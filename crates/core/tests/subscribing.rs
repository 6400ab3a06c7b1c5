//! Subscriptions, as their users see them, on the memory store.

mod common;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_event_sourcing_core::{
    Appended, Clock, Commit, EncodedEvent, EventStore, MemoryStore, Recorded, Repository, ResourceId,
    ResourceKey, Timestamp, TraceParent,
    subscription::{
        Backoff, Cause, Context, Failure, Parked, ParkedError, ProgressStore, Skip, Source, Start,
        Subscription, SubscriptionKey, retry, skip,
    },
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::common::{Product, ProductEvent, ProductRenamed, ProductReserved, ProductRestocked};

/// A subscription that runs.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

fn start(subscription: Subscription, store: &MemoryStore) -> Running {
    let begun = tokio::time::Instant::now();
    start_by(subscription, store, move || common::now_since(begun))
}

/// Starts it with that clock.
fn start_by(subscription: Subscription, store: &MemoryStore, clock: impl Clock) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let source = Source::of(store);
    let subscription = subscription.clock(clock);
    let task = tokio::spawn(subscription.run(move |_| source.clone(), async {
        let _ = stopped.await;
    }));
    Running { stop: Some(stop), task }
}

impl Running {
    async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.expect("it does not panic");
    }
}

/// What was handled, by resource.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<HashMap<ResourceId, Vec<u64>>>>);

impl Seen {
    fn note(&self, event: &Recorded<ProductEvent>) {
        self.0
            .lock()
            .expect("nobody panics")
            .entry(event.resource.id.clone())
            .or_default()
            .push(event.number);
    }

    fn of(&self, id: &ResourceId) -> Vec<u64> {
        self.0.lock().expect("nobody panics").get(id).cloned().unwrap_or_default()
    }

    async fn until(&self, id: &ResourceId, last: u64) {
        until(|| self.of(id).last() == Some(&last)).await;
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came to be so");
}

async fn parked(store: &MemoryStore, subscription: &str, id: &ResourceId) -> Option<Parked> {
    let key = SubscriptionKey::new(subscription, "product");
    let progress =
        store.load(&key, std::slice::from_ref(id)).await.expect("memory").remove(0).expect("a record");
    progress.parked.map(|parked| *parked)
}

fn watch(seen: &Seen) -> Subscription {
    let seen = seen.clone();
    Subscription::new("watch").on::<Product>(move |event: Recorded<ProductEvent>, _: Context| {
        let seen = seen.clone();
        async move {
            seen.note(&event);
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn events_of_the_past_and_then_live_ones_are_handled_in_order() {
    let (store, seen) = (MemoryStore::new(), Seen::default());
    let products = Repository::<Product>::new(store.clone());
    let mut one = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    one.commit_all([ProductReserved, ProductReserved]).await.expect("there are some");
    let running = start(watch(&seen), &store);
    seen.until(one.id(), 3).await;
    one.commit(ProductReserved).await.expect("there are some");
    let other = products.create(ProductRestocked { amount: 1 }).await.expect("new");
    seen.until(one.id(), 4).await;
    seen.until(other.id(), 1).await;
    running.stop().await;
    assert_eq!(seen.of(one.id()), [1, 2, 3, 4]);

    // It goes on where it was.
    one.commit(ProductReserved).await.expect("there are some");
    let running = start(watch(&seen), &store);
    seen.until(one.id(), 5).await;
    running.stop().await;
    assert_eq!(seen.of(one.id()), [1, 2, 3, 4, 5]);
    assert_eq!(seen.of(other.id()), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_may_begin_with_the_events_from_now_on() {
    let (store, seen) = (MemoryStore::new(), Seen::default());
    let products = Repository::<Product>::new(store.clone());
    let mut old = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let running = start(watch(&seen).start(Start::Now), &store);
    let key = SubscriptionKey::new("watch", "product");
    while store.registered().await.expect("memory").is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(store.registered().await.expect("memory")[0].key, key);
    old.commit(ProductReserved).await.expect("there are some");
    seen.until(old.id(), 2).await;
    running.stop().await;
    assert_eq!(seen.of(old.id()), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_resource_is_parked_and_catches_up_and_others_are_not_held_up() {
    let (store, seen, broken) = (MemoryStore::new(), Seen::default(), Arc::new(AtomicBool::new(true)));
    let products = Repository::<Product>::new(store.clone());
    let mut bad = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let mut good = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let attempts = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (seen, broken, bad, attempts) =
            (seen.clone(), broken.clone(), bad.id().clone(), attempts.clone());
        move |event: Recorded<ProductEvent>, context: Context| {
            let (seen, attempts) = (seen.clone(), attempts.clone());
            let fails = broken.load(Ordering::SeqCst) && event.resource.id == bad && event.number >= 2;
            async move {
                if fails {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    assert_eq!(event.number, 2, "later events wait");
                    assert_eq!(context.is_redrive(), context.attempt() > 3);
                    return Err(std::io::Error::other("the printer is on fire").into());
                }
                seen.note(&event);
                Ok(())
            }
        }
    };
    let subscription = Subscription::new("watch")
        .on::<Product>(handler)
        .redrive(Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(60) });
    let running = start(subscription, &store);
    for _ in 0..3 {
        bad.commit(ProductReserved).await.expect("there are some");
        good.commit(ProductReserved).await.expect("there are some");
    }
    seen.until(good.id(), 4).await;
    until(|| attempts.load(Ordering::SeqCst) >= 5).await;
    let marker = parked(&store, "watch", bad.id()).await.expect("it fails");
    assert_eq!((marker.number, marker.after, marker.waiting), (2, 1, 4));
    assert_eq!(marker.event_type.as_deref(), Some("ProductReserved"));
    assert_eq!(&*marker.error, "the printer is on fire");
    assert_eq!(seen.of(bad.id()), [1]);

    broken.store(false, Ordering::SeqCst);
    seen.until(bad.id(), 4).await;
    bad.commit(ProductReserved).await.expect("there are some");
    seen.until(bad.id(), 5).await;
    running.stop().await;
    assert_eq!(seen.of(bad.id()), [1, 2, 3, 4, 5]);
    assert_eq!(parked(&store, "watch", bad.id()).await, None);
}

/// The clock is two days ahead, and is set right. Then it is set ahead, and right again, while an event is tried.
#[tokio::test(start_paused = true)]
async fn what_was_parked_while_the_clock_was_ahead_is_tried_within_five_minutes() {
    let (store, broken, attempts) = (MemoryStore::new(), Arc::new(AtomicBool::new(true)), Arc::default());
    let products = Repository::<Product>::new(store.clone());
    let id = products.create(ProductRestocked { amount: 9 }).await.expect("new").id().clone();
    let handler = {
        let (broken, attempts) = (broken.clone(), Arc::<AtomicUsize>::clone(&attempts));
        move |_: Recorded<ProductEvent>, _: Context| {
            let fails = broken.load(Ordering::SeqCst);
            attempts.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                if fails { Err(Failure::park("the printer is on fire")) } else { Ok(()) }
            }
        }
    };
    let days = Arc::new(AtomicUsize::new(2));
    let clock = {
        let (begun, days) = (tokio::time::Instant::now(), days.clone());
        move || {
            let days = Duration::from_secs(24 * 60 * 60) * days.load(Ordering::SeqCst) as u32;
            Timestamp::from(SystemTime::from(common::now_since(begun)) + days)
        }
    };
    let subscription = Subscription::new("watch").on::<Product>(handler);
    let running = start_by(subscription, &store, clock.clone());
    for _ in 0..2 {
        let parked_at = loop {
            if let Some(marker) = parked(&store, "watch", &id).await
                && marker.claimed_until.is_none()
                && marker.next_attempt_at > clock()
            {
                break marker;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        days.store(0, Ordering::SeqCst);
        assert_eq!(parked_at.next_attempt(clock()), clock(), "it is shown as due");
        let (tried, since) = (attempts.load(Ordering::SeqCst), tokio::time::Instant::now());
        until(|| attempts.load(Ordering::SeqCst) > tried).await;
        assert!(since.elapsed() < Duration::from_secs(300), "{:?}", since.elapsed());
        // While it is being tried.
        days.store(2, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    days.store(0, Ordering::SeqCst);
    let tried = attempts.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(attempts.load(Ordering::SeqCst) <= tried + 1, "it is not tried again and again");
    broken.store(false, Ordering::SeqCst);
    let since = tokio::time::Instant::now();
    while parked(&store, "watch", &id).await.is_some() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(since.elapsed() < Duration::from_secs(300), "{:?}", since.elapsed());
    running.stop().await;
}

/// More of them than are looked at at once.
#[tokio::test(start_paused = true)]
async fn all_that_was_parked_while_the_clock_was_ahead_is_tried_when_it_is_looked_for() {
    let (store, tried) = (MemoryStore::new(), Seen::default());
    let products = Repository::<Product>::new(store.clone());
    let mut ids = Vec::new();
    for _ in 0..250 {
        ids.push(products.create(ProductRestocked { amount: 9 }).await.expect("new").id().clone());
    }
    let handler = {
        let tried = tried.clone();
        move |event: Recorded<ProductEvent>, _: Context| {
            tried.note(&event);
            async { Err(Failure::park("the printer is on fire")) }
        }
    };
    let is_ahead = Arc::new(AtomicBool::new(true));
    let clock = {
        let (begun, is_ahead) = (tokio::time::Instant::now(), is_ahead.clone());
        move || {
            let days = if is_ahead.load(Ordering::SeqCst) { 2 } else { 0 };
            let ahead = Duration::from_secs(24 * 60 * 60) * days;
            Timestamp::from(SystemTime::from(common::now_since(begun)) + ahead)
        }
    };
    let running = start_by(Subscription::new("watch").on::<Product>(handler), &store, clock);
    let key = SubscriptionKey::new("watch", "product");
    while store.parked(&key, None, 1_000, None).await.expect("memory").resources.len() < ids.len() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_ahead.store(false, Ordering::SeqCst);
    let before: Vec<_> = ids.iter().map(|id| tried.of(id).len()).collect();
    let since = tokio::time::Instant::now();
    until(|| ids.iter().zip(&before).all(|(id, before)| tried.of(id).len() > *before)).await;
    // What is beyond the first hundred does not wait until it is looked once more.
    assert!(since.elapsed() < Duration::from_secs(100), "{:?}", since.elapsed());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_commits_happens_once_and_tells_its_cause() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let origin = TraceParent::new_root(Timestamp::from_unix_millis(1));
    let one =
        origin.scope(async { products.create(ProductRestocked { amount: 9 }).await }).await.expect("new");
    let failures = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (products, one, failures) = (products.clone(), one.id().clone(), failures.clone());
        move |event: Recorded<ProductEvent>, _: Context| {
            let (products, one, failures) = (products.clone(), one.clone(), failures.clone());
            async move {
                if event.resource.id != one || event.number > 1 {
                    return Ok(());
                }
                let attempt = failures.fetch_add(1, Ordering::SeqCst);
                // Other content each time: what was committed first stays.
                let amount = 5 + u32::try_from(attempt).expect("few");
                let mut copy = products.create(ProductRestocked { amount }).await?;
                let other = products.create(ProductRestocked { amount }).await?;
                assert_ne!(copy.id(), other.id());
                copy.commit(ProductRenamed("copy".into())).await?;
                products.commit("mine", ProductReserved).await.expect_err("there is none");
                if attempt < 4 { Err(Failure::retry("not yet")) } else { Ok(()) }
            }
        }
    };
    let running = start(Subscription::new("copies").on::<Product>(handler), &store);
    until(|| failures.load(Ordering::SeqCst) == 5).await;
    running.stop().await;

    let ids = products.list(10, None).await.expect("memory").ids;
    assert_eq!(ids.len(), 3, "{ids:?}");
    let cause = format!("copies/{}/1", one.id());
    for id in ids.iter().filter(|id| *id != one.id()) {
        let product = products.find_one(id).await.expect("listed");
        assert_eq!(product.quantity, 5);
        let commits = store.read(&products.key(id), 0);
        let commits: Vec<Commit> = futures_util::TryStreamExt::try_collect(commits).await.expect("memory");
        for commit in &commits {
            assert_eq!(commit.cause.as_deref(), Some(&*cause));
            let trace = commit.trace.expect("it has one");
            assert_eq!(trace.trace_id(), origin.trace_id());
        }
        assert!(commits.len() <= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_cannot_take_the_key_of_a_handler() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let one = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let target = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let key = format!("forged/{}/1", one.id());
    products.commit(target.id(), ProductReserved).idempotency_key(&*key).await.expect("a key like any other");
    let done = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (products, one, target, done) =
            (products.clone(), one.id().clone(), target.id().clone(), done.clone());
        move |event: Recorded<ProductEvent>, _: Context| {
            let (products, one, target, done) = (products.clone(), one.clone(), target.clone(), done.clone());
            async move {
                if event.resource.id == one {
                    products.commit(target, ProductReserved).await?;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            }
        }
    };
    let running = start(Subscription::new("forged").on::<Product>(handler), &store);
    until(|| done.load(Ordering::SeqCst) == 1).await;
    running.stop().await;
    assert_eq!(products.find_one(target.id()).await.expect("there").quantity, 7);
    // Nor does the handler take the client's.
    let repeated = products.commit(target.id(), ProductReserved).idempotency_key(&*key).await.expect("known");
    assert_eq!(repeated.version(), 2);
    let handlers = format!("forged/{}/1", one.id());
    let again =
        products.create(ProductRestocked { amount: 1 }).idempotency_key(&*handlers).await.expect("new");
    assert_eq!(again.version(), 1);
}

#[tokio::test]
async fn a_handler_may_name_its_cause_as_the_key() {
    let products = Repository::<Product>::new(MemoryStore::new());
    let shelf = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let cause = Cause::new("queue/orders/1");
        let handled = cause.scope(async {
            let key = cause.as_str();
            let made = products.create(ProductRestocked { amount: 1 }).idempotency_key(key).await;
            ids.push(made.expect("new, or known").id().clone());
            products.commit(shelf.id(), ProductReserved).idempotency_key(key).await.expect("new, or known");
        });
        handled.await;
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(products.find_one(shelf.id()).await.expect("there").quantity, 8);
    // A client has that key for itself.
    products.commit(shelf.id(), ProductReserved).idempotency_key("queue/orders/1").await.expect("new");
    assert_eq!(products.find_one(shelf.id()).await.expect("there").quantity, 7);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_handler_that_does_not_end_are_failures() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let panics = products.create(ProductRenamed("panics".into())).await.expect("new");
    let hangs = products.create(ProductRenamed("hangs".into())).await.expect("new");
    let handler = |event: Recorded<ProductEvent>, _: Context| async move {
        match &event.event {
            ProductRenamed(name) if name == "panics" => panic!("no paper"),
            _ => std::future::pending().await,
        }
    };
    let subscription = Subscription::new("watch").on::<Product>(handler).deadline(Duration::from_secs(7));
    let running = start(subscription, &store);
    for (product, error) in
        [(panics, "the handler panicked: no paper"), (hangs, "the handler was not done after 7s")]
    {
        let marker = loop {
            match parked(&store, "watch", product.id()).await {
                Some(marker) => break marker,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        assert_eq!(&*marker.error, error);
        assert!(marker.attempts >= 3);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_decoded_parks_its_resource_and_may_be_skipped() {
    let (store, seen) = (MemoryStore::new(), Seen::default());
    let event = |name: &'static str| EncodedEvent { event_type: name.into(), data: None };
    let commit = Commit {
        resource: ResourceKey::new("product", "p"),
        number: 1,
        events: vec![event("ProductReserved"), event("ProductPriced"), event("ProductReserved")],
        at: Timestamp::from_unix_millis(0),
        id: "c".into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    };
    assert_eq!(store.append(&commit).await.expect("memory"), Appended::Now);
    let running = start(watch(&seen), &store);
    let (key, id) = (SubscriptionKey::new("watch", "product"), ResourceId::from("p"));
    let marker = loop {
        match parked(&store, "watch", &id).await {
            Some(marker) => break marker,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!(
        &*marker.error,
        "event 2 of product p, of type \"ProductPriced\", cannot be read: no variant of the event enum has this name or alias"
    );
    assert_eq!((marker.number, marker.after, marker.waiting), (2, 0, 3));
    assert_eq!(seen.of(&id), [1]);

    let now = || Timestamp::from_unix_millis(1_900_000_000_000);
    let skip_event =
        |number| skip(&store, &key, &id, Skip { number, reason: "a mistake", by: "me", at: now() });
    assert!(matches!(skip_event(1).await, Err(ParkedError::AtAnother { expected: 1, actual: 2 })));
    loop {
        match skip_event(2).await {
            Ok(_) => break,
            Err(ParkedError::Claimed) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => panic!("{error}"),
        }
    }
    seen.until(&id, 3).await;
    until(|| true).await;
    while parked(&store, "watch", &id).await.is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
    assert_eq!(seen.of(&id), [1, 3]);
    let skipped = store.skipped(&key, &id).await.expect("memory");
    assert_eq!(skipped.len(), 1);
    assert_eq!((skipped[0].number, &*skipped[0].reason, &*skipped[0].by), (2, "a mistake", "me"));
    assert!(matches!(retry(&store, &key, &id, now()).await, Err(ParkedError::NotParked)));
}

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_is_in_flight_and_begins_nothing() {
    let (store, seen) = (MemoryStore::new(), Seen::default());
    let products = Repository::<Product>::new(store.clone());
    let mut one = products.create(ProductRestocked { amount: 9 }).await.expect("new");
    one.commit(ProductReserved).await.expect("there are some");
    // These wait for their turn.
    for _ in 0..20 {
        products.create(ProductRestocked { amount: 9 }).await.expect("new");
    }
    let begun = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (seen, begun) = (seen.clone(), begun.clone());
        move |event: Recorded<ProductEvent>, _: Context| {
            let (seen, begun) = (seen.clone(), begun.clone());
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(5)).await;
                seen.note(&event);
                Ok(())
            }
        }
    };
    let running = start(Subscription::new("slow").concurrency(1).on::<Product>(handler), &store);
    until(|| begun.load(Ordering::SeqCst) == 1).await;
    running.stop().await;
    assert_eq!(seen.of(one.id()), [1]);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_concurrency_are_handled_at_a_time() {
    let store = MemoryStore::new();
    let products = Repository::<Product>::new(store.clone());
    let (now, most, done) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..20 {
        products.create(ProductRestocked { amount: 9 }).await.expect("new");
    }
    let handler = {
        let (now, most, done) = (now.clone(), most.clone(), done.clone());
        move |_: Recorded<ProductEvent>, _: Context| {
            let (now, most, done) = (now.clone(), most.clone(), done.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        }
    };
    let running = start(Subscription::new("slow").on::<Product>(handler).concurrency(3), &store);
    until(|| done.load(Ordering::SeqCst) == 20).await;
    running.stop().await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
#[should_panic(expected = "is no name for a subscription")]
fn a_name_with_a_slash_is_refused() {
    drop(Subscription::new("a/b"));
}

#[test]
#[should_panic(expected = "has a handler for \"product\" already")]
fn a_type_has_one_handler() {
    let handler = |_: Recorded<ProductEvent>, _: Context| async { Ok(()) };
    drop(Subscription::new("twice").on::<Product>(handler).on::<Product>(handler));
}
