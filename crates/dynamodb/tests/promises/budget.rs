//! Requests and capacity units: the table in the documentation of `DynamoDbStore`, row by row, through a `Repository`.

use aws_event_sourcing_core::{CacheSettings, Repository};
use aws_event_sourcing_dynamodb::{Consumed, Meter};
use futures_util::{StreamExt as _, TryStreamExt as _, future::ready, stream};

use crate::support::{Notebook, NotebookEvent::NotebookOpened, dynamodb, new_table, note};

/// Lengths of a history: what is promised does not depend on it.
const LENGTHS: [usize; 3] = [1, 40, 400];

/// A process: a repository with a cache of its own, and a meter of what it consumes.
struct Process {
    notebooks: Repository<Notebook>,
    meter: Meter,
}

impl Process {
    async fn on(table: &str) -> Self {
        Self::with(table, CacheSettings::default()).await
    }

    async fn with(table: &str, cache: CacheSettings) -> Self {
        let meter = Meter::new();
        let store = dynamodb().await.store().table("notebook", table).on_request(meter.observer());
        Self { notebooks: Repository::builder(store.build()).cache(cache).build(), meter }
    }

    /// What has been consumed since this was last asked.
    fn consumed(&self) -> (u64, f64, f64) {
        let Consumed { requests, write_units, read_units } = self.meter.take();
        (requests, write_units, read_units)
    }

    /// A resource with a history of that length, in commits of one small event, and known to this process.
    async fn history(&self, length: usize) -> String {
        let mut notebook = self.notebooks.create(NotebookOpened).await.expect("created");
        for _ in 1..length {
            notebook.commit(note(10)).await.expect("committed");
        }
        self.consumed();
        notebook.id().to_string()
    }
}

#[tokio::test]
async fn a_create_is_one_request_and_two_units_one_of_them_for_the_list() {
    let process = Process::on(&new_table().await).await;
    process.notebooks.create(NotebookOpened).await.expect("created");
    assert_eq!(process.consumed(), (1, 2.0, 0.0));
    process.notebooks.create(NotebookOpened).idempotency_key("k").await.expect("created");
    assert_eq!(process.consumed(), (1, 2.0, 0.0));
    process.notebooks.create(note(3 * 1024)).await.expect("created");
    assert_eq!(process.consumed(), (1, 4.0 + 1.0, 0.0));
}

#[tokio::test]
async fn a_warm_commit_is_one_request_and_a_unit_for_each_kilobyte() {
    let process = Process::on(&new_table().await).await;
    for length in LENGTHS {
        let id = process.history(length).await;
        process.notebooks.commit(&*id, note(10)).await.expect("committed");
        assert_eq!(process.consumed(), (1, 1.0, 0.0), "after {length}");
        process.notebooks.commit(&*id, note(10)).idempotency_key("k").await.expect("committed");
        assert_eq!(process.consumed(), (1, 1.0, 0.0), "after {length}");
        process.notebooks.update(&*id, |_| Ok(vec![note(10)])).await.expect("committed");
        assert_eq!(process.consumed(), (1, 1.0, 0.0), "after {length}");
        process.notebooks.commit(&*id, note(2_500)).await.expect("committed");
        assert_eq!(process.consumed(), (1, 3.0, 0.0), "after {length}");
    }
}

#[tokio::test]
async fn five_events_in_one_commit_cost_what_one_event_does() {
    let process = Process::on(&new_table().await).await;
    for length in LENGTHS {
        let id = process.history(length).await;
        let notes = [note(100), note(100), note(100), note(100), note(100)];
        process.notebooks.commit_all(&*id, notes).await.expect("committed");
        assert_eq!(process.consumed(), (1, 1.0, 0.0), "after {length}");
    }
}

#[tokio::test]
async fn a_warm_commit_that_loses_one_race_reads_nothing() {
    let table = new_table().await;
    let (winner, loser) = (Process::on(&table).await, Process::on(&table).await);
    for length in LENGTHS {
        let id = winner.history(length).await;
        loser.notebooks.find_one(&*id).await.expect("found");
        loser.consumed();
        winner.notebooks.commit(&*id, note(10)).await.expect("committed");
        assert_eq!(winner.consumed(), (1, 1.0, 0.0));
        let notebook = loser.notebooks.commit(&*id, note(10)).await.expect("committed");
        assert_eq!(loser.consumed(), (2, 2.0, 0.0), "after {length}");
        assert_eq!((notebook.version(), notebook.notes), (length as u64 + 2, length as u64 + 1));
    }
}

#[tokio::test]
async fn a_warm_commit_that_missed_more_than_one_commit_catches_up_with_one_read() {
    let table = new_table().await;
    let (winner, loser) = (Process::on(&table).await, Process::on(&table).await);
    let id = winner.history(40).await;
    loser.notebooks.find_one(&*id).await.expect("found");
    for _ in 0..7 {
        winner.notebooks.commit(&*id, note(10)).await.expect("committed");
    }
    loser.consumed();
    loser.notebooks.commit(&*id, note(10)).await.expect("committed");
    // Lost, lost again on what came back, caught up, won.
    assert_eq!(loser.consumed(), (4, 3.0, 1.0));
}

#[tokio::test]
async fn a_warm_find_is_one_request_and_one_unit() {
    let table = new_table().await;
    let (writer, reader) = (Process::on(&table).await, Process::on(&table).await);
    for length in LENGTHS {
        let id = writer.history(length).await;
        writer.notebooks.find_one(&*id).await.expect("found");
        assert_eq!(writer.consumed(), (1, 0.0, 1.0), "after {length}");

        reader.notebooks.find_one(&*id).await.expect("found");
        writer.notebooks.commit(&*id, note(10)).await.expect("committed");
        reader.consumed();
        reader.notebooks.find_one(&*id).await.expect("found");
        assert_eq!(reader.consumed(), (1, 0.0, 1.0), "after {length}, with one more");
    }
}

