//! The laws that every event store keeps, every keeper of progress and every feed, on this one.

use aws_event_sourcing_conformance::{FeedSubject, ProgressSubject, Subject, feed_laws, laws, progress_laws};
use aws_event_sourcing_core::subscription::Source;
use aws_event_sourcing_sqlite::SqliteStore;

/// Opens a file of its own, again and again.
fn file() -> impl Fn() -> SqliteStore + Send + Sync + 'static {
    let folder = tempfile::tempdir().expect("a folder");
    move || SqliteStore::open(folder.path().join("events.db")).expect("a store")
}

fn subject() -> Subject {
    let open = file();
    Subject::new(move || std::future::ready(open()))
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
