//! The laws that every event store keeps, every keeper of progress and every feed, on this one.

use std::{future::ready, path::PathBuf, sync::Arc};

use aws_event_sourcing_conformance::{
    FeedSubject, ProgressSubject, Subject, feed_laws, laws, lease_laws, progress_laws,
};
use aws_event_sourcing_core::{
    ResourceId, ResourceKey,
    subscription::{Source, SubscriptionKey},
};
use aws_event_sourcing_sqlite::SqliteStore;
use tempfile::TempDir;

/// A file that is opened again and again, until the last that knows it is dropped.
#[derive(Clone)]
struct File(Arc<TempDir>);

impl File {
    fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().expect("a folder")))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("events.db")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).expect("a store")
    }

    /// Inserts a row as a person with a shell does.
    async fn spoil(self, ResourceKey { resource_type, id }: ResourceKey, number: u64) {
        let shell = rusqlite::Connection::open(self.path()).expect("a database");
        let insert = r#"
        INSERT INTO events (resource, id, number, type, at, "commit", position, first)
        SELECT resource, id, ?3, 'Spoiled', 'yesterday', 'spoiled', (SELECT max(position) + 1 FROM events), first
        FROM events WHERE resource = ?1 AND id = ?2 AND number = 1"#;
        let inserted = shell.execute(insert, (&*resource_type, id.as_str(), number.cast_signed()));
        assert_eq!(inserted, Ok(1));
    }

    /// Changes a record as a person with a shell does.
    async fn spoil_record(self, key: SubscriptionKey, id: ResourceId) {
        let shell = rusqlite::Connection::open(self.path()).expect("a database");
        let update = "
        UPDATE progress SET handled = -1, last_failed_at = 'yesterday'
        WHERE subscription = ?1 AND resource = ?2 AND id = ?3";
        let updated = shell.execute(update, (&*key.subscription, &*key.resource_type, id.as_str()));
        assert_eq!(updated, Ok(1));
    }
}

fn subject() -> Subject {
    let file = File::new();
    let spoiled = file.clone();
    Subject::new(move || ready(file.open()))
        .spoiling(move |resource, number| spoiled.clone().spoil(resource, number))
}

laws!(subject());

fn progress() -> ProgressSubject {
    let file = File::new();
    let spoiled = file.clone();
    ProgressSubject::new(move || ready(file.open()))
        .spoiling_records(move |key, id| spoiled.clone().spoil_record(key, id))
}

progress_laws!(progress());

fn feed() -> FeedSubject {
    let file = File::new();
    let spoiled = file.clone();
    FeedSubject::new(move || ready(Source::of(&file.open())))
        .spoiling(move |resource, number| spoiled.clone().spoil(resource, number))
}

feed_laws!(feed());

lease_laws!(feed());
