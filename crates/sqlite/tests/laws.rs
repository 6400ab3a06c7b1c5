//! The laws that every event store keeps, every keeper of progress and every feed, on this one.

use std::sync::Arc;

use aws_event_sourcing_conformance::{
    FeedSubject, ProgressSubject, Subject, feed_laws, laws, lease_laws, progress_laws,
};
use aws_event_sourcing_core::{ResourceKey, subscription::Source};
use aws_event_sourcing_sqlite::SqliteStore;

/// Opens a file of its own, again and again.
fn file() -> impl Fn() -> SqliteStore + Send + Sync + 'static {
    let folder = tempfile::tempdir().expect("a folder");
    move || SqliteStore::open(folder.path().join("events.db")).expect("a store")
}

fn subject() -> Subject {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("events.db");
    let spoiled = file.clone();
    let open = move || {
        let _ = &folder;
        std::future::ready(SqliteStore::open(&file).expect("a store"))
    };
    Subject::new(open).spoiling(move |ResourceKey { resource_type, id }, number| {
        let shell = rusqlite::Connection::open(&spoiled).expect("a database");
        let insert = r#"
            INSERT INTO events (resource, id, number, type, at, "commit", position, first)
            SELECT resource, id, ?3, 'Spoiled', 'yesterday', 'spoiled', (SELECT max(position) + 1 FROM events), first
            FROM events WHERE resource = ?1 AND id = ?2 AND number = 1"#;
        let inserted = shell.execute(insert, (&*resource_type, id.as_str(), number.cast_signed()));
        assert_eq!(inserted, Ok(1));
        std::future::ready(())
    })
}

laws!(subject());

fn progress() -> ProgressSubject {
    let open = file();
    ProgressSubject::new(move || std::future::ready(open()))
}

progress_laws!(progress());

fn feed() -> FeedSubject {
    let open = file();
    FeedSubject::new(move || std::future::ready(Source::of(&open())))
}

feed_laws!(feed());

lease_laws!(feed());
