//! The whole of it: subscriptions that run in several processes, which come and go, on a store that is written to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_event_sourcing_core::{
    Aggregate, Event, Recorded, Repository, Timestamp,
    subscription::{
        Backoff, Context, Failure, Parked, Progress, ProgressStore as _, Redriven, Source, Start,
        Subscription,
    },
};
use aws_event_sourcing_dynamodb::{Consumed, DynamoDb, Meter};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{
    progress::with_marker,
    support::{Tables, dynamodb, key, until},
};

#[derive(Debug, Clone, Default)]
struct Notebook;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum NotebookEvent {
    NoteAdded { text: String },
}

impl Aggregate for Notebook {
    const TYPE: &'static str = "notebook";
    type Event = NotebookEvent;
    type Error = &'static str;

    fn validate(&self, _: &NotebookEvent) -> Result<(), &'static str> {
        Ok(())
    }

    fn apply(&mut self, _: &NotebookEvent) {}
}

/// What was handled of each resource, in the order in which it was.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<BTreeMap<String, Vec<u64>>>>);

impl Log {
    /// A handler that fails now and then.
    fn handler(
        &self,
        fails: fn(u64, &Context) -> bool,
    ) -> impl Fn(Recorded<NotebookEvent>, Context) -> std::future::Ready<Result<(), Failure>> + Send + Sync + use<>
    {
        let log = self.clone();
        move |event, context| {
            if fails(event.number, &context) {
                return std::future::ready(Err(Failure::park("not now")));
            }
            let mut handled = log.0.lock().expect("no test panics with it");
            handled.entry(event.resource.id.to_string()).or_default().push(event.number);
            std::future::ready(Ok(()))
        }
    }

    /// How many events of how many resources, none counted twice.
    fn count(&self) -> usize {
        let handled = self.0.lock().expect("no test panics with it");
        handled.values().map(|numbers| numbers.iter().copied().max().unwrap_or(0) as usize).sum()
    }

    /// Each event came, and none before the one before it had.
    fn check(&self, resources: usize, events: u64) {
        let handled = self.0.lock().expect("no test panics with it");
        assert_eq!(handled.len(), resources);
        for (resource, numbers) in handled.iter() {
            let mut next = 1;
            for number in numbers {
                assert!(*number <= next, "{resource}: {number} before {next} in {numbers:?}");
                next = next.max(number + 1);
            }
            assert_eq!(next, events + 1, "{resource}: {numbers:?}");
        }
    }
}

/// A process that runs a subscription, until it is told to stop or is killed.
struct Running {
    task: JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Running {
    fn start(tables: &Tables, dynamodb: &DynamoDb, subscription: Subscription) -> Self {
        let source = Source {
            events: Arc::new(tables.store(dynamodb)),
            feed: Arc::new(tables.feed(dynamodb)),
            progress: Arc::new(tables.progress(dynamodb)),
        };
        let (stop, told) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(subscription.run(move |_| source.clone(), async { drop(told.await) }));
        Self { task, stop }
    }

    async fn stop(self) {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("no panic");
    }

    fn kill(self) {
        self.task.abort();
    }
}

fn subscription(log: &Log, start: Start, fails: fn(u64, &Context) -> bool) -> Subscription {
    let soon = Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(200) };
    Subscription::new("tests").on::<Notebook>(log.handler(fails)).start(start).redrive(soon)
}

fn at_first(number: u64, context: &Context) -> bool {
    number % 3 == 2 && context.attempt() < 3
}

fn never(_: u64, _: &Context) -> bool {
    false
}