/// Bytes of the items of a history, by the units that a read of all of them takes.
fn units_of(commits: usize, bytes_each: usize) -> std::ops::RangeInclusive<f64> {
    let bytes = commits * bytes_each;
    (bytes.div_ceil(4096) as f64)..=((bytes + commits * 60).div_ceil(4096) as f64)
}

#[tokio::test]
async fn a_cold_find_and_a_cold_commit_read_the_history_once() {
    let table = new_table().await;
    let writer = Process::on(&table).await;
    for length in LENGTHS {
        let id = writer.history(length).await;
        let cold = Process::on(&table).await;
        cold.notebooks.find_one(&*id).await.expect("found");
        let (requests, write_units, read_units) = cold.consumed();
        assert_eq!((requests, write_units), (1, 0.0));
        assert!(units_of(length, 130).contains(&read_units), "{read_units} units for {length} commits");

        let cold = Process::on(&table).await;
        cold.notebooks.commit(&*id, note(10)).await.expect("committed");
        assert_eq!(cold.consumed(), (2, 1.0, read_units), "after {length}");
    }
}

#[tokio::test]
async fn what_is_not_there_costs_one_request_and_one_unit() {
    let process = Process::on(&new_table().await).await;
    process.notebooks.find_one("nothing").await.expect_err("not found");
    assert_eq!(process.consumed(), (1, 0.0, 1.0));
    // Nobody can have made them.
    process.notebooks.find_one("").await.expect_err("not found");
    process.notebooks.find_one("x".repeat(2049)).await.expect_err("not found");
    assert_eq!(process.consumed(), (0, 0.0, 0.0));
}

#[tokio::test]
async fn a_long_history_is_one_request_for_each_megabyte_and_read_whole() {
    let table = new_table().await;
    let writer = Process::on(&table).await;
    let mut notebook = writer.notebooks.create(NotebookOpened).await.expect("created");
    for _ in 0..10 {
        notebook.commit(note(300_000)).await.expect("committed");
    }
    assert_eq!(writer.consumed(), (11, 2.0 + 10.0 * 294.0, 0.0));

    let cold = Process::on(&table).await;
    assert_eq!(cold.notebooks.find_one(notebook.id()).await.expect("found").notes, 10);
    let (requests, _, read_units) = cold.consumed();
    assert_eq!(requests, 3, "3 MB");
    assert!((732.0..=736.0).contains(&read_units), "{read_units}");
}

#[tokio::test]
async fn find_all_is_one_request_for_each_megabyte_of_a_segment_and_reads_everything() {
    let table = new_table().await;
    let writer = Process::on(&table).await;
    // Not all at once: each has its deadline.
    stream::iter(0..120)
        .map(|_| writer.notebooks.create(note(250_000)).into_future())
        .buffer_unordered(8)
        .try_for_each(|_| ready(Ok(())))
        .await
        .expect("created");

    let reader = Process::on(&table).await;
    let notes: Vec<u64> =
        reader.notebooks.find_all().map_ok(|notebook| notebook.notes).try_collect().await.expect("found");
    assert_eq!(notes, vec![1; 120], "30 MB");
    let (requests, write_units, read_units) = reader.consumed();
    // A page ends with the item that makes it reach 1 MB, and so does the last one of each of the four segments.
    assert!((24..=34).contains(&requests), "{requests} requests");
    assert!((7_320.0..=7_400.0).contains(&read_units), "{read_units} read units");
    assert_eq!(write_units, 0.0);
}

#[tokio::test]
async fn a_page_of_the_list_is_one_small_query_for_each_shard() {
    let process = Process::on(&new_table().await).await;
    for _ in 0..100 {
        process.notebooks.create(NotebookOpened).await.expect("created");
    }
    process.consumed();
    let page = process.notebooks.list(20, None).await.expect("listed");
    assert_eq!(page.ids.len(), 20);
    let (requests, write_units, read_units) = process.consumed();
    assert_eq!((requests, write_units), (8, 0.0));
    assert!((4.0..=8.0).contains(&read_units), "{read_units} read units");
}

/// What `GET /notebooks?limit=100` costs, warm or cold: state is asked for, resource by resource.
#[tokio::test]
async fn a_page_of_resources_is_the_list_and_a_query_for_each_of_them() {
    let table = new_table().await;
    let warm = Process::on(&table).await;
    stream::iter(0..100)
        .map(|_| warm.notebooks.create(NotebookOpened).into_future())
        .buffer_unordered(8)
        .try_for_each(|_| ready(Ok(())))
        .await
        .expect("created");
    warm.consumed();
    for process in [warm, Process::on(&table).await] {
        let page = process.notebooks.find_page(100, None).await.expect("found");
        assert_eq!((page.resources.len(), page.next), (100, None));
        let (requests, write_units, read_units) = process.consumed();
        assert_eq!((requests, write_units), (8 + 100, 0.0));
        assert!((104.0..=108.0).contains(&read_units), "{read_units} read units");
    }
}

#[tokio::test]
async fn without_a_cache_everything_is_cold() {
    let table = new_table().await;
    let process = Process::with(&table, CacheSettings::OFF).await;
    let id = process.history(1).await;
    process.notebooks.commit(&*id, note(10)).await.expect("committed");
    assert_eq!(process.consumed(), (2, 1.0, 1.0));
}
