//! What a process does whose table is restored to an earlier state under its name, or which somebody deletes items of.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{CommitError, FindError, Repository, StoreErrorKind};
use aws_event_sourcing_dynamodb::{Breach, Consumed, Meter};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testbed::{Fault, FaultyProxy, Request};

use crate::support::{
    Notebook, NotebookEvent::NotebookOpened, ask, connect, dynamodb, make_table, new_table, note,
};

/// A process that has read a notebook of version 4.
struct Warm {
    table: String,
    proxy: FaultyProxy,
    notebooks: Repository<Notebook>,
    meter: Meter,
    id: String,
}

impl Warm {
    /// It takes its table for the same for that long.
    async fn new(look_every: Duration, policy: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let table = new_table().await;
        let proxy = FaultyProxy::start(dynamodb_local::url(), policy).await;
        let connect = connect().endpoint_url(proxy.url()).look_every(look_every);
        let dynamodb = connect.connect().await.expect("a connection");
        let meter = Meter::new();
        let store = dynamodb.store().table("notebook", table.as_str());
        let notebooks = Repository::<Notebook>::new(store.on_request(meter.observer()).build());
        let mut notebook = notebooks.create(NotebookOpened).await.expect("created");
        for _ in 0..3 {
            notebook.commit(note(10)).await.expect("committed");
        }
        meter.take();
        let id = notebook.id().to_string();
        Self { table, proxy, notebooks, meter, id }
    }

    /// One to which no look at the table is recent enough.
    async fn looking_always() -> Self {
        Self::new(Duration::ZERO, |_| Fault::None).await
    }

    /// How often it has looked which table it is.
    fn looks(&self) -> usize {
        self.proxy.requests().iter().filter(|(arrived, _)| arrived == "DescribeTable").count()
    }

    fn consumed(&self) -> (u64, f64, f64) {
        let Consumed { requests, write_units, read_units } = self.meter.take();
        (requests, write_units, read_units)
    }

    async fn items(&self) -> Vec<Value> {
        let query = json!({
            "TableName": self.table, "ConsistentRead": true, "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": { ":id": { "S": self.id } },
        });
        ask("Query", query).await["Items"].as_array().expect("items").clone()
    }

    async fn numbers(&self) -> Vec<u64> {
        let number =
            |item: &Value| item["number"]["N"].as_str().expect("a number").parse().expect("a number");
        self.items().await.iter().map(number).collect()
    }

    async fn delete_table(&self) -> Vec<Value> {
        let items = self.items().await;
        ask("DeleteTable", json!({ "TableName": self.table })).await;
        items
    }

    /// Makes the table anew, with the first two of these.
    async fn make_table_of(&self, items: Vec<Value>) {
        make_table(&self.table).await;
        for item in items.into_iter().take(2) {
            ask("PutItem", json!({ "TableName": self.table, "Item": item })).await;
        }
    }

    async fn restore(&self) {
        let items = self.delete_table().await;
        self.make_table_of(items).await;
    }

    /// Another process, which knows nothing yet.
    async fn other(&self) -> Repository<Notebook> {
        Repository::new(dynamodb().await.store().table("notebook", self.table.as_str()).build())
    }
}

#[tokio::test]
async fn a_commit_goes_behind_what_a_restored_table_has() {
    let warm = Warm::looking_always().await;
    warm.restore().await;
    let notebook = warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    assert_eq!((notebook.version(), notebook.notes), (3, 2));
    assert_eq!(warm.numbers().await, [1, 2, 3]);
    let found = warm.other().await.find_one(&*warm.id).await.expect("found");
    assert_eq!((found.version(), found.notes), (3, 2));
}

#[tokio::test]
async fn once_read_what_a_restored_table_has_is_as_warm_as_before() {
    let warm = Warm::looking_always().await;
    warm.restore().await;
    warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    // The commit that it had read is not there; all that is; and what it writes.
    assert_eq!(warm.consumed(), (3, 1.0, 2.0));
    for _ in 0..3 {
        warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
        assert_eq!(warm.consumed(), (1, 1.0, 0.0));
    }
}

