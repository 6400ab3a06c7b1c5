//! What a subscription adds: the time from an acknowledged commit to its handler, how fast the past is read again, and
//! what a resource that fails costs those that do not.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_event_sourcing::{
    Recorded, Repository,
    sqlite::SqliteStore,
    subscription::{Context, Failure, Source, Subscription, with_state},
};
use tokio::{
    sync::{Notify, oneshot},
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use crate::{
    Result,
    domain::{Stock, StockEvent},
    fill,
    memory::memory,
    report::{Report, median},
};

/// Commits a second while times are taken, and for how long, and of how many resources.
const RATE: u64 = 500;
const SECONDS: u64 = 6;
const RESOURCES: usize = 1_000;

/// Runs without and with a resource that fails, by turns.
const ROUNDS: usize = 5;

/// What is read again.
const PAST: (usize, u64) = (10_000, 100);
const EVENTS: u64 = PAST.0 as u64 * PAST.1;

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let (mut halves, mut tails, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let well = latencies(folder, &format!("well-{round}.db"), Failing::None, Writer::Same).await?;
        let ill = latencies(folder, &format!("ill-{round}.db"), Failing::One, Writer::Same).await?;
        halves.push(well.half);
        tails.push(well.tail);
        ratios.push(ill.tail / well.tail);
    }
    let name = format!("from a commit to its handler, {RATE} commits/s");
    let times = Latencies { half: median(&mut halves), tail: median(&mut tails) };
    times.report(&name, report);
    let apart = latencies(folder, "apart.db", Failing::None, Writer::Other).await?;
    apart.report("the same from another process, which nobody wakes", report);
    report.row(
        &format!("the same p99 with 1 of {RESOURCES} resources failing always"),
        format!("{:.2} ×", median(&mut ratios)),
        "",
        "beside a run in which none fails",
    );
    replay(folder, report).await
}

/// Whether a resource fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    None,
    One,
}

/// Who commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// The store that is followed.
    Same,
    /// Another one on the same file, as another process has it.
    Other,
}

/// Seconds.
struct Latencies {
    half: f64,
    tail: f64,
}

impl Latencies {
    fn report(&self, name: &str, report: &mut Report) {
        let Self { half, tail } = *self;
        report.row(&format!("{name}, p50"), format!("{:.2} ms", half * 1e3), report.beside_floor(half), "");
        report.row(&format!("{name}, p99"), format!("{:.2} ms", tail * 1e3), report.beside_floor(tail), "");
    }
}

/// When each commit was acknowledged and when it was handed over, in nanoseconds since the beginning.
struct Times {
    begun: Instant,
    acknowledged: Vec<AtomicI64>,
    handed_over: Vec<AtomicI64>,
}

impl Times {
    fn note(&self, times: &[AtomicI64], number: usize) {
        let now = i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        // The first time counts.
        let _ = times[number].compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }
}

async fn handle(
    (times, failing): (Arc<Times>, Option<aws_event_sourcing::ResourceId>),
    event: Recorded<StockEvent>,
    _: Context,
) -> std::result::Result<(), Failure> {
    if failing.is_some_and(|failing| failing == event.resource.id) {
        return Err(std::io::Error::other("it always fails").into());
    }
    if let StockEvent::StockAdded { amount } = event.event {
        times.note(&times.handed_over, amount as usize);
    }
    Ok(())
}

