//! Subscriptions of a host that is handed batches and may be cut off, as AWS Lambda is.

mod common;

use std::{
    collections::HashMap,
    slice,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_event_sourcing_core::{
    Commit, EventStore as _, MemoryStore, Recorded, Repository, ResourceId, ResourceKey, Timestamp,
    subscription::{
        Backoff, Batch, Context, Delivery, Failure, Feed as _, Handled, ProgressStore as _, Redriven,
        Registration, Source, Start, Subscription, SubscriptionKey, Swap, Unread, retry,
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use crate::common::{Product, ProductEvent, ProductReserved, ProductRestocked};

/// What a handler does with an event.
#[derive(Clone, Copy)]
enum Does {
    Well,
    Fails,
    Takes(Duration),
}

/// A subscription's world: a store, what its handler does, and what was handled.
#[derive(Clone)]
struct World {
    store: MemoryStore,
    products: Repository<Product>,
    does: Arc<Mutex<Does>>,
    handled: Arc<Mutex<HashMap<ResourceId, Vec<u64>>>>,
    begun: Instant,
    ahead: Arc<Mutex<Duration>>,
}

impl World {
    fn new(does: Does) -> Self {
        let store = MemoryStore::new();
        Self {
            products: Repository::new(store.clone()),
            store,
            does: Arc::new(Mutex::new(does)),
            handled: Arc::default(),
            begun: Instant::now(),
            ahead: Arc::default(),
        }
    }

    fn set_clock_ahead(&self, ahead: Duration) {
        *self.ahead.lock().expect("nobody panics") = ahead;
    }

    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().expect("nobody panics");
        (SystemTime::from(common::now_since(self.begun)) + ahead).into()
    }

    fn subscription(&self) -> Subscription {
        let world = self.clone();
        let handler = move |event: Recorded<ProductEvent>, _: Context| {
            let world = world.clone();
            async move {
                let does = *world.does.lock().expect("nobody panics");
                match does {
                    Does::Well => {}
                    Does::Fails => return Err(Failure::park("not today")),
                    Does::Takes(time) => tokio::time::sleep(time).await,
                }
                let mut handled = world.handled.lock().expect("nobody panics");
                handled.entry(event.resource.id).or_default().push(event.number);
                Ok(())
            }
        };
        let world = self.clone();
        Subscription::new("handed").on::<Product>(handler).clock(move || world.now())
    }

    fn source(&self) -> Source {
        Source::of(&self.store)
    }

    /// Resources with so many events each, one a commit, and all of these commits, resource by resource.
    async fn resources(&self, count: usize, events: usize) -> (Vec<ResourceId>, Batch) {
        let (mut ids, mut deliveries) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut product = self.products.create(ProductRestocked { amount: 99 }).await.expect("new");
            for _ in 1..events {
                product.commit(ProductReserved).await.expect("there are some");
            }
            let key = ResourceKey::new("product", product.id());
            let commits: Vec<_> = self.store.read(&key, 0).try_collect().await.expect("memory");
            deliveries.extend(commits);
            ids.push(product.id().clone());
        }
        let deliveries: Vec<_> =
            deliveries.into_iter().zip(1..).map(|(commit, position)| Delivery { commit, position }).collect();
        let up_to = deliveries.len() as u64;
        (ids, Batch { deliveries, unread: Vec::new(), up_to })
    }

    async fn registration(&self) -> Registration {
        let registered = self.subscription().register("product", &self.store).await;
        registered.expect("memory").expect("it follows that")
    }

    async fn handle(&self, batch: Batch, time: Duration) -> Handled {
        let registration = self.registration().await;
        let cut_off = Instant::now() + time;
        let handled = self.subscription().handle(&self.source(), &registration, batch, cut_off).await;
        assert!(Instant::now() < cut_off, "it answers before it is cut off");
        handled
    }

    async fn redrive(&self) -> Redriven {
        self.redrive_by(self.subscription(), Duration::from_secs(300)).await
    }

    async fn redrive_by(&self, subscription: Subscription, time: Duration) -> Redriven {
        let cut_off = Instant::now() + time;
        subscription.redrive_due(&self.source(), "product", cut_off).await.expect("memory")
    }

    fn handled(&self, id: &ResourceId) -> Vec<u64> {
        self.handled.lock().expect("nobody panics").get(id).cloned().unwrap_or_default()
    }

    fn now_does(&self, does: Does) {
        *self.does.lock().expect("nobody panics") = does;
    }

    /// Somebody has it for themselves.
    async fn is_claimed(&self, id: &ResourceId) {
        let key = SubscriptionKey::new("handed", "product");
        let mut progress =
            self.store.load(&key, slice::from_ref(id)).await.expect("memory").remove(0).expect("a record");
        let until = Timestamp::from(SystemTime::from(self.now()) + Duration::from_secs(10));
        let parked = progress.parked.as_mut().expect("it is parked");
        (parked.claimed_until, parked.next_attempt_at) = (Some(until), until);
        let swapped = self.store.swap(&key, id, progress.revision, &progress, None).await.expect("memory");
        assert!(matches!(swapped, Swap::Done(_)));
    }

    async fn is_parked(&self, id: &ResourceId) -> bool {
        let key = SubscriptionKey::new("handed", "product");
        let progress = self
            .store
            .load(&key, std::slice::from_ref(id))
            .await
            .expect("memory")
            .remove(0)
            .expect("a record");
        progress.parked.is_some()
    }
}

const LONG: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_once_however_often_it_comes() {
    let world = World::new(Does::Well);
    let (ids, batch) = world.resources(20, 3).await;
    for _ in 0..3 {
        let handled = world.handle(batch.clone(), LONG).await;
        assert_eq!(handled.up_to, 60);
        assert!(handled.error.is_none());
    }
    // Bisected: its second half, and a part of it.
    let (first, second) = batch.deliveries.split_at(31);
    for half in [second, first] {
        let batch = Batch { deliveries: half.to_vec(), unread: Vec::new(), up_to: 60 };
        assert_eq!(world.handle(batch, LONG).await.up_to, 60);
    }
    assert!(ids.iter().all(|id| world.handled(id) == [1, 2, 3]));
}

/// Whoever hands a batch over could not read some commits: their resources' turn decides, and nobody else waits.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_read_from_the_store_or_parked() {
    let world = World::new(Does::Well);
    let (ids, mut batch) = world.resources(4, 3).await;
    let (mended, damaged) = (&ids[1], &ids[2]);
    // The one is there by now, also when more comes behind it; of the other one nothing is.
    let lost = ResourceKey::new("product", "lost");
    batch.unread = batch
        .deliveries
        .extract_if(.., |delivery| {
            let Commit { resource, number, .. } = &delivery.commit;
            resource.id == *mended && *number != 3 || resource.id == *damaged
        })
        .map(|Delivery { commit: Commit { resource, number, .. }, position }| {
            let resource = if resource.id == *damaged { lost.clone() } else { resource };
            Unread { resource, number, position }
        })
        .collect();
    let handled = world.handle(batch, LONG).await;
    assert_eq!((handled.up_to, handled.error.is_none()), (12, true));
    for id in [&ids[0], mended, &ids[3]] {
        assert_eq!(world.handled(id), [1, 2, 3], "{id}");
    }
    assert!(world.is_parked(&lost.id).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_before_a_batch_is_read_from_the_store() {
    let world = World::new(Does::Well);
    let (ids, mut batch) = world.resources(2, 3).await;
    batch.deliveries.retain(|delivery| delivery.commit.number == 3);
    assert_eq!(world.handle(batch, LONG).await.up_to, 6);
    assert!(ids.iter().all(|id| world.handled(id) == [1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_parked_and_holds_up_no_batch_and_is_redriven_when_it_is_due() {
    let world = World::new(Does::Fails);
    let (ids, batch) = world.resources(3, 2).await;
    assert_eq!(world.handle(batch, LONG).await.up_to, 6);
    for id in &ids {
        assert!(world.is_parked(id).await && world.handled(id).is_empty());
    }
    assert_eq!(world.redrive().await, Redriven::default(), "nothing is due yet");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.redrive().await, Redriven { released: 0, failed: 3 });
    world.now_does(Does::Well);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.redrive().await, Redriven { released: 3, failed: 0 });
    for id in &ids {
        assert!(!world.is_parked(id).await);
        assert_eq!(world.handled(id), [1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_parked_while_the_clock_was_ahead_is_tried_when_it_is_set_right_and_then_after_pauses() {
    let world = World::new(Does::Fails);
    let (ids, batch) = world.resources(2, 2).await;
    world.set_clock_ahead(DAY * 2);
    assert_eq!(world.handle(batch, LONG).await.up_to, 4);
    assert_eq!(world.redrive().await, Redriven::default(), "nothing is due yet");
    world.set_clock_ahead(Duration::ZERO);
    assert_eq!(world.redrive().await, Redriven { released: 0, failed: 2 });
    assert_eq!(world.redrive().await, Redriven::default(), "it has failed just now");
    // Somebody is killed who had one to themselves.
    world.set_clock_ahead(DAY * 2);
    world.is_claimed(&ids[0]).await;
    world.set_clock_ahead(Duration::ZERO);
    world.now_does(Does::Well);
    assert_eq!(world.redrive().await, Redriven { released: 1, failed: 0 });
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(world.redrive().await, Redriven { released: 1, failed: 0 });
    for id in &ids {
        assert_eq!(world.handled(id), [1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_was_parked_while_the_clock_was_ahead_is_tried_by_one_redrive() {
    // More than are looked at at once.
    let world = World::new(Does::Fails);
    let (ids, batch) = world.resources(250, 1).await;
    world.set_clock_ahead(DAY * 2);
    world.handle(batch, LONG).await;
    world.set_clock_ahead(Duration::ZERO);
    world.now_does(Does::Well);
    assert_eq!(world.redrive().await, Redriven { released: ids.len(), failed: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_somebody_has_set_is_not_taken_for_a_clock_that_was_ahead() {
    let world = World::new(Does::Fails);
    let (_, batch) = world.resources(1, 1).await;
    let hour = Duration::from_secs(60 * 60);
    let patient = || world.subscription().redrive(Backoff { first: hour, longest: hour });
    let registration = world.registration().await;
    patient().handle(&world.source(), &registration, batch, Instant::now() + LONG).await;
    assert_eq!(world.redrive_by(patient(), LONG).await, Redriven::default(), "it is not due yet");
    tokio::time::sleep(hour).await;
    assert_eq!(world.redrive_by(patient(), LONG).await, Redriven { released: 0, failed: 1 });
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_due_also_when_the_clock_was_ahead_as_it_failed() {
    let world = World::new(Does::Fails);
    let (ids, batch) = world.resources(1, 3).await;
    world.set_clock_ahead(Duration::from_secs(120));
    world.handle(batch, LONG).await;
    world.set_clock_ahead(Duration::ZERO);
    let key = SubscriptionKey::new("handed", "product");
    retry(&world.store, &key, &ids[0], world.now()).await.expect("it is parked");
    // There is time for two of the three.
    world.now_does(Does::Takes(Duration::from_secs(3)));
    let redriven = world.redrive_by(world.subscription(), Duration::from_secs(10)).await;
    assert_eq!((redriven, world.handled(&ids[0])), (Redriven::default(), vec![1, 2]));
    assert_eq!(world.redrive().await, Redriven { released: 1, failed: 0 });
    assert_eq!(world.handled(&ids[0]), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn when_time_runs_short_it_stops_and_tells_how_far_it_came() {
    let world = World::new(Does::Takes(Duration::from_secs(7)));
    let (ids, batch) = world.resources(1, 20).await;
    let mut came = Vec::new();
    for _ in 0..20 {
        let handled = world.handle(batch.clone(), Duration::from_secs(60)).await;
        assert!(handled.error.is_none());
        came.push(handled.up_to);
        if handled.up_to == 20 {
            break;
        }
    }
    assert!(came.is_sorted() && came[0] > 0 && came[0] < 20, "{came:?}");
    assert_eq!(world.handled(&ids[0]), (1..=20).collect::<Vec<_>>(), "each once, in order: {came:?}");
    assert!(!world.is_parked(&ids[0]).await);
}

#[tokio::test(start_paused = true)]
async fn what_happened_before_is_caught_up_with_as_far_as_the_time_goes() {
    let world = World::new(Does::Takes(Duration::from_secs(7)));
    let (ids, _) = world.resources(1, 20).await;
    let registration = world.registration().await;
    let (mut came, mut is_finished) = (Vec::new(), false);
    while !is_finished {
        let part = world.store.follow(&registration.key, &registration).next().await;
        let mut part = part.expect("a part").expect("memory");
        // All of it is read in one batch, or none where nothing is left.
        part.batches = part.batches.take_until(tokio::time::sleep(Duration::from_secs(1))).boxed();
        let cut_off = Instant::now() + Duration::from_secs(60);
        let caught_up = world.subscription().catch_up(&world.source(), &registration, part, cut_off).await;
        is_finished = caught_up.expect("memory");
        assert!(Instant::now() < cut_off, "it answers before it is cut off");
        came.push(world.handled(&ids[0]).len());
        assert!(came.len() < 20, "{came:?}");
    }
    assert!(came.is_sorted() && came[0] > 0 && came[0] < 20, "{came:?}");
    assert_eq!(world.handled(&ids[0]), (1..=20).collect::<Vec<_>>(), "each once, in order: {came:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_cut_off_has_not_failed() {
    let world = World::new(Does::Takes(Duration::from_secs(25)));
    let (ids, batch) = world.resources(1, 1).await;
    for _ in 0..5 {
        assert_eq!(world.handle(batch.clone(), Duration::from_secs(10)).await.up_to, 0);
    }
    assert!(!world.is_parked(&ids[0]).await);
    assert_eq!(world.handle(batch, LONG).await.up_to, 1);
    assert_eq!(world.handled(&ids[0]), [1]);
}

#[tokio::test(start_paused = true)]
async fn one_that_begins_now_passes_over_what_was_before() {
    let world = World::new(Does::Well);
    let (ids, batch) = world.resources(1, 2).await;
    let later = world.subscription().start(Start::Now);
    let registration = later.register("product", &world.store).await.expect("memory").expect("followed");
    let mut batch = batch;
    batch.deliveries[0].commit.at = Timestamp::from_unix_millis(registration.started_at.as_unix_millis() - 1);
    batch.deliveries[1].commit.at = registration.started_at;
    let cut_off = Instant::now() + LONG;
    let handled = later.handle(&world.source(), &registration, batch, cut_off).await;
    assert_eq!(handled.up_to, 2);
    assert_eq!(world.handled(&ids[0]), [2]);
    assert!(later.register("reorder", &world.store).await.expect("memory").is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_began_while_the_clock_was_ahead_passes_over_nothing() {
    let world = World::new(Does::Well);
    let (ids, mut batch) = world.resources(1, 2).await;
    world.set_clock_ahead(DAY * 2);
    let begun = world.subscription().start(Start::Now);
    let registration = begun.register("product", &world.store).await.expect("memory").expect("followed");
    world.set_clock_ahead(Duration::ZERO);
    for delivery in &mut batch.deliveries {
        delivery.commit.at = world.now();
    }
    // They are handed over a while after they were committed.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let cut_off = Instant::now() + LONG;
    let handled = world.subscription().handle(&world.source(), &registration, batch, cut_off).await;
    assert_eq!((handled.up_to, world.handled(&ids[0])), (2, vec![1, 2]));
}

#[tokio::test(start_paused = true)]
async fn what_a_record_says_was_handled_is_handled_when_the_history_has_less() {
    // Four events were handled; then the events were restored to the second, and not the records.
    let key = SubscriptionKey::new("handed", "product");
    for (batch_begins_with, again) in [(3, vec![3]), (1, vec![1, 2, 3])] {
        let world = World::new(Does::Well);
        let (ids, batch) = world.resources(1, 3).await;
        world.registration().await;
        world.store.advance(&key, &[(ids[0].clone(), 4)]).await.expect("memory");
        let deliveries = batch.deliveries.into_iter().filter(|one| one.commit.number >= batch_begins_with);
        let batch = Batch { deliveries: deliveries.collect(), unread: Vec::new(), up_to: 3 };
        let handled = world.handle(batch, Duration::from_secs(30)).await;
        assert_eq!((handled.up_to, handled.error.is_none()), (3, true));
        assert_eq!(world.handled(&ids[0]), again);
        let progress = world.store.load(&key, &ids).await.expect("memory");
        assert_eq!(progress[0].as_ref().expect("a record").handled, Some(3), "its record is what there is");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_comes_again_in_part_is_passed_over_while_the_history_has_the_rest() {
    let world = World::new(Does::Well);
    let (ids, batch) = world.resources(1, 4).await;
    world.handle(batch.clone(), Duration::from_secs(30)).await;
    assert_eq!(world.handled(&ids[0]), [1, 2, 3, 4]);
    let part = Batch { deliveries: batch.deliveries[1..3].to_vec(), unread: Vec::new(), up_to: 3 };
    let handled = world.handle(part, Duration::from_secs(30)).await;
    assert_eq!((handled.up_to, handled.error.is_none()), (3, true));
    assert_eq!(world.handled(&ids[0]), [1, 2, 3, 4]);
}
