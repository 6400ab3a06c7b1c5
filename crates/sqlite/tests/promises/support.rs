//! What the tests of this crate share.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_event_sourcing_core::{
    Appended, Commit, EncodedEvent, EventStore as _, IdSource as _, Json, RandomIds, ResourceKey, StoreError,
    Timestamp, TraceParent,
};
use aws_event_sourcing_sqlite::SqliteStore;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;

/// A folder, and the path of a file that is not in it yet.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.db");
    (folder, file)
}

/// Opens a store that can be opened.
pub(crate) fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file).unwrap_or_else(|error| panic!("{}", explain(&error)))
}

/// A resource that nobody has used before.
pub(crate) fn resource() -> ResourceKey {
    ResourceKey::new("account", RandomIds.resource_id())
}

/// A commit of so many events, with everything that a commit can have.
pub(crate) fn commit(resource: &ResourceKey, number: u64, events: u64) -> Commit {
    let at = Timestamp::from_unix_millis(1_795_426_200_000 + number);
    Commit {
        resource: resource.clone(),
        number,
        events: (0..events).map(|index| credited(number + index)).collect(),
        at,
        id: RandomIds.commit_id(),
        follows: None,
        trace: Some(TraceParent::new_root(at)),
        cause: Some("reorders/1/2".into()),
        meta: Some(json(r#"{"tenant":"a"}"#)),
    }
}

fn credited(amount: u64) -> EncodedEvent {
    EncodedEvent { event_type: "Credited".into(), data: Some(json(&format!(r#"{{"amount":{amount}}}"#))) }
}

fn json(text: &str) -> Json {
    Json::parse(text).expect("JSON")
}

/// Appends what must be stored now.
pub(crate) async fn store(store: &SqliteStore, commit: &Commit) {
    match store.append(commit).await {
        Ok(appended) => assert_eq!(appended, Appended::Now),
        Err(error) => panic!("{}", explain(&error)),
    }
}

/// The resource's whole history.
pub(crate) async fn read(store: &SqliteStore, resource: &ResourceKey) -> Vec<Commit> {
    let read: Result<_, StoreError> = store.read(resource, 0).try_collect().await;
    read.unwrap_or_else(|error| panic!("{}", explain(&error)))
}

/// All commits of a type.
pub(crate) async fn scan(store: &SqliteStore, resource_type: &str) -> Vec<Commit> {
    let mut commits = Vec::new();
    for stream in store.scan(&Arc::from(resource_type)) {
        let read: Result<Vec<_>, StoreError> = stream.try_collect().await;
        commits.extend(read.unwrap_or_else(|error| panic!("{}", explain(&error))));
    }
    commits
}

/// An error of the store and what is behind it, on one line.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// The files in a folder, with their content.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    files
        .map(|file| {
            (file.file_name().into_string().expect("a name"), fs::read(file.path()).expect("content"))
        })
        .collect()
}

/// What SQLite and we ourselves expect of a file that is in good order.
pub(crate) fn assert_sound(file: &Path) {
    let connection = rusqlite::Connection::open(file).expect("a database");
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(check, "ok");
    let (rows, last): (i64, i64) = connection
        .query_row("SELECT count(*), coalesce(max(position), 0) FROM events", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("events");
    assert_eq!(rows, last, "positions have no gaps");
    let torn: i64 = connection
        .query_row(
            "SELECT count(*) FROM (SELECT first FROM events GROUP BY first HAVING count(*) <> max(number))",
            [],
            |row| row.get(0),
        )
        .expect("histories");
    assert_eq!(torn, 0, "numbers have no gaps");
}
