//! The laws on a store behind pointers: whoever holds one holds a store.

use std::{future::ready, sync::Arc};

use aws_event_sourcing_conformance::{Subject, laws};
use aws_event_sourcing_core::{EventStore, MemoryStore};

mod arc_of_a_trait_object {
    use super::*;

    fn subject() -> Subject {
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        Subject::new(move || ready(store.clone()))
    }

    laws!(subject());
}

mod arc_of_an_arc {
    use super::*;

    fn subject() -> Subject {
        let store: Arc<Arc<dyn EventStore>> = Arc::new(Arc::new(MemoryStore::new()));
        Subject::new(move || ready(store.clone()))
    }

    laws!(subject());
}
