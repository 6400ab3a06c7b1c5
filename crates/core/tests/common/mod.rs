//! A small shop, and a store that counts what it is asked for, shared by the tests of the repository.
#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_event_sourcing_core::{
    Aggregate, AppendError, Appended, Commit, CommitStream, Cursor, Event, EventStore, MemoryStore, Moment,
    Page, Repository, ResourceKey, StoreError, StoreErrorKind, Timestamp,
};
use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

pub use ProductEvent::{ProductRenamed, ProductReserved, ProductRestocked};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub enum ProductEvent {
    ProductReserved,
    ProductRestocked { amount: u32 },
    ProductRenamed(String),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Product {
    pub quantity: u32,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("sold out")]
pub struct SoldOut;

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Event = ProductEvent;
    type Error = SoldOut;

    fn validate(&self, event: &ProductEvent) -> Result<(), SoldOut> {
        if *event == ProductReserved && self.quantity == 0 { Err(SoldOut) } else { Ok(()) }
    }

    fn apply(&mut self, event: &ProductEvent) {
        match event {
            ProductReserved => self.quantity -= 1,
            ProductRestocked { amount } => self.quantity += amount,
            ProductRenamed(name) => self.name.clone_from(name),
        }
    }
}

impl Product {
    pub fn reserve(&self, quantity: u32) -> Result<Vec<ProductEvent>, SoldOut> {
        if quantity > self.quantity { Err(SoldOut) } else { Ok(vec![ProductReserved; quantity as usize]) }
    }
}

/// Requests that reached a store.
#[derive(Debug, Default, PartialEq)]
pub struct Requests {
    pub appends: usize,
    pub reads: usize,
}

/// A memory store that counts requests, and can be made to fail and to lose answers.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub store: MemoryStore,
    appends: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
    commits: Arc<AtomicUsize>,
    lose_next_answer: Arc<Mutex<bool>>,
}

impl Counted {
    /// The requests since the last call.
    pub fn take(&self) -> Requests {
        Requests {
            appends: self.appends.swap(0, Ordering::Relaxed),
            reads: self.reads.swap(0, Ordering::Relaxed),
        }
    }

    /// The commits that were read since the last call.
    pub fn take_commits(&self) -> usize {
        self.commits.swap(0, Ordering::Relaxed)
    }

    /// The next append is stored, and its caller told otherwise.
    pub fn lose_next_answer(&self) {
        *self.lose_next_answer.lock().unwrap() = true;
    }

    /// A repository with a cache of its own, as another process has it.
    pub fn repository(&self) -> Repository<Product> {
        Repository::new(self.clone())
    }
}

impl EventStore for Counted {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let appended = self.store.append(commit).await;
            if std::mem::take(&mut *self.lose_next_answer.lock().unwrap()) {
                return Err(StoreError::new(StoreErrorKind::Unavailable, "the answer was lost").into());
            }
            appended
        })
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let commits = self.commits.clone();
        let count = move |_: &_| {
            commits.fetch_add(1, Ordering::Relaxed);
        };
        self.store.read(resource, after).inspect(count).boxed()
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        self.store.scan(resource_type)
    }

    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
        self.store.has_kept(resource_type, since)
    }

    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.store.list(resource_type, limit, after)
    }
}

/// Paused time goes by in the tests' own way.
pub fn now_since(begun: tokio::time::Instant) -> Timestamp {
    Timestamp::from_unix_millis(
        1_700_000_000_000 + u64::try_from(begun.elapsed().as_millis()).expect("short"),
    )
}