#[tokio::test]
async fn what_others_have_written_to_a_restored_table_is_followed() {
    let warm = Warm::looking_always().await;
    warm.restore().await;
    let other = warm.other().await;
    other.commit(&*warm.id, note(10)).await.expect("committed");
    other.commit_all(&*warm.id, [note(10), note(10)]).await.expect("committed");
    let notebook = warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    assert_eq!((notebook.version(), notebook.notes), (6, 5));
    assert_eq!(warm.numbers().await, [1, 2, 3, 4, 6]);
}

#[tokio::test]
async fn a_table_that_was_not_there_for_a_moment_is_doubted() {
    let warm = Warm::new(Duration::from_secs(600), |_| Fault::None).await;
    let items = warm.delete_table().await;
    let Err(CommitError::Store(error)) = warm.notebooks.commit(&*warm.id, note(10)).await else {
        panic!("committed")
    };
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    warm.make_table_of(items).await;
    let notebook = warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    assert_eq!(notebook.version(), 3);
    assert_eq!(warm.numbers().await, [1, 2, 3]);
}

#[tokio::test]
async fn where_nobody_knows_which_table_it_is_a_commit_reads_first() {
    let denied = Fault::Answer { status: 400, error: "AccessDeniedException" };
    let busy = Fault::Answer { status: 400, error: "ThrottlingException" };
    // Nobody waits for an answer that does not come.
    for fault in [denied, busy, Fault::Delay(Duration::from_secs(3_600))] {
        let fails = fault.clone();
        let warm = Warm::new(Duration::ZERO, move |request| match &*request.operation {
            "DescribeTable" => fails.clone(),
            _ => Fault::None,
        })
        .await;
        warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
        assert_eq!(warm.consumed(), (2, 1.0, 1.0), "{fault:?}");
        warm.restore().await;
        let notebook = warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
        assert_eq!(notebook.version(), 3, "{fault:?}");
        assert_eq!(warm.numbers().await, [1, 2, 3], "{fault:?}");
        if let Fault::Answer { error: "AccessDeniedException", .. } = fault {
            assert_eq!(warm.looks(), 1, "who may not look does not try it each time");
        }
    }
}

