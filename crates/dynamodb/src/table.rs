//! [`Table`]: the table of a resource type, as it has to be for the store to keep its promises.
//!
//! [`definition`] says what a table has, [`create`] makes one, [`requirement`] compares one with the definition for
//! [`check`] and [`suitable`], and [`describe`] tells what else there is to know. [`ask`] holds the requests.

mod ask;
mod check;
mod create;
mod definition;
mod describe;
mod name;
mod requirement;
mod suitable;

use std::{fmt, sync::Arc};

pub(crate) use self::definition::LISTING;
pub use self::{
    ask::Known,
    check::Report,
    create::{Created, NewTable, Outcome, Progress},
    describe::{Billing, Description, Index, IndexKind, Recovery, Stream},
    requirement::{Finding, Requirement, Verdict},
};
use crate::connection::DynamoDb;

/// A table, which may not exist yet.
#[derive(Clone)]
pub struct Table {
    dynamodb: DynamoDb,
    name: Arc<str>,
}

impl Table {
    pub(crate) fn new(dynamodb: DynamoDb, name: Arc<str>) -> Self {
        Self { dynamodb, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).field("dynamodb", &self.dynamodb).finish()
    }
}
