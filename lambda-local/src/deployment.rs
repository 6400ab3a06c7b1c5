//! [`Deployment`]: everything that a template makes, on this machine.

mod launch;
mod prepared;

mod parts;

use std::{path::Path, sync::Arc};

use tempfile::TempDir;

pub use self::{
    launch::{Launch, Program},
    prepared::Prepared,
};
use crate::{DynamoDb, Error, Function, Gateway, Mapping, Role, Schedule};

/// An example as it is on AWS: its functions and what they may do, its tables in DynamoDB Local, and what calls the
/// functions. Dropping it stops everything.
#[derive(Debug)]
pub struct Deployment {
    // In this order: first what calls the functions, then the functions.
    gateway: Gateway,
    mappings: Vec<(String, Mapping)>,
    schedules: Vec<Schedule>,
    functions: Vec<(String, Arc<Function>)>,
    roles: Vec<(String, Role)>,
    tables: Vec<(String, String)>,
    dynamodb: DynamoDb,
    unhandled: TempDir,
}

impl Deployment {
    /// An example of this workspace, with settings of its own.
    pub fn of(example: impl Into<String>) -> Launch {
        Launch::new(example.into())
    }

    /// Its API.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The function of this logical id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn function(&self, id: &str) -> Result<&Arc<Function>, Error> {
        find(&self.functions, id)
    }

    /// What the function of this logical id may do to the tables, and what it has done.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn role(&self, function: &str) -> Result<&Role, Error> {
        find(&self.roles, function)
    }

    /// The mapping of this logical id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn mapping(&self, id: &str) -> Result<&Mapping, Error> {
        find(&self.mappings, id)
    }

    /// The name of the table of this logical id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn table(&self, id: &str) -> Result<&str, Error> {
        find(&self.tables, id).map(String::as_str)
    }

    /// Its tables: logical id and name.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tables.iter().map(|(id, name)| (id.as_str(), name.as_str()))
    }

    /// Where its tables are.
    #[must_use]
    pub fn dynamodb(&self) -> &DynamoDb {
        &self.dynamodb
    }

    /// The folder that stands for the bucket of what could not be handled. It goes away with the deployment.
    #[must_use]
    pub fn unhandled(&self) -> &Path {
        self.unhandled.path()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.mappings.clear();
        self.schedules.clear();
        // Whoever still holds one does not keep it alive.
        for (_, function) in &self.functions {
            function.stop();
        }
    }
}

fn find<'p, P>(parts: &'p [(String, P)], id: &str) -> Result<&'p P, Error> {
    let found = parts.iter().find(|(known, _)| known == id);
    let missing =
        || Error::Unsuitable { of: id.to_owned(), why: "the template has no such thing".to_owned() };
    found.map(|(_, part)| part).ok_or_else(missing)
}
