//! Event based applications that run on a laptop with nothing installed and, unchanged, on AWS.
//!
//! This crate is what applications depend on. It has no code of its own: the parts live in crates of their own and are
//! re-exported here.
//!
//! | feature | what it brings |
//! |---|---|
//! | (none) | the domain: [`Event`], [`Aggregate`], [`Repository`], [`Resource`], [`MemoryStore`], [`given`], [`subscription`] |
//! | `http` | `http`: routes, extractors and responses for axum |
//! | `sqlite` | `sqlite`: the embedded store |
//! | `service` (default) | `service`: the host that `main` runs, with both of these |
//! | `dynamodb` (default) | `dynamodb`: the store on DynamoDB, also for `service` |
//! | `lambda` (default) | `service` as a function on AWS Lambda |
#![cfg_attr(doctest, doc = include_str!("../../../README.md"))]
#![cfg_attr(doctest, doc = include_str!("../../../docs/subscriptions.md"))]

// `derive(Event)` names this crate by its name, in this crate's own tests too.
extern crate self as aws_event_sourcing;

pub use aws_event_sourcing_core::{
    Aggregate, AppendError, Appended, ById, CacheSettings, Clock, Commit, CommitError, CommitId,
    CommitStream, Cursor, EncodedEvent, ErrorChain, Event, EventStore, EventStream, FindError, Given,
    IdSource, InvalidCursor, Json, MemoryStore, Moment, New, Outcome, Page, ParseTimestampError,
    ParseTraceParentError, RandomIds, Recorded, Repository, RepositoryBuilder, Resource, ResourceId,
    ResourceKey, ResourcePage, ResourceStream, Retry, StoreError, StoreErrorKind, SystemClock, Timestamp,
    TraceParent, Unreadable, Write, codec, given, limits, subscription,
};

#[cfg(feature = "dynamodb")]
pub use aws_event_sourcing_dynamodb as dynamodb;
#[cfg(feature = "http")]
pub use aws_event_sourcing_http as http;
#[cfg(feature = "service")]
pub use aws_event_sourcing_service as service;
#[cfg(feature = "sqlite")]
pub use aws_event_sourcing_sqlite as sqlite;
