//! The laws on the memory store.

use std::future::ready;

use aws_event_sourcing_conformance::{Subject, laws};
use aws_event_sourcing_core::MemoryStore;

fn subject() -> Subject {
    let store = MemoryStore::new();
    Subject::new(move || ready(store.clone()))
}

laws!(subject());