async fn write(tables: &Tables, dynamodb: &DynamoDb, resources: usize, events: u64) {
    let notebooks = Repository::<Notebook>::new(tables.store(dynamodb));
    let note = || NotebookEvent::NoteAdded { text: "a".into() };
    for _ in 0..events {
        for resource in 0..resources {
            let id = format!("n-{resource}");
            match notebooks.commit(&*id, note()).await {
                Ok(_) => {}
                Err(_) => drop(notebooks.create(note()).id(&*id).await.expect("created")),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_handled_in_order_whatever_becomes_of_processes() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    write(&tables, &dynamodb, 5, 6).await;
    let log = Log::default();
    let run = || Running::start(&tables, &dynamodb, subscription(&log, Start::Beginning, never));
    let (first, second) = (run(), run());
    until(async || log.count() == 30).await;

    write(&tables, &dynamodb, 5, 4).await;
    until(async || log.count() > 35).await;
    first.kill();
    write(&tables, &dynamodb, 5, 4).await;
    until(async || log.count() == 70).await;
    let third = run();
    second.kill();
    write(&tables, &dynamodb, 5, 4).await;
    until(async || log.count() == 90).await;
    third.stop().await;
    log.check(5, 18);
    let leases = tables.leases().await;
    assert!(leases.iter().all(|item| !item["owner"].is_object()), "all is given back: {leases:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_handled_is_parked_and_redriven() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    let log = Log::default();
    let running = Running::start(&tables, &dynamodb, subscription(&log, Start::Beginning, at_first));
    write(&tables, &dynamodb, 4, 8).await;
    until(async || log.count() == 32).await;
    let progress = tables.progress(&dynamodb);
    until(async || progress.parked(&key(), None, 10, None).await.expect("listed").resources.is_empty()).await;
    running.stop().await;
    log.check(4, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_reads_each_page_of_a_history_once() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    write(&tables, &dynamodb, 1, 200).await;
    let (log, meter) = (Log::default(), Meter::new());
    let progress = tables.progress(&dynamodb);
    let parked = with_marker(1).parked.map(|parked| Parked { number: 1, after: 0, waiting: 200, ..*parked });
    let parked = Progress { handled: None, parked: parked.map(Box::new), revision: 0 };
    progress.swap(&key(), &"n-0".into(), 0, &parked, None).await.expect("parked");
    let events = dynamodb.store().table("notebook", &*tables.events).on_request(meter.observer()).build();
    let feed = progress.feed(&events);
    let source = Source { events: Arc::new(events), feed: Arc::new(feed), progress: Arc::new(progress) };
    let subscription = subscription(&log, Start::Beginning, never);
    let cut_off = tokio::time::Instant::now() + Duration::from_secs(60);
    let redriven = subscription.redrive_due(&source, "notebook", cut_off).await.expect("redriven");
    assert_eq!(redriven, Redriven { released: 1, failed: 0 });
    log.check(1, 200);
    // One for its one page, and one that shows that nothing has come meanwhile.
    let Consumed { requests, read_units, .. } = meter.read();
    assert_eq!(requests, 2);
    assert!(read_units < 20.0, "{read_units}");
}

/// Parked and claimed by a clock that was two days ahead. To look for that is one request more.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_while_the_clock_was_ahead_is_redriven_when_it_is_set_right() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    write(&tables, &dynamodb, 3, 4).await;
    let (log, meter) = (Log::default(), Meter::new());
    let progress = tables.progress(&dynamodb).on_request(meter.observer());
    let events = tables.store(&dynamodb);
    let feed = progress.feed(&events);
    let source =
        Source { events: Arc::new(events), feed: Arc::new(feed), progress: Arc::new(progress.clone()) };
    let redrive = async || {
        let cut_off = tokio::time::Instant::now() + Duration::from_secs(60);
        let pauses = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
        let subscription = subscription(&log, Start::Beginning, never).redrive(pauses);
        subscription.redrive_due(&source, "notebook", cut_off).await.expect("redriven")
    };
    assert_eq!(redrive().await, Redriven::default());
    let Consumed { requests, write_units, read_units } = meter.take();
    assert_eq!((requests, write_units, read_units), (2, 0.0, 1.0), "nothing is parked");

    let since_now = |seconds| Timestamp::from(SystemTime::now() + Duration::from_secs(seconds));
    let ahead = since_now(2 * 24 * 60 * 60);
    for (number, (next, claimed_until)) in
        [(ahead, None), (ahead, Some(ahead)), (since_now(200), None)].into_iter().enumerate()
    {
        let parked = with_marker(1).parked.expect("a marker");
        let parked =
            Parked { number: 1, after: 0, waiting: 4, next_attempt_at: next, claimed_until, ..*parked };
        let parked = Progress { handled: None, parked: Some(Box::new(parked)), revision: 0 };
        progress.swap(&key(), &format!("n-{number}").into(), 0, &parked, None).await.expect("parked");
    }
    // The index may be a moment behind.
    until(async || progress.parked(&key(), None, 10, None).await.expect("listed").resources.len() == 3).await;
    assert_eq!(redrive().await, Redriven { released: 2, failed: 0 });
    log.check(2, 4);
    assert_eq!(redrive().await, Redriven::default(), "the third one is not due");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_now_gets_what_is_committed_from_then_on() {
    let tables = Tables::new().await;
    let dynamodb = dynamodb().await;
    write(&tables, &dynamodb, 3, 5).await;
    // Times of commits have a resolution of one millisecond.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let log = Log::default();
    let run = || Running::start(&tables, &dynamodb, subscription(&log, Start::Now, never));
    let running = run();
    let progress = tables.progress(&dynamodb);
    until(async || !progress.registered().await.expect("listed").is_empty()).await;
    write(&tables, &dynamodb, 3, 2).await;
    until(async || log.count() == 21).await;
    running.stop().await;
    write(&tables, &dynamodb, 3, 1).await;
    let running = run();
    until(async || log.count() == 24).await;
    running.stop().await;
    let handled = log.0.lock().expect("no test panics with it");
    for (resource, numbers) in handled.iter() {
        assert_eq!(*numbers, [6, 7, 8], "{resource}");
    }
}
