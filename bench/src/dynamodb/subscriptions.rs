//! What a subscription takes on DynamoDB, in a process of one's own: for each event, for what is parked, and while nothing
//! happens.
//!
//! What is asked for by whom is told apart by handles: the feed has one, and the keeper of progress and the events another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_event_sourcing::{
    Aggregate as _, Clock as _, Recorded, Repository, ResourceId, SystemClock,
    dynamodb::{Consumed, DynamoDbSubscriptions, Meter},
    subscription::{
        Backoff, Context, Failure, Progress, ProgressStore as _, Source, Subscription, SubscriptionKey,
        retry, with_state,
    },
};
use futures_util::future::try_join_all;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{Bench, figures::Figures};
use crate::{
    Result,
    domain::{Stock, StockEvent},
};

const NAME: &str = "costs";
const EVENTS: &str = "followed";
const SUBSCRIPTIONS: &str = "subscriptions";

const RESOURCES: usize = 100;
const ROUNDS: u32 = 5;

/// Resources that get several events within half a second, or cannot be handled.
const FEW: usize = 20;
const TOGETHER: u32 = 10;

/// Longer than what was done goes unsaved.
const SAVED: Duration = Duration::from_millis(1_500);

/// Longer than it takes until an answer has arrived.
const TOLD: Duration = Duration::from_millis(500);

/// The first attempt at what is parked comes 10 to 20 seconds later, and the second one not before all had their first.
const REDRIVE: Backoff = Backoff { first: Duration::from_secs(20), longest: Duration::from_secs(3_600) };

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

const MINUTE: Duration = Duration::from_secs(60);

pub(super) async fn measure(bench: &Bench, figures: &mut Figures) -> Result {
    bench.dynamodb.table(EVENTS).create().send().await?;
    bench.dynamodb.subscriptions_table(SUBSCRIPTIONS).create().send().await?;
    let following = Following::start(bench);
    delivered(&following, figures).await?;
    not_handled(&following, figures).await?;
    idle(&following, figures).await?;
    following.stop().await
}

/// Events that are handled.
async fn delivered(following: &Following, figures: &mut Figures) -> Result {
    let meters = &following.meters;
    // The first one is whatever it takes to begin.
    following.expect(1, following.create(1)).await?;
    meters.take();
    let ids = following.expect(RESOURCES, following.create(RESOURCES)).await?;
    let (handling, _) = meters.take();
    figures.cost(
        &format!("subscription: an event of a new resource, {RESOURCES} of them"),
        count(RESOURCES),
        handling,
        "",
    );

    let (mut handled, mut place) = (Consumed::default(), Consumed::default());
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        following.expect(RESOURCES, following.commit(&ids, 1)).await?;
        let (handling, following) = meters.take();
        handled += handling;
        place += following;
    }
    let events = ROUNDS * count(RESOURCES);
    figures.cost("subscription: an event of a resource handled before", events, handled, "");
    let seconds = begun.elapsed().as_secs_f64();
    let remark = format!("{:.1} requests a second", place.requests as f64 / seconds);
    figures.cost("subscription: the same, its share of following the stream", events, place, &remark);

    let ids = &ids[..FEW];
    following.expect(FEW * TOGETHER as usize, following.commit(ids, TOGETHER)).await?;
    let name = format!("subscription: the same, {TOGETHER} of each resource at once");
    figures.cost(&name, count(FEW) * TOGETHER, meters.take().0, "");
    Ok(())
}

/// Events that cannot be handled, at first.
async fn not_handled(following: &Following, figures: &mut Figures) -> Result {
    let Following { meters, state, .. } = following;
    let ids = following.expect(FEW, following.create(FEW)).await?;
    meters.take();

    state.fails.store(true, Ordering::Relaxed);
    following.commit(&ids, 1).await?;
    following.until(&ids, |progress| progress.parked.is_some()).await?;
    figures.cost("subscription: parking a resource", count(FEW), meters.take().0, "");

    let waits = |number: u64| {
        move |progress: &Progress| progress.parked.as_ref().is_some_and(|parked| parked.waiting >= number)
    };
    following.commit(&ids, 1).await?;
    following.until(&ids, waits(3)).await?;
    figures.cost("subscription: a further event of it", count(FEW), meters.take().0, "");

    let is_tried = |progress: &Progress| {
        progress.parked.as_ref().is_some_and(|parked| parked.attempts >= 2 && parked.claimed_until.is_none())
    };
    following.until(&ids, is_tried).await?;
    figures.cost("subscription: an attempt at it that fails", count(FEW), meters.take().0, "");

    following.commit(&ids, 1).await?;
    following.until(&ids, waits(4)).await?;
    figures.cost(
        "subscription: a further event of it after that",
        count(FEW),
        meters.take().0,
        "the record has changed meanwhile",
    );

    state.fails.store(false, Ordering::Relaxed);
    let now = SystemClock.now();
    let key = key();
    try_join_all(ids.iter().map(|id| retry(&following.progress, &key, id, now))).await?;
    following.until(&ids, |progress| progress.parked.is_none()).await?;
    figures.cost(
        "subscription: an attempt at it that succeeds",
        count(FEW),
        meters.take().0,
        "three events waited",
    );
    Ok(())
}

