//! [`Error`]: what can go wrong with DynamoDB, precisely, and what it means for a caller.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_event_sourcing_core::{
    AppendError, ErrorChain, ResourceKey, StoreError, StoreErrorKind, Unreadable,
    limits::{self, LimitExceeded},
    subscription::SubscriptionKey,
};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::{item::Named, request::Target, table::Kind};

type Source = Box<dyn StdError + Send + Sync>;

/// Why DynamoDB did not do what it was asked. Each message names the table, and what to do where that is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no AWS region is set: set AWS_REGION, or a region in the profile")]
    NoRegion,

    #[error(
        "{target}: there are no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
         (DynamoDB Local takes any)"
    )]
    NoCredentials { target: Target },

    #[error("{target}: there are no AWS credentials in the profile {profile:?}")]
    NoCredentialsInProfile { target: Target, profile: String, source: Source },

    #[error(
        "{target}: the AWS credentials cannot be had; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Credentials { target: Target, kind: StoreErrorKind, source: Source },

    #[error("no table is set for the resource type {resource_type:?}")]
    NoTable { resource_type: Arc<str> },

    #[error(
        "{target}: there is no such table in {place}; `eventctl table create {}{}` makes it",
        target.table, target.kind.flag()
    )]
    TableNotFound { target: Target, place: String },

    #[error(
        "{name:?} is no name for a table: it has to be 3 to 255 of the letters a to z and A to Z, digits, `_`, `-` and `.`"
    )]
    BadName { name: String },

    #[error(
        "table {table} is not one for {kind} ({short}); `eventctl table check {table}{}` says what to do",
        kind.flag()
    )]
    Unsuitable { table: Arc<str>, kind: Kind, short: String },

    #[error("table {table} is still being made ({what}: {state}); try again in a minute")]
    NotReadyYet { table: Arc<str>, what: &'static str, state: String },

    #[error(
        "table {table} was not ready within {waited:?} ({state}); the same call again goes on from there"
    )]
    NotReady { table: Arc<str>, waited: Duration, state: String },

    #[error(
        "{target}: the table is not one for {}; `eventctl table check {}{}` says why",
        target.kind, target.table, target.kind.flag()
    )]
    WrongTable { target: Target, source: Fault },

    #[error("{target}: not permitted")]
    Denied { target: Target, source: Fault },

    #[error("{target}: no answer from {place} within {deadline:?} and {attempts} attempts{}", Last(last))]
    Deadline { target: Target, place: String, deadline: Duration, attempts: u64, last: Option<String> },

    #[error("{target}: DynamoDB in {place} cannot be reached")]
    Unreachable { target: Target, place: String, source: Source },

    #[error("{target}: DynamoDB is busy")]
    Busy { target: Target, source: Fault },

    #[error("{target}: the history of a resource has reached 10 GB, the limit of a table with a local index")]
    HistoryFull { target: Target, source: Fault },

    #[error("{target}: the request was refused")]
    Refused { target: Target, source: Fault },

    #[error("{target}: the request could not be made")]
    NotSent { target: Target, source: Source },

    #[error("an event of {resource} holds something that DynamoDB does not")]
    Unencodable { resource: ResourceKey, source: serde_json::Error },

    #[error("the item {} number {} of table {table} has an unreadable {attribute:?}", item.id, item.number)]
    Unreadable { table: Arc<str>, item: Box<Named>, attribute: &'static str, source: Source },

    #[error("the item {id} {part} of table {table} has an unreadable {attribute:?}")]
    UnreadableRow { table: Arc<str>, id: String, part: String, attribute: &'static str, source: Source },

    #[error("table {table} is one of subscriptions, and has no events")]
    NotOfEvents { table: Arc<str> },

    #[error("table {table} has no stream of new images; `eventctl table check {table}` says what to do")]
    NoStream { table: Arc<str> },

    #[error(
        "record {record} of {within} of the stream of table {table} has no event that can be read: {what}"
    )]
    UnreadableRecord { table: Arc<str>, within: Arc<str>, record: String, what: &'static str },

    #[error("the stream of table {table} no longer has all that follows in {shard}: the table is read again")]
    Trimmed { table: Arc<str>, shard: Arc<str> },

    #[error("another process has {part} of {key} by now")]
    NotOurs { part: Arc<str>, key: SubscriptionKey },

    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

/// How the last attempt before a deadline ended, if it did.
struct Last<'a>(&'a Option<String>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(last) => write!(f, "; the last one: {last}"),
            None => Ok(()),
        }
    }
}

/// What DynamoDB itself says is wrong.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: String,
    message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message } = self;
        if message.is_empty() { f.write_str(code) } else { write!(f, "{code}: {message}") }
    }
}

impl StdError for Fault {}

impl Fault {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// Whether DynamoDB's own words name this.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.message.contains(word)
    }
}

/// What happened around a request that failed.
#[derive(Debug)]
pub(crate) struct Circumstances {
    pub(crate) target: Target,
    pub(crate) place: String,
    /// The profile that was asked for by name.
    pub(crate) profile: Option<String>,
    pub(crate) deadline: Duration,
    pub(crate) attempts: u64,
    /// How the last attempt ended that got so far.
    pub(crate) last: Option<String>,
}

