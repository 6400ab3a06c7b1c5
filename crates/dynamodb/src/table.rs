//! [`Table`]: a table of events or of subscriptions, as it has to be for the promises to be kept.
//!
//! [`definition`] says what the two [kinds](Kind) have, [`create`] makes one, [`requirement`] compares one with the definition for
//! [`check`] and [`suitable`], and [`describe`] tells what else there is to know. [`verify`] reads what is in one, and
//! follows its [`histories`]. [`ask`] holds the requests.

mod ask;
mod check;
mod create;
mod definition;
mod describe;
mod histories;
mod name;
mod requirement;
mod suitable;
mod verify;

use std::{fmt, sync::Arc};

pub(crate) use self::definition::{LISTING, PARKED};
pub use self::{
    ask::Known,
    check::Report,
    create::{Created, NewTable, Outcome, Progress},
    definition::Kind,
    describe::{Billing, Description, Index, IndexKind, Recovery, Stream},
    histories::{Breach, BrokenHistory},
    requirement::{Finding, Requirement, Verdict},
    verify::{Verification, Verified, Verify, VerifyProgress},
};
use crate::connection::DynamoDb;

/// A table, which may not exist yet.
#[derive(Clone)]
pub struct Table {
    dynamodb: DynamoDb,
    name: Arc<str>,
    kind: Kind,
}

impl Table {
    pub(crate) fn new(dynamodb: DynamoDb, name: Arc<str>, kind: Kind) -> Self {
        Self { dynamodb, name, kind }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same table, taken for one of that kind.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("dynamodb", &self.dynamodb)
            .finish()
    }
}
