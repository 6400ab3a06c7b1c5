//! [`Error`]: why a service did not start, or did not stop as it should. One line for the person who started it.

use std::{fmt, io, path::PathBuf};

use aws_event_sourcing_core::{ErrorChain, StoreError};

/// Why a service did not start or end well.
///
/// Its `Debug` is its message with all its causes on one line, since that is what Rust prints when `main` returns it,
/// before it exits with code 1.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An environment variable has a value that means nothing.
    #[error("{variable}={value:?} is not {expected}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What it is set to.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An environment variable is no setting, but nearly one.
    #[error("{variable} is no setting: is {meant} meant? Unset it if it is not for this service")]
    Unknown {
        /// The variable.
        variable: String,
        /// The setting.
        meant: String,
    },
    /// An environment variable asks for something that this program was built without.
    #[error("{setting} is set, but this program was built without {what}")]
    Unsupported {
        /// The variable and its value.
        setting: String,
        /// What is missing.
        what: &'static str,
    },
    /// Two environment variables exclude each other.
    #[error("{first} and {second} are both set: set one or the other")]
    Contradiction {
        /// One variable.
        first: &'static str,
        /// The other.
        second: String,
    },
    /// A service with several resource types has only one table.
    #[error(
        "DYNAMODB_TABLE is for a service with one resource type, and this one has {first:?} and {second:?}: \
         set {} and {} instead",
        variables[0],
        variables[1]
    )]
    OneTable {
        /// A resource type.
        first: &'static str,
        /// Another one.
        second: &'static str,
        /// The variables that name their tables.
        variables: [String; 2],
    },
    /// A resource type has no table.
    #[error("there is no table for the resource type {resource_type:?}: set {variable}")]
    NoTable {
        /// The resource type.
        resource_type: &'static str,
        /// The variable that names its table.
        variable: String,
    },
    /// A table is set for a resource type that the service does not have.
    #[cfg(feature = "dynamodb")]
    #[error(
        "{variable} is the table of no resource type of this service; it has {}",
        variables.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
    )]
    NoSuchType {
        /// The variable.
        variable: String,
        /// The variables for the types that there are.
        variables: std::collections::BTreeSet<String>,
    },
    /// There is no table, on AWS Lambda, where nothing else stays.
    #[cfg(feature = "lambda")]
    #[error(
        "on AWS Lambda events are kept in DynamoDB: set DYNAMODB_TABLE, or DYNAMODB_TABLE_<TYPE> for each resource type"
    )]
    NoTableOnLambda,
    /// Two resource types have the same table.
    #[error(
        "{} and {} both say {table:?}: each resource type needs a table of its own",
        variables[0],
        variables[1]
    )]
    SameTable {
        /// The table.
        table: String,
        /// The variables that name it.
        variables: [String; 2],
    },
    /// Two subscriptions have one name.
    #[error("two subscriptions have the name {name:?}: how far each is, is kept under its name")]
    SameSubscription {
        /// The name.
        name: String,
    },
    /// There are subscriptions, and no table for how far they are.
    #[error("the subscription {subscription:?} needs a table for how far it is: set SUBSCRIPTIONS_TABLE")]
    NoSubscriptionsTable {
        /// One of them.
        subscription: String,
    },
    /// A subscription follows a resource type that has no table.
    #[error("a subscription follows the resource type {resource_type:?}, which has no table: set {variable}")]
    NoTableToFollow {
        /// The resource type.
        resource_type: String,
        /// The variable that names its table.
        variable: String,
    },
    /// There is a table for how far subscriptions are, and the events are not in DynamoDB.
    #[error(
        "SUBSCRIPTIONS_TABLE={table} is set, but no table for events: set DYNAMODB_TABLE or DYNAMODB_TABLE_<TYPE> too"
    )]
    OnlySubscriptionsTable {
        /// The table.
        table: String,
    },
    /// DynamoDB cannot be used: no region, no credentials, no such table, or one that is not made for events.
    #[error("{setting}")]
    DynamoDb {
        /// Which variables say what.
        setting: String,
        /// Why, and what to do.
        source: StoreError,
    },
    /// The folder of the embedded store cannot be made.
    #[error("cannot make the folder {} (DATA_DIR)", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be opened or closed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can listen on this address: a port in use, or not ours to take.
    #[error("cannot listen on {address} (HOST, PORT)")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// AWS Lambda's runtime API does not answer, or not as it should.
    #[cfg(feature = "lambda")]
    #[error("AWS Lambda's runtime API (AWS_LAMBDA_RUNTIME_API) gives no invocations")]
    Lambda(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that writes the log cannot be started.
    #[error("cannot start the thread that writes the log")]
    Log(#[source] io::Error),
    /// The signals that stop a service cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain::of(self), f)
    }
}
