//! The embedded event store: one SQLite file.
mod commits;
mod connection;
mod error;
mod history;
mod layout;
mod list;
mod log;
mod open;
mod pages;
mod path;
mod readers;
mod rows;
mod scan;
mod store;
mod transaction;
mod writer;
pub use self::store::SqliteStore;
