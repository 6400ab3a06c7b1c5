//! Randomised histories: many clients at once, on a few resources, through two repositories with caches of their own,
//! over a network that loses requests and answers. Whatever happens, what was acknowledged is one history without a
//! gap for each resource, and every read is a beginning of it that has all that had been acknowledged before.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_event_sourcing_core::{Aggregate, CommitError, Event, FindError, Repository, ResourceId};
use futures_util::{TryStreamExt as _, future::join_all};
use serde::{Deserialize, Serialize};
use testbed::{Fault, FaultyProxy};

use crate::support::{connect, dynamodb, new_table};

const CLIENTS: usize = 12;
const CALLS: usize = 40;
const RESOURCES: [&str; 3] = ["a", "b", "c"];

/// Remembers everything that happened to it.
#[derive(Debug, Clone, Default)]
struct Ledger {
    entries: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum LedgerEvent {
    EntryMade { entry: String },
}

impl Aggregate for Ledger {
    const TYPE: &'static str = "ledger";
    type Event = LedgerEvent;
    type Error = &'static str;

    fn validate(&self, _: &LedgerEvent) -> Result<(), &'static str> {
        Ok(())
    }

    fn apply(&mut self, LedgerEvent::EntryMade { entry }: &LedgerEvent) {
        self.entries.push(entry.clone());
    }
}

