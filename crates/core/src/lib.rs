//! The heart of aws-event-sourcing: what an event, a resource and a repository are, and what a store must promise.
//!
//! Applications depend on the facade crate `aws-event-sourcing`, which re-exports all of this. Depend on this crate
//! alone to write a store, or a library of aggregates: it knows no AWS, no HTTP and no disk, and of the asynchronous
//! runtime nothing but tokio's locks and timers.
//!
//! # For those who write a domain
//!
//! A user writes an event enum ([`Event`], derived) and a state that it changes ([`Aggregate`], two functions). A
//! [`Repository`] then finds, creates and updates [`Resource`]s. [`given`] tests the rules without any of that.
//!
//! # How a commit happens
//!
//! 1. The repository takes the state that it knows, from its cache or by reading the history ([hydrate]).
//! 2. The aggregate validates each new event and applies it; [`codec`] turns it into a name and JSON.
//! 3. The store appends the [`Commit`] on one condition: that nobody has used its number.
//! 4. Whoever loses that race gets the winner's commit back, applies it, and goes on with step 2.
//!
//! State is never stored. What the cache holds can be dropped at any time. An entry that is behind can only lose the race
//! of step 3, and one that is ahead, because the store was restored to an earlier state, is noticed and read again.
//!
//! # What happens after a commit
//!
//! [`subscription`]s get every event, each resource's in order, and handle it: whatever crashes, and however long a
//! handler may be broken.
//!
//! # For those who write a store
//!
//! [`EventStore`] is the contract, and the crate `aws-event-sourcing-conformance` tests it law by law. [`limits`] are
//! those of DynamoDB, kept by all stores alike. [`MemoryStore`] is the shortest example of one.
//!
//! [hydrate]: Resource::hydrate

// `derive(Event)` names this crate by its name, in this crate's own tests too.
extern crate self as aws_event_sourcing_core;

mod event;

mod aggregate;
mod given;

mod recorded;
mod repository;
mod resource;

mod commit;
mod error_chain;
mod ids;
mod json;
mod moment;
mod timestamp;
mod trace;

pub mod codec;
pub mod limits;
mod memory;
mod store;

pub mod subscription;

pub use aws_event_sourcing_macros::Event;

pub use self::{
    aggregate::Aggregate,
    commit::{Commit, EncodedEvent},
    error_chain::ErrorChain,
    event::Event,
    given::{Given, Outcome, given},
    ids::{CommitId, IdSource, RandomIds, ResourceId, ResourceKey},
    json::Json,
    memory::MemoryStore,
    moment::Moment,
    recorded::Recorded,
    repository::{
        ById, CacheSettings, CommitError, EventStream, FindError, New, Repository, RepositoryBuilder,
        ResourcePage, ResourceStream, Retry, Write,
    },
    resource::Resource,
    store::{
        AppendError, Appended, CommitStream, Cursor, EventStore, InvalidCursor, Page, StoreError,
        StoreErrorKind, Unreadable,
    },
    timestamp::{Clock, ParseTimestampError, SystemClock, Timestamp},
    trace::{ParseTraceParentError, TraceParent},
};
