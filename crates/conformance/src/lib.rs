//! The laws that every event store keeps, as tests. For authors of stores, and of wrappers around them.
//!
//! The contract of a store is the documentation of [`EventStore`](aws_event_sourcing_core::EventStore). Here each of
//! its laws is one test or a few, and [`laws!`] has them all run on your store, one `#[test]` for each. In
//! `tests/laws.rs`:
//!
//! ```
//! use std::future::ready;
//!
//! use aws_event_sourcing_conformance::{Subject, laws};
//! use aws_event_sourcing_core::MemoryStore;
//!
//! mod memory {
//!     # use super::*;
//!     fn subject() -> Subject {
//!         let store = MemoryStore::new();
//!         Subject::new(move || ready(store.clone()))
//!     }
//!
//!     laws!(subject());
//!     # pub fn check() {
//!     #     let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
//!     #     let law = aws_event_sourcing_conformance::LAWS[0];
//!     #     runtime.block_on(law.check(subject(), aws_event_sourcing_conformance::TIME_LIMIT)).unwrap();
//!     # }
//! }
//! # fn main() { memory::check() }
//! ```
//!
//! A runner shows them as `memory::commits_come_back_in_order` and so on. The crate that uses the macro needs no
//! runtime of its own.
//!
//! # The subject
//!
//! A [`Subject`] tells how to open the store under examination. Laws open it several times: as several processes do
//! that work at the same time, and as one that comes back to what another has left. A store in a file:
//!
//! ```
//! # use aws_event_sourcing_conformance::Subject;
//! # use aws_event_sourcing_core::MemoryStore;
//! # struct FileStore;
//! # impl FileStore {
//! #     async fn open(_: std::path::PathBuf) -> Result<MemoryStore, std::io::Error> { Ok(MemoryStore::new()) }
//! # }
//! # struct TempDir;
//! # impl TempDir { fn path(&self) -> &std::path::Path { "".as_ref() } }
//! # fn tempdir() -> Result<TempDir, std::io::Error> { Ok(TempDir) }
//! fn subject() -> Subject {
//!     let directory = tempdir().expect("a directory");
//!     Subject::new(move || {
//!         let file = directory.path().join("events");
//!         async move { FileStore::open(file).await.expect("a store") }
//!     })
//! }
//! # subject();
//! ```
//!
//! # The laws
//!
//! They are grouped by what they are about, each group in a module: a law is a function that panics, with a message
//! that explains, when the store breaks it. [`LAWS`] lists them all, for runners that do not fit the macro. Each ends
//! within [`TIME_LIMIT`] or fails.
//!
//! What no law here can see: what is left after a crash (kill a process that writes), and how much memory a stream
//! holds (measure it).

mod law;
mod subject;

pub mod store;

pub mod progress;

pub mod feed;

mod compare;
mod decimal;
mod document;
mod observe;
mod sample;

pub use self::{
    feed::{FEED_LAWS, LEASE_LAWS},
    law::{Breach, Law, TIME_LIMIT},
    progress::PROGRESS_LAWS,
    store::LAWS,
    subject::{FeedSubject, ProgressSubject, Subject, SubjectOf},
};