/// Nothing.
async fn idle(following: &Following, figures: &mut Figures) -> Result {
    let Meters { looking, records, .. } = &following.meters;
    sleep(SAVED).await;
    following.meters.take();
    looking.take();
    records.take();
    sleep(MINUTE).await;
    let (_, stream) = following.meters.take();
    let remark = format!("{} of the requests are GetRecords", records.take().requests);
    figures.cost("subscription: a minute without events, one shard", 1, stream, &remark);
    figures.cost("subscription: a minute of looking for what is due", 1, looking.take(), "");
    Ok(())
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn key() -> SubscriptionKey {
    SubscriptionKey::new(NAME, Stock::TYPE)
}

/// What the handler does, and has done.
#[derive(Default)]
struct State {
    fails: AtomicBool,
    handled: AtomicU64,
}

async fn handle(state: Arc<State>, _: Recorded<StockEvent>, _: Context) -> std::result::Result<(), Failure> {
    if state.fails.load(Ordering::Relaxed) {
        return Err(Failure::park(std::io::Error::other("it cannot be handled")));
    }
    state.handled.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// What is asked for, by what it is for.
#[derive(Default)]
struct Meters {
    /// Records of resources, and events that are read.
    handling: Meter,
    /// What is due.
    looking: Meter,
    /// The stream, and leases.
    following: Meter,
    /// Those of it that read records of the stream.
    records: Meter,
}

impl Meters {
    /// What was asked for since the last time to handle events, and to follow them.
    fn take(&self) -> (Consumed, Consumed) {
        (self.handling.take(), self.following.take())
    }
}

/// A subscription that runs.
struct Following {
    stocks: Repository<Stock>,
    /// A handle without a meter.
    progress: DynamoDbSubscriptions,
    meters: Meters,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Following {
    fn start(bench: &Bench) -> Self {
        let (meters, state) = (Meters::default(), Arc::new(State::default()));
        let subscriptions = || bench.dynamodb.subscriptions(SUBSCRIPTIONS);
        let store = bench.dynamodb.store().table(Stock::TYPE, EVENTS);
        let store = store.on_request(meters.handling.observer()).build();
        let (following, records) = (meters.following.observer(), meters.records.observer());
        let feed = subscriptions().on_request(move |request| {
            following(request);
            if request.operation == "GetRecords" {
                records(request);
            }
        });
        let (handling, looking) = (meters.handling.observer(), meters.looking.observer());
        let progress = subscriptions().on_request(move |request| match request.operation {
            "Query" => looking(request),
            _ => handling(request),
        });
        let source = Source {
            feed: Arc::new(feed.feed(&store)),
            events: Arc::new(store),
            progress: Arc::new(progress),
        };
        let subscription =
            Subscription::new(NAME).redrive(REDRIVE).on::<Stock>(with_state(state.clone(), handle));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopping = async move { drop(stopped.await) };
        Self {
            stocks: Repository::new(bench.dynamodb.store().table(Stock::TYPE, EVENTS).build()),
            progress: subscriptions(),
            meters,
            state,
            stop,
            task: tokio::spawn(subscription.run(move |_| source.clone(), stopping)),
        }
    }

    /// So many resources of one event each.
    async fn create(&self, count: usize) -> Result<Vec<ResourceId>> {
        try_join_all((0..count).map(async |_| {
            let created = self.stocks.create(StockEvent::StockTaken).await?;
            Ok(created.id().clone())
        }))
        .await
    }

    /// So many commits to each of these resources.
    async fn commit(&self, ids: &[ResourceId], commits: u32) -> Result {
        try_join_all(ids.iter().map(async |id| {
            for _ in 0..commits {
                self.stocks.commit(id, StockEvent::StockTaken).await?;
            }
            Result::Ok(())
        }))
        .await?;
        Ok(())
    }

    /// Does what leads to so many events, and waits until they are handled and that is saved.
    async fn expect<T>(&self, events: usize, does: impl Future<Output = Result<T>>) -> Result<T> {
        let expected = self.state.handled.load(Ordering::Relaxed) + events as u64;
        let done = does.await?;
        let waiting = async {
            while self.state.handled.load(Ordering::Relaxed) < expected {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, waiting).await?;
        sleep(SAVED).await;
        Ok(done)
    }

    /// Waits until the records of all of these resources are like that.
    async fn until(&self, ids: &[ResourceId], is_so: impl Fn(&Progress) -> bool) -> Result {
        let waiting = async {
            while !self
                .progress
                .load(&key(), ids)
                .await?
                .iter()
                .all(|record| record.as_ref().is_ok_and(&is_so))
            {
                sleep(Duration::from_millis(50)).await;
            }
            Result::Ok(())
        };
        timeout(PATIENCE, waiting).await??;
        // Whoever wrote them is told a moment later, and counts then.
        sleep(TOLD).await;
        Ok(())
    }

    async fn stop(self) -> Result {
        drop(self.stop);
        Ok(self.task.await?)
    }
}