#[tokio::test]
async fn commits_at_the_same_time_share_a_look() {
    let warm = Warm::new(Duration::ZERO, |request| match &*request.operation {
        // Long enough for all to ask.
        "DescribeTable" => Fault::Delay(Duration::from_millis(300)),
        _ => Fault::None,
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(warm.notebooks.create(NotebookOpened).await.expect("created").id().clone());
    }
    let before = warm.looks();
    let commits = ids.iter().map(async |id| warm.notebooks.commit(id, note(10)).await.expect("committed"));
    join_all(commits).await;
    assert!(warm.looks() - before <= 3, "{}", warm.looks() - before);
}

#[tokio::test]
async fn a_look_costs_no_units_and_is_one_for_many_commits() {
    let warm = Warm::looking_always().await;
    // What was read before the first look is looked at once.
    warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    warm.consumed();
    let before = warm.looks();
    warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    assert_eq!((warm.consumed(), warm.looks()), ((1, 1.0, 0.0), before + 1));

    let warm = Warm::new(Duration::from_secs(600), |_| Fault::None).await;
    for _ in 0..20 {
        warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
        assert_eq!((warm.consumed(), warm.looks()), ((1, 1.0, 0.0), 1));
    }
}

#[tokio::test]
async fn a_find_notices_at_no_cost() {
    let warm = Warm::new(Duration::from_secs(600), |_| Fault::None).await;
    warm.notebooks.find_one(&*warm.id).await.expect("found");
    assert_eq!(warm.consumed(), (1, 0.0, 1.0));
    warm.restore().await;
    let notebook = warm.notebooks.find_one(&*warm.id).await.expect("found");
    assert_eq!((notebook.version(), notebook.notes), (2, 1));
    assert_eq!(warm.consumed(), (2, 0.0, 2.0));
    let Err(FindError::NoSuchVersion { version: 4, actual: 2, .. }) =
        warm.notebooks.find_one_at(&*warm.id, 4).await
    else {
        panic!("found")
    };
}

#[tokio::test]
async fn a_large_last_commit_is_not_read_again_where_the_table_is_the_same() {
    let warm = Warm::new(Duration::from_secs(600), |_| Fault::None).await;
    warm.notebooks.commit(&*warm.id, note(50_000)).await.expect("committed");
    warm.consumed();
    warm.notebooks.find_one(&*warm.id).await.expect("found");
    assert_eq!(warm.consumed(), (1, 0.0, 1.0));
}

#[tokio::test]
async fn a_find_notices_also_where_the_last_commit_is_large() {
    let warm = Warm::looking_always().await;
    warm.notebooks.commit(&*warm.id, note(50_000)).await.expect("committed");
    warm.notebooks.find_one(&*warm.id).await.expect("found");
    warm.restore().await;
    let notebook = warm.notebooks.find_one(&*warm.id).await.expect("found");
    assert_eq!((notebook.version(), notebook.notes), (2, 1));
}

/// DynamoDB has too much to do to say which table it is, until the table is another one.
#[tokio::test]
async fn what_was_read_before_anybody_knew_which_table_it_is_is_read_again() {
    let busy = Arc::new(AtomicBool::new(true));
    let is_busy = Arc::clone(&busy);
    let warm = Warm::new(Duration::ZERO, move |request| match &*request.operation {
        "DescribeTable" if is_busy.load(Ordering::SeqCst) => {
            Fault::Answer { status: 400, error: "ThrottlingException" }
        }
        _ => Fault::None,
    })
    .await;
    warm.restore().await;
    busy.store(false, Ordering::SeqCst);
    let notebook = warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
    assert_eq!(notebook.version(), 3);
    assert_eq!(warm.numbers().await, [1, 2, 3]);
}

/// Nothing permits it: neither the library nor the roles of the templates. The table is the same, so a commit in between
/// cannot know.
#[tokio::test]
async fn items_deleted_by_hand_are_noticed_by_the_next_read_and_a_commit_before_it_is_told_from_a_gap() {
    for reads_first in [true, false] {
        let warm = Warm::looking_always().await;
        warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed");
        let lost = warm.items().await[4]["commit"]["S"].as_str().expect("a commit id").to_owned();
        for number in ["3", "4", "5"] {
            let key = json!({ "id": { "S": warm.id }, "number": { "N": number } });
            ask("DeleteItem", json!({ "TableName": warm.table, "Key": key })).await;
        }
        if reads_first {
            assert_eq!(warm.notebooks.find_one(&*warm.id).await.expect("found").version(), 2);
            assert_eq!(warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed").version(), 3);
            assert_eq!(warm.numbers().await, [1, 2, 3]);
            continue;
        }
        assert_eq!(warm.notebooks.commit(&*warm.id, note(10)).await.expect("committed").version(), 6);
        let Err(FindError::Unreadable(error)) = warm.other().await.find_one(&*warm.id).await else {
            panic!("found")
        };
        assert_eq!((error.resource.id.as_str(), error.number), (&*warm.id, Some(3)));
        let reason = error.source().expect("a reason").to_string();
        assert_eq!(
            reason,
            format!(
                "number 6 follows the commit {lost:?}, which is not there: the store was restored to an earlier state, or \
                 events were deleted, while a process went on writing"
            )
        );
    }
}

#[tokio::test]
async fn an_item_that_is_no_commit_does_not_keep_others_from_being_verified() {
    let warm = Warm::looking_always().await;
    warm.other().await.create(NotebookOpened).await.expect("created");
    let item = json!({ "id": { "S": warm.id }, "number": { "N": "2" }, "type": { "S": "NoteAdded" } });
    ask("PutItem", json!({ "TableName": warm.table, "Item": item })).await;
    let table = dynamodb().await.table(warm.table.as_str());
    let verification = table.verify().send().await.expect("read");
    let [broken] = &*verification.broken else { panic!("{verification}") };
    assert_eq!((&*broken.id, &*broken.number, broken.orphans, &*broken.last), (&*warm.id, "2", 3, "4"));
    assert_eq!(
        broken.breach,
        Breach::Unreadable {
            why: format!(
                "the item {} number 2 of table {} has an unreadable \"at\": it is not there",
                warm.id, warm.table
            )
        }
    );
    assert_eq!((verification.verified.resources, verification.verified.commits), (2, 4));
}
