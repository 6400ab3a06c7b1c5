//! The laws that every event store keeps, on this one.

use aws_event_sourcing_conformance::{Subject, laws};
use aws_event_sourcing_sqlite::SqliteStore;

fn subject() -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    Subject::new(move || {
        let file = folder.path().join("events.db");
        async move { SqliteStore::open(file).expect("a store") }
    })
}

laws!(subject());
