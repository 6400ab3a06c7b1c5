//! What a network and a busy service do to requests, and what comes of it: retried within a deadline, recognised, or
//! one clear error.

use std::{error::Error as _, time::Duration};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, EncodedEvent, EventStore as _, Json, Repository, ResourceKey, StoreError,
    StoreErrorKind, Timestamp,
};
use aws_event_sourcing_dynamodb::{Consumed, DynamoDbStore, Meter};
use futures_util::{TryStreamExt, future::try_join_all};
use testbed::{Fault, FaultyProxy, Request};

use crate::support::{Notebook, NotebookEvent::NotebookOpened, connect, dynamodb, new_table, note};

/// A table, and a store that reaches it through a network with faults.
struct Bench {
    proxy: FaultyProxy,
    faulty: DynamoDbStore,
    healthy: DynamoDbStore,
    meter: Meter,
}

impl Bench {
    async fn new(policy: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let table = new_table().await;
        let proxy = FaultyProxy::start(dynamodb_local::url(), policy).await;
        let faulty = connect()
            .endpoint_url(proxy.url())
            .attempt_timeout(Duration::from_millis(500))
            .deadline(Duration::from_secs(3))
            .connect()
            .await
            .expect("a connection");
        let meter = Meter::new();
        let faulty = faulty.store().table("notebook", table.as_str()).on_request(meter.observer()).build();
        let healthy = dynamodb().await.store().table("notebook", table).build();
        Self { proxy, faulty, healthy, meter }
    }

    /// How many requests of that operation have arrived.
    fn arrived(&self, operation: &str) -> usize {
        self.proxy.requests().iter().filter(|(arrived, _)| arrived == operation).count()
    }

    async fn history(&self) -> Vec<Commit> {
        self.healthy.read(&resource(), 0).try_collect().await.expect("read")
    }
}

fn resource() -> ResourceKey {
    ResourceKey::new("notebook", "n-1")
}

