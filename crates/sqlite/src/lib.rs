//! The embedded event store: one SQLite file.
mod alone;
mod backup;
mod cause;
mod commits;
mod connection;
mod contents;
mod error;
mod feed;
mod file_id;
mod files;
mod history;
mod layout;
mod lease;
mod list;
mod lock;
mod log;
mod open;
mod pages;
mod path;
mod progress;
mod readers;
mod restore;
mod rows;
mod scan;
mod seal;
mod store;
mod transaction;
mod writer;
pub use self::{
    backup::{Copied, Existing, back_up},
    contents::Contents,
    restore::{Origin, Restored, restore},
    store::SqliteStore,
};
