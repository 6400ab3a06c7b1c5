//! What handlers of messages and events commit, when these come more than once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_event_sourcing_core::{
    Commit, EventStore as _, MemoryStore, Repository, TraceParent, subscription::Failure,
};
use futures_util::{TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{
    BusEvent, Handlers, Message,
    fixture::{
        Fixture, Ledger,
        LedgerEvent::{LedgerEntered, LedgerOpened},
        event,
    },
};

/// One ledger that all write into, and what they open besides.
#[derive(Clone)]
struct Books {
    store: MemoryStore,
    ledgers: Repository<Ledger>,
    calls: Arc<AtomicUsize>,
}

impl Books {
    async fn new() -> Self {
        let store = MemoryStore::new();
        let ledgers = Repository::new(store.clone());
        ledgers.create(LedgerOpened).id("main").await.unwrap();
        Self { store, ledgers, calls: Arc::default() }
    }

    /// Writes twice into the ledger and opens another one. The first of all calls breaks off half-way. What is written is
    /// another thing each time.
    async fn write(self) -> Result<(), Failure> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.ledgers.commit("main", LedgerEntered { amount: 10 * call }).await?;
        if call == 0 {
            return Err(Failure::retry("the lights went out"));
        }
        let mut own = self.ledgers.create(LedgerOpened).await?;
        own.commit(LedgerEntered { amount: call }).await?;
        self.ledgers.commit("main", LedgerEntered { amount: 10 * call + 1 }).await?;
        Ok(())
    }

    fn handlers(&self) -> impl FnOnce(&mut Handlers) {
        let of_messages = {
            let books = self.clone();
            move |_: Message| books.clone().write()
        };
        let of_events = {
            let books = self.clone();
            move |_: BusEvent| books.clone().write()
        };
        move |handlers| {
            handlers.on_queue("orders", of_messages.clone());
            handlers.on_topic("alerts", of_messages);
            handlers.on_schedule("nightly", of_events.clone());
            handlers.on_event("order.placed", of_events);
        }
    }

    /// What is in the ledger, and how many others there are.
    async fn entries(&self) -> (Vec<usize>, usize) {
        let main = self.ledgers.find_one("main").await.unwrap();
        (main.0.clone(), self.ledgers.list(100, None).await.unwrap().ids.len() - 1)
    }

    async fn commits(&self) -> Vec<Commit> {
        stream::select_all(self.store.scan(&"ledger".into())).try_collect().await.unwrap()
    }
}

/// A documented event, of one message if it is one of several.
fn one(name: &str) -> Value {
    let mut event = event(name);
    if let Some(records) = event["Records"].as_array_mut() {
        records.truncate(1);
    }
    event
}

#[tokio::test]
async fn what_a_handler_commits_happens_once_and_tells_its_cause() {
    for (name, cause, trace) in [
        (
            "sqs",
            "queue/orders/059f36b4-87a3-44ab-83d2-661975830a7d",
            Some("5759e988bd862e3fe1be46a994272793"),
        ),
        ("sns", "topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e", None),
        ("event-bridge-schedule", "schedule/nightly/2015-10-08T16:53:06.000Z", None),
        ("scheduler", "schedule/default/nightly/2015-10-08T16:53:06.000Z", None),
        ("event-bridge", "event/order.placed/53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", None),
    ] {
        let books = Books::new().await;
        let function = Fixture::of_handlers(books.handlers());
        let first = function.answer(&one(name)).await;
        let is_told = match &first {
            Ok(answer) => !answer["batchItemFailures"].as_array().unwrap().is_empty(),
            Err(error) => error.contains("the lights went out"),
        };
        assert!(is_told, "{name}: {first:?}");
        assert_eq!(books.entries().await, (vec![0], 0), "{name}");
        for _ in 0..2 {
            let again = function.answer(&one(name)).await.unwrap();
            assert!(again.is_null() || again == json!({ "batchItemFailures": [] }), "{name}: {again}");
            assert_eq!(books.entries().await, (vec![0, 11], 1), "{name}");
        }
        assert_eq!(books.calls.load(Ordering::SeqCst), 3, "{name}");

        for commit in books.commits().await.iter().filter(|commit| commit.cause.is_some()) {
            assert_eq!(commit.cause.as_deref(), Some(cause), "{name}");
            let known = commit.trace.as_ref().map(TraceParent::trace_id);
            assert!(trace.is_none() || known.as_deref() == trace, "{name}: {known:?}");
        }
        assert_eq!(books.commits().await.iter().filter(|commit| commit.cause.is_none()).count(), 1);
    }
}

#[tokio::test]
async fn another_message_is_another_cause() {
    let books = Books::new().await;
    books.calls.store(1, Ordering::SeqCst);
    let function = Fixture::of_handlers(books.handlers());
    function.answer(&event("sqs")).await.unwrap();
    assert_eq!(books.entries().await.1, 3);

    // A schedule is one thing at one time, whatever it is called; and one of another group is another one.
    for (member, value, ledgers) in [
        ("id", "7f6b2f3e-5a0e-4d0c-9d8a-0a3b6a1f7c11", 4),
        ("id", "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", 4),
        ("time", "2015-10-09T16:53:06Z", 5),
    ] {
        let mut schedule = event("scheduler");
        schedule[member] = value.into();
        function.answer(&schedule).await.unwrap();
        assert_eq!(books.entries().await.1, ledgers, "{member} {value}");
    }
    let mut schedule = event("scheduler");
    schedule["resources"][0] = "arn:aws:scheduler:us-east-1:123456789012:schedule/billing/nightly".into();
    function.answer(&schedule).await.unwrap();
    assert_eq!(books.entries().await.1, 6);
}

#[tokio::test]
async fn a_client_cannot_take_the_key_of_a_message() {
    let books = Books::new().await;
    books.calls.store(1, Ordering::SeqCst);
    let key = "topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e";
    for key in [key.to_owned(), format!("{key}/2")] {
        books.ledgers.commit("main", LedgerEntered { amount: 7 }).idempotency_key(key).await.unwrap();
    }
    let function = Fixture::of_handlers(books.handlers());
    for _ in 0..2 {
        function.answer(&event("sns")).await.unwrap();
        assert_eq!(books.entries().await, (vec![7, 7, 10, 11], 1));
    }
}