impl Error {
    /// What an error of the SDK means.
    pub(crate) fn sdk<E, R>(circumstances: Circumstances, error: SdkError<E, R>) -> Self
    where
        E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let Circumstances { target, place, profile, deadline, attempts, last } = circumstances;
        if let Some(error) = credentials(&target, profile, &error) {
            return error;
        }
        match error {
            SdkError::ServiceError(error) => Self::service(target, place, error.err()),
            SdkError::TimeoutError(_) => Self::Deadline { target, place, deadline, attempts, last },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Deadline { target, place, deadline, attempts, last }
            }
            error @ (SdkError::DispatchFailure(_) | SdkError::ResponseError(_)) => {
                Self::Unreachable { target, place, source: Chain::of(&error).into() }
            }
            error => Self::NotSent { target, source: Chain::of(&error).into() },
        }
    }

    fn service(
        target: Target,
        place: String,
        error: &(impl ProvideErrorMetadata + StdError + 'static),
    ) -> Self {
        let Some(code) = error.code() else {
            // An answer of another server, a broken one, or one that the SDK does not know: only its error says which.
            let source =
                Fault::new(format!("{place} gave an answer that cannot be understood"), Chain::of(error).0);
            return Self::Refused { target, source };
        };
        let source = Fault { code: code.to_owned(), message: error.message().unwrap_or_default().to_owned() };
        match code {
            "ResourceNotFoundException" if !source.message.replace(&*target.table, "").contains("index") => {
                Self::TableNotFound { target, place }
            }
            "ResourceNotFoundException" => Self::WrongTable { target, source },
            "ValidationException" if is_about_keys(&source.message) => Self::WrongTable { target, source },
            "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "ExpiredTokenException"
            | "KMSAccessDeniedException"
            | "OptInRequired" => Self::Denied { target, source },
            "ItemCollectionSizeLimitExceededException" => Self::HistoryFull { target, source },
            "ThrottlingException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "InternalServerError"
            | "InternalFailure"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException" => Self::Busy { target, source },
            _ => Self::Refused { target, source },
        }
    }

    /// The same where it is known that what was refused passes by itself.
    pub(crate) fn passing(self) -> Self {
        match self {
            Self::Refused { target, source } => Self::Busy { target, source },
            error => error,
        }
    }

    pub(crate) fn kind(&self) -> StoreErrorKind {
        match self {
            Self::NoRegion
            | Self::NoTable { .. }
            | Self::TableNotFound { .. }
            | Self::BadName { .. }
            | Self::Unsuitable { .. }
            | Self::NoStream { .. }
            | Self::NotOfEvents { .. }
            | Self::WrongTable { .. } => StoreErrorKind::Misconfigured,
            Self::NoCredentials { .. } | Self::NoCredentialsInProfile { .. } | Self::Denied { .. } => {
                StoreErrorKind::Denied
            }
            Self::Credentials { kind, .. } => *kind,
            Self::Deadline { .. }
            | Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::Trimmed { .. }
            | Self::NotOurs { .. }
            | Self::NotReadyYet { .. }
            | Self::NotReady { .. } => StoreErrorKind::Unavailable,
            Self::HistoryFull { .. } => StoreErrorKind::Full,
            Self::Refused { .. } | Self::NotSent { .. } => StoreErrorKind::Internal,
            Self::Unencodable { .. } => StoreErrorKind::Unencodable,
            Self::Unreadable { .. } | Self::UnreadableRow { .. } | Self::UnreadableRecord { .. } => {
                StoreErrorKind::Undecodable
            }
            Self::Limit(_) => StoreErrorKind::TooLarge,
        }
    }
}

/// Whether a validation error is about the keys of a table or an index, which is the table's fault: the same request is
/// right for any table of ours.
fn is_about_keys(message: &str) -> bool {
    let parts = [
        "key schema",
        "the key ",
        "key element",
        "required keys",
        "specified index",
        "schema",
        "Type mismatch for",
    ];
    parts.into_iter().any(|part| message.contains(part))
}

/// What is wrong with the credentials, if it is them.
fn credentials(target: &Target, profile: Option<String>, error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            let (target, source) = (target.clone(), Chain::of(error).into());
            return Some(match (error, profile) {
                (CredentialsError::ProviderTimedOut(_), _) => {
                    Error::Credentials { target, kind: StoreErrorKind::Unavailable, source }
                }
                (_, Some(profile)) => Error::NoCredentialsInProfile { target, profile, source },
                (CredentialsError::CredentialsNotLoaded(_), None) => Error::NoCredentials { target },
                (_, None) => Error::Credentials { target, kind: StoreErrorKind::Denied, source },
            });
        }
        next = error.source();
    }
    None
}

/// An error of the SDK with all its causes, as one text: on their own its errors say only which layer they are from.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Chain(String);

impl Chain {
    /// Without `DisplayErrorContext`, which puts a page of debug output behind it.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        Self(ErrorChain::of(error).to_string())
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // As every other store reports these.
        match error {
            Error::Limit(limit) => limit.into(),
            Error::Unreadable { table, mut item, attribute, source } => {
                let number = item.number.parse().ok().filter(|number| limits::is_event_number(*number));
                let (resource, event_type) = (item.resource.take(), item.event_type.take());
                let error = Error::Unreadable { table, item, attribute, source };
                match resource {
                    Some(resource) => Unreadable::new(resource, number, event_type.as_deref(), error).into(),
                    None => Self::new(error.kind(), error),
                }
            }
            error => Self::new(error.kind(), error),
        }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}