fn commit(number: u64) -> Commit {
    Commit {
        resource: resource(),
        number,
        events: vec![EncodedEvent {
            event_type: "NoteAdded".into(),
            data: Some(Json::parse(r#"{"text":"a","x":1.5}"#).expect("JSON")),
        }],
        at: Timestamp::from_unix_millis(1_700_000_000_000 + number),
        id: format!("commit-{number}").into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    }
}

/// The error with all its causes, on one line.
fn explain(error: &StoreError) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    assert!(!line.contains('\n'), "{line}");
    line
}

fn failed(result: Result<Appended, AppendError>) -> StoreError {
    match result {
        Err(AppendError::Store(error)) => error,
        other => panic!("it should have failed: {other:?}"),
    }
}

/// This fault for the first requests of each operation, and none afterwards.
fn first(times: usize, fault: Fault) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    move |request| if request.index < times { fault.clone() } else { Fault::None }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_recognised_and_stored_once() {
    for fault in [Fault::DropAnswer, Fault::CutAnswer, Fault::DelayAnswer(Duration::from_secs(1))] {
        let bench = Bench::new(first(1, fault.clone())).await;
        assert_eq!(bench.faulty.append(&commit(1)).await.expect("stored"), Appended::Now, "{fault:?}");
        assert_eq!(bench.arrived("PutItem"), 2, "{fault:?}");
        assert_eq!(bench.meter.take().requests, 2, "{fault:?}");
        assert_eq!(bench.history().await, [commit(1)]);
        // Somebody else's answer was lost, as far as this call can tell.
        assert_eq!(bench.faulty.append(&commit(1)).await.expect("stored"), Appended::Before);
    }
}

#[tokio::test]
async fn a_repository_needs_no_read_after_a_lost_answer() {
    let bench = Bench::new(|request| match (request.operation.as_str(), request.index) {
        ("PutItem", 1) => Fault::DropAnswer,
        _ => Fault::None,
    })
    .await;
    let notebooks = Repository::<Notebook>::new(bench.faulty.clone());
    let mut notebook = notebooks.create(NotebookOpened).await.expect("created");
    bench.meter.take();
    notebook.commit(note(10)).await.expect("committed");
    let Consumed { requests, read_units, .. } = bench.meter.take();
    assert_eq!((requests, read_units), (2, 0.0));
    notebook.commit(note(10)).await.expect("committed");
    assert_eq!((notebook.version(), notebook.notes), (3, 2));
    let found = Repository::<Notebook>::new(bench.healthy).find_one(notebook.id()).await.expect("found");
    assert_eq!((found.version(), found.notes), (3, 2));
}

#[tokio::test]
async fn a_lost_answer_is_no_conflict_when_others_have_gone_on_meanwhile() {
    let bench = Bench::new(|request| match request.index {
        0 => Fault::DropAnswer,
        _ => Fault::Delay(Duration::from_millis(200)),
    })
    .await;
    let (commit_1, commit_2) = (commit(1), commit(2));
    let others = async {
        while bench.history().await.is_empty() {
            tokio::task::yield_now().await;
        }
        bench.healthy.append(&commit_2).await.expect("stored")
    };
    let (ours, theirs) = tokio::join!(bench.faulty.append(&commit_1), others);
    assert_eq!((ours.expect("stored"), theirs), (Appended::Now, Appended::Now));
    assert_eq!(bench.history().await, [commit(1), commit(2)]);
}

#[tokio::test]
async fn a_winner_is_a_winner_also_after_a_lost_request() {
    let bench = Bench::new(first(1, Fault::DropRequest)).await;
    let winner = Commit { id: "winner".into(), ..commit(1) };
    bench.healthy.append(&winner).await.expect("stored");
    match bench.faulty.append(&commit(1)).await {
        Err(AppendError::Conflict(Some(in_the_way))) => assert_eq!(*in_the_way, winner),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_passes_is_retried_until_it_has() {
    let answer = |status, error| Fault::Answer { status, error };
    for fault in [
        answer(400, "ThrottlingException"),
        answer(400, "ProvisionedThroughputExceededException"),
        answer(400, "RequestLimitExceeded"),
        answer(500, "InternalServerError"),
        answer(503, "ServiceUnavailable"),
        Fault::DropRequest,
        Fault::DropAnswer,
        Fault::CutAnswer,
    ] {
        let bench = Bench::new(first(4, fault.clone())).await;
        bench.faulty.append(&commit(1)).await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert_eq!(bench.arrived("PutItem"), 5, "{fault:?}");
        let read: Vec<_> = bench.faulty.read(&resource(), 0).try_collect().await.expect("read");
        assert_eq!((read, bench.arrived("Query")), (vec![commit(1)], 5), "{fault:?}");
        let streams = bench.faulty.scan(&"notebook".into());
        let scanned = streams.into_iter().map(TryStreamExt::try_collect::<Vec<_>>);
        let scanned = try_join_all(scanned).await.expect("scanned").concat();
        assert_eq!((scanned, bench.arrived("Scan")), (vec![commit(1)], 8), "{fault:?}");
    }
}

#[tokio::test]
async fn many_requests_that_are_throttled_at_once_do_not_use_up_each_others_attempts() {
    let bench = Bench::new(first(400, Fault::Answer { status: 400, error: "ThrottlingException" })).await;
    let notebooks = Repository::<Notebook>::new(bench.faulty.clone());
    let creates = (0..100).map(|_| notebooks.create(NotebookOpened).into_future());
    try_join_all(creates).await.expect("all are created");
}

#[tokio::test]
async fn what_does_not_pass_is_an_error_within_the_deadline_that_says_what_it_was() {
    let answer = |status, error| Fault::Answer { status, error };
    for (fault, says) in [
        (answer(400, "ThrottlingException"), "ThrottlingException"),
        (answer(400, "ProvisionedThroughputExceededException"), "ProvisionedThroughputExceededException"),
        (answer(500, "InternalServerError"), "InternalServerError"),
        (Fault::DropRequest, "PutItem on table promises-"),
        (Fault::DelayAnswer(Duration::from_secs(5)), "attempts"),
    ] {
        let bench = Bench::new(move |_| fault.clone()).await;
        let commit = commit(1);
        let call = tokio::time::timeout(Duration::from_secs(20), bench.faulty.append(&commit));
        let error = failed(call.await.expect("an answer in time"));
        let line = explain(&error);
        assert_eq!((error.kind(), error.is_retryable()), (StoreErrorKind::Unavailable, true), "{line}");
        assert!(line.contains(says) && line.contains("PutItem on table promises-"), "{line}");
        assert!(bench.arrived("PutItem") > 2, "{line}");
    }
}

#[tokio::test]
async fn after_an_error_the_same_commit_can_be_appended_again() {
    let bench = Bench::new(|_| Fault::DropAnswer).await;
    assert!(failed(bench.faulty.append(&commit(1)).await).is_retryable());
    assert_eq!(bench.healthy.append(&commit(1)).await.expect("stored"), Appended::Before);
    assert_eq!(bench.history().await, [commit(1)]);
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_not_tried_again() {
    for (error, kind) in [
        ("AccessDeniedException", StoreErrorKind::Denied),
        ("UnrecognizedClientException", StoreErrorKind::Denied),
        ("ResourceNotFoundException", StoreErrorKind::Misconfigured),
        ("ItemCollectionSizeLimitExceededException", StoreErrorKind::Full),
        ("ValidationException", StoreErrorKind::Internal),
    ] {
        let bench = Bench::new(move |_| Fault::Answer { status: 400, error }).await;
        let refused = failed(bench.faulty.append(&commit(1)).await);
        let line = explain(&refused);
        assert_eq!((refused.kind(), refused.is_retryable()), (kind, false), "{line}");
        assert!(line.contains("PutItem on table promises-"), "{line}");
        assert_eq!(bench.arrived("PutItem"), 1, "{line}");
    }
}

#[tokio::test]
async fn an_answer_of_another_server_is_told_from_dynamodbs() {
    for status in [200, 404] {
        let page = "<html><body>Welcome to nginx!</body></html>";
        let bench = Bench::new(move |_| Fault::Foreign { status, page }).await;
        let refused = failed(bench.faulty.append(&commit(1)).await);
        let line = explain(&refused);
        assert_eq!((refused.kind(), refused.is_retryable()), (StoreErrorKind::Internal, false), "{line}");
        let place = format!("({}/) gave an answer that cannot be understood: ", bench.proxy.url());
        assert!(line.contains(&place), "{status}: {line}");
    }
}

#[tokio::test]
async fn a_page_that_fails_for_a_while_costs_no_commit() {
    let bench = Bench::new(|request| match request.index % 3 {
        1 => Fault::DropAnswer,
        2 => Fault::Answer { status: 500, error: "InternalServerError" },
        _ => Fault::None,
    })
    .await;
    let notebooks = Repository::<Notebook>::new(bench.healthy.clone());
    let mut notebook = notebooks.create(NotebookOpened).await.expect("created");
    for _ in 0..12 {
        notebook.commit(note(300_000)).await.expect("committed");
    }
    let cold = Repository::<Notebook>::new(bench.faulty.clone());
    assert_eq!(cold.find_one(notebook.id()).await.expect("found").notes, 12);
    assert!(bench.arrived("Query") > 4);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_with_what_to_do() {
    let store = dynamodb().await.store().table("notebook", "no-such-table").build();
    let error = failed(store.append(&commit(1)).await);
    let line = explain(&error);
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{line}");
    assert!(line.contains("`eventctl table create no-such-table`") && line.contains("us-east-1"), "{line}");

    let store = dynamodb().await.store().build();
    let error = failed(store.append(&commit(1)).await);
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(explain(&error).ends_with(r#"no table is set for the resource type "notebook""#), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_within_the_deadline() {
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let connect = connect().endpoint_url(format!("http://{nobody}")).deadline(Duration::from_secs(1));
    let store = connect.connect().await.expect("set up").store().table("notebook", "t").build();
    let error = failed(store.append(&commit(1)).await);
    assert!(error.is_retryable(), "{}", explain(&error));
}
