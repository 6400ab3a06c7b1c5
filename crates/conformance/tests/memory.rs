//! The laws on the memory store.

use std::future::ready;

use aws_event_sourcing_conformance::{FeedSubject, ProgressSubject, Subject, feed_laws, laws, progress_laws};
use aws_event_sourcing_core::{MemoryStore, subscription::Source};

fn subject() -> Subject {
    let store = MemoryStore::new();
    Subject::new(move || ready(store.clone()))
}

laws!(subject());

fn progress() -> ProgressSubject {
    let store = MemoryStore::new();
    ProgressSubject::new(move || ready(store.clone()))
}

progress_laws!(progress());

fn feed() -> FeedSubject {
    let store = MemoryStore::new();
    FeedSubject::new(move || ready(Source::of(&store)))
}

feed_laws!(feed());