/// What clients have seen.
#[derive(Default)]
struct Seen {
    /// For each resource: the version that each acknowledged commit reached, with its entries.
    acknowledged: BTreeMap<&'static str, Vec<(u64, Vec<String>)>>,
    /// Entries of commits that failed, which may have been stored all the same.
    doubtful: BTreeSet<String>,
    /// What was read: the resource, the least version that it had to have, its entries.
    reads: Vec<(&'static str, u64, Vec<String>)>,
}

impl Seen {
    /// The largest version that anybody has been told of.
    fn version(&self, resource: &str) -> u64 {
        self.acknowledged.get(resource).into_iter().flatten().map(|(version, _)| *version).max().unwrap_or(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_one_gapless_history_whatever_the_network_does() {
    let table = new_table().await;
    let seed = fastrand::u64(..);
    let random = Mutex::new(fastrand::Rng::with_seed(seed));
    let proxy = FaultyProxy::start(dynamodb_local::url(), move |_| {
        match random.lock().expect("no test panics with it").u32(..100) {
            0..5 => Fault::DropAnswer,
            5..10 => Fault::DropRequest,
            10..13 => Fault::CutAnswer,
            13..17 => Fault::Answer { status: 400, error: "ThrottlingException" },
            17..20 => Fault::Answer { status: 500, error: "InternalServerError" },
            20..23 => Fault::DelayAnswer(Duration::from_millis(400)),
            23..35 => Fault::Delay(Duration::from_millis(20)),
            _ => Fault::None,
        }
    })
    .await;
    let mut ledgers = Vec::new();
    for _process in 0..2 {
        let faulty = connect()
            .endpoint_url(proxy.url())
            .attempt_timeout(Duration::from_millis(300))
            .deadline(Duration::from_millis(1_200))
            .connect()
            .await
            .expect("a connection");
        ledgers.push(Repository::<Ledger>::new(faulty.store().table("ledger", table.as_str()).build()));
    }

    let seen = Arc::new(Mutex::new(Seen::default()));
    let clients = (0..CLIENTS).map(|client| {
        let (ledgers, seen) = (ledgers[client % 2].clone(), Arc::clone(&seen));
        tokio::spawn(act(client, fastrand::Rng::with_seed(seed ^ client as u64), ledgers, seen))
    });
    for client in join_all(clients).await {
        client.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }

    let healthy = Repository::<Ledger>::new(dynamodb().await.store().table("ledger", table.as_str()).build());
    let seen = Arc::into_inner(seen).expect("all clients are done").into_inner().expect("none has panicked");
    for resource in RESOURCES {
        check(resource, &stored(&healthy, resource).await, &seen, seed);
    }
    let acknowledged: usize = seen.acknowledged.values().map(Vec::len).sum();
    assert!(acknowledged > CLIENTS * CALLS / 4, "seed {seed}: only {acknowledged} commits got through");
    assert!(proxy.requests().iter().any(|(_, fault)| *fault == Fault::DropAnswer), "no answer was dropped");
}

/// What one client does.
async fn act(client: usize, mut random: fastrand::Rng, ledgers: Repository<Ledger>, seen: Arc<Mutex<Seen>>) {
    let seen = || seen.lock().expect("no client panics with it");
    for call in 0..CALLS {
        let resource = RESOURCES[random.usize(..RESOURCES.len())];
        let known = seen().version(resource);
        if random.bool() {
            let found = match ledgers.find_one(resource).await {
                Ok(ledger) => ledger.entries.clone(),
                Err(FindError::NotFound { .. }) => Vec::new(),
                Err(error) => {
                    assert!(matches!(&error, FindError::Store(error) if error.is_retryable()), "{error:?}");
                    continue;
                }
            };
            seen().reads.push((resource, known, found));
            continue;
        }
        let entries: Vec<_> =
            (0..random.usize(1..4)).map(|event| format!("{client}/{call}/{event}")).collect();
        let events = || entries.iter().cloned().map(|entry| LedgerEvent::EntryMade { entry });
        let outcome = write(&ledgers, resource, known, events, &mut random, (client, call)).await;
        let mut seen = seen();
        match outcome {
            Ok(version) => seen.acknowledged.entry(resource).or_default().push((version, entries)),
            Err(CommitError::Store(error)) => {
                assert!(error.is_retryable(), "{error:?}");
                seen.doubtful.extend(entries);
            }
            Err(CommitError::Conflict { .. } | CommitError::Contended { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Commits in one of the ways that there are. Gives the version that was reached.
async fn write<E: Iterator<Item = LedgerEvent>>(
    ledgers: &Repository<Ledger>,
    resource: &'static str,
    known: u64,
    events: impl Fn() -> E + Sync,
    random: &mut fastrand::Rng,
    (client, call): (usize, usize),
) -> Result<u64, CommitError<&'static str>> {
    let key = format!("{client}-{call}");
    if known == 0 {
        // Whoever is first; the others are told so.
        let created = ledgers.create_all(events()).id(resource).await;
        return created.map(|ledger| ledger.version());
    }
    match random.u32(..4) {
        0 => ledgers.commit_all(resource, events()).expecting(known).await.map(|ledger| ledger.version()),
        1 => {
            // As a client does that had no answer.
            let first = ledgers.commit_all(resource, events()).idempotency_key(key.as_str()).await;
            let again = ledgers.commit_all(resource, events()).idempotency_key(key.as_str()).await;
            match (first, again) {
                (Ok(first), Ok(again)) => {
                    assert_eq!(first.version(), again.version(), "one key, one commit");
                    Ok(first.version())
                }
                (Ok(only), Err(_)) | (Err(_), Ok(only)) => Ok(only.version()),
                (Err(error @ CommitError::Store(_)), Err(_)) | (Err(_), Err(error)) => Err(error),
            }
        }
        2 => {
            let update = ledgers.update(resource, |_| Ok(events().collect::<Vec<_>>())).await;
            update.map(|ledger| ledger.version())
        }
        _ => ledgers.commit_all(resource, events()).await.map(|ledger| ledger.version()),
    }
}

/// The entries of a resource as they are stored, by number.
async fn stored(ledgers: &Repository<Ledger>, resource: &'static str) -> Vec<String> {
    let events: Vec<_> = ledgers.events(ResourceId::from(resource)).try_collect().await.expect("read");
    for (number, event) in (1..).zip(&events) {
        assert_eq!(event.number, number, "a gap in {resource}");
    }
    events
        .into_iter()
        .map(|event| match event.event {
            LedgerEvent::EntryMade { entry } => entry,
        })
        .collect()
}

fn check(resource: &str, stored: &[String], seen: &Seen, seed: u64) {
    let once: BTreeSet<_> = stored.iter().collect();
    assert_eq!(once.len(), stored.len(), "seed {seed}: something is stored twice in {resource}: {stored:?}");

    let mut explained = seen.doubtful.clone();
    for (version, entries) in seen.acknowledged.get(resource).into_iter().flatten() {
        let end = *version as usize;
        assert_eq!(
            stored.get(end - entries.len()..end),
            Some(entries.as_slice()),
            "seed {seed}: an acknowledged commit is not at version {version} of {resource}"
        );
        explained.extend(entries.iter().cloned());
    }
    for entry in stored {
        assert!(explained.contains(entry), "seed {seed}: {entry} is in {resource}, and nobody wrote it");
    }
    for (_, least, entries) in seen.reads.iter().filter(|(of, ..)| *of == resource) {
        assert!(
            entries.len() as u64 >= *least,
            "seed {seed}: version {} of {resource} was read after {least} had been acknowledged",
            entries.len()
        );
        assert_eq!(
            Some(entries.as_slice()),
            stored.get(..entries.len()),
            "seed {seed}: what was read is no beginning of {resource}"
        );
    }
}