/// Commits at an even pace, each to the next resource, and the times until they are handed over.
async fn latencies(folder: &Path, name: &str, failing: Failing, writer: Writer) -> Result<Latencies> {
    let store = fill::store(folder, name).await?;
    let writes = match writer {
        Writer::Same => store.clone(),
        Writer::Other => SqliteStore::open(folder.join(name))?,
    };
    let stocks = Repository::<Stock>::new(writes.clone());
    let ids = fill::ids(RESOURCES);
    fill::histories(&store, &ids, 1, fill::MANY).await?;
    let commits = usize::try_from(RATE * SECONDS)?;
    let none = || (0..=commits).map(|_| AtomicI64::new(0)).collect();
    let times = Arc::new(Times { begun: Instant::now(), acknowledged: none(), handed_over: none() });
    let fails = (failing == Failing::One).then(|| ids[0].clone());
    let subscription =
        Subscription::new("latency").on::<Stock>(with_state((times.clone(), fails.clone()), handle));
    let running = start(subscription, &store);

    let mut pace = interval(Duration::from_micros(1_000_000 / RATE));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut commits_made = JoinSet::new();
    for number in 1..=commits {
        pace.tick().await;
        let (stocks, times, id) = (stocks.clone(), times.clone(), ids[number % RESOURCES].clone());
        commits_made.spawn(async move {
            let amount = u32::try_from(number).unwrap_or(u32::MAX);
            let committed = stocks.commit(&id, StockEvent::StockAdded { amount }).await;
            times.note(&times.acknowledged, number);
            committed.map(drop)
        });
    }
    while let Some(written) = commits_made.join_next().await {
        written??;
    }
    let is_awaited = |number: usize| fails.is_none() || !number.is_multiple_of(RESOURCES);
    let awaited: Vec<_> = (1..=commits).filter(|number| is_awaited(*number)).collect();
    while awaited.iter().any(|number| times.handed_over[*number].load(Ordering::Relaxed) == 0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop().await?;
    if writer == Writer::Other {
        writes.close().await?;
    }
    store.close().await?;
    // The first second is left out: everything is new to everybody.
    let mut waits: Vec<_> = awaited
        .into_iter()
        .filter(|number| *number as u64 > RATE)
        .map(|number| {
            let (from, to) = (&times.acknowledged[number], &times.handed_over[number]);
            let nanoseconds = to.load(Ordering::Relaxed) - from.load(Ordering::Relaxed);
            // The handler may be faster than the answer to the commit.
            nanoseconds.max(0) as f64 / 1e9
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    Ok(Latencies { half: waits[waits.len() / 2], tail: waits[waits.len() * 99 / 100] })
}

/// The argument that makes this program the process that reads the past.
pub(crate) const CHILD: &str = "replay-in-this-process";

/// Events a second through a handler that only counts them, in a process of its own, whose memory is watched.
async fn replay(folder: &Path, report: &mut Report) -> Result {
    let (resources, length) = PAST;
    let file = folder.join("replay.db");
    let store = SqliteStore::open(&file)?;
    fill::histories(&store, &fill::ids(resources), length, fill::MANY).await?;
    store.close().await?;

    let child = std::process::Command::new(std::env::current_exe()?).arg(CHILD).arg(&file).output()?;
    let output = String::from_utf8(child.stdout)?;
    let [rate, megabytes] = output.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("the reader said {output:?} {}", String::from_utf8_lossy(&child.stderr)).into());
    };
    let name = format!("handle {EVENTS} events of {resources} resources again");
    let note = format!("a handler that only counts; {megabytes} MB above the idle process");
    report.row(&name, format!("{rate} events/s"), "", &note);
    Ok(())
}

/// Handles all events of a store three times, and tells the median rate and the most memory above the idle process in MB.
pub(crate) async fn in_this_process(path: &Path) -> Result<String> {
    let store = SqliteStore::open(path)?;
    Repository::<Stock>::new(store.clone()).list(1, None).await?;
    let idle = memory("VmRSS:")?;
    let mut rates = Vec::new();
    for round in 0..3 {
        let counted = Arc::new((AtomicU64::new(0), Notify::new()));
        let count = {
            let counted = counted.clone();
            move |event: Recorded<StockEvent>, _: Context| {
                std::hint::black_box(&event);
                if counted.0.fetch_add(1, Ordering::Relaxed) + 1 == EVENTS {
                    counted.1.notify_one();
                }
                std::future::ready(Ok(()))
            }
        };
        let begun = Instant::now();
        let running = start(Subscription::new(&format!("replay-{round}")).on::<Stock>(count), &store);
        counted.1.notified().await;
        rates.push(EVENTS as f64 / begun.elapsed().as_secs_f64());
        running.stop().await?;
    }
    Ok(format!("{:.0} {:.0}\n", median(&mut rates), memory("VmHWM:")? - idle))
}

/// A subscription that runs.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn start(subscription: Subscription, store: &SqliteStore) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let source = Source::of(store);
    let stopping = async move { drop(stopped.await) };
    Running { stop, task: tokio::spawn(subscription.run(move |_| source.clone(), stopping)) }
}

impl Running {
    async fn stop(self) -> Result {
        drop(self.stop);
        Ok(self.task.await?)
    }
}
