//! [`Pending`]: one request while it is under way. Counts its attempts, and tells how it ended, to the observer and as
//! an error.

use std::{
    error::Error as StdError,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_event_sourcing_core::ErrorChain;
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::{BoxError, ProvideErrorMetadata, SdkError},
    types::ConsumedCapacity,
};

use crate::{
    connection::DynamoDb,
    consumed::{Consumed, Observer, Request},
    error::{Circumstances, Error},
    table::Kind,
};

/// What a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) operation: &'static str,
    pub(crate) table: Arc<str>,
    /// What the table is for.
    pub(crate) kind: Kind,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on table {}", self.operation, self.table)
    }
}

/// A request under way. When it is dropped, finished or not, the observer is told.
pub(crate) struct Pending {
    target: Target,
    dynamodb: DynamoDb,
    reported: Option<(Arc<str>, Option<Observer>)>,
    attempts: Attempts,
    consumed: Consumed,
}

impl Pending {
    /// A request about items.
    pub(crate) fn reported(
        dynamodb: &DynamoDb,
        target: Target,
        resource_type: &Arc<str>,
        observer: Option<&Observer>,
    ) -> Self {
        Self {
            target,
            dynamodb: dynamodb.clone(),
            reported: Some((Arc::clone(resource_type), observer.cloned())),
            attempts: Attempts::default(),
            consumed: Consumed::default(),
        }
    }

    /// A request that administers a table. Nobody is told.
    pub(crate) fn unreported(
        dynamodb: &DynamoDb,
        operation: &'static str,
        table: &Arc<str>,
        kind: Kind,
    ) -> Self {
        Self {
            target: Target { operation, table: Arc::clone(table), kind },
            dynamodb: dynamodb.clone(),
            reported: None,
            attempts: Attempts::default(),
            consumed: Consumed::default(),
        }
    }

    /// To be put on the request.
    pub(crate) fn attempts(&self) -> Attempts {
        self.attempts.clone()
    }

    /// What an error of the SDK means for this request.
    pub(crate) fn failed<E, R>(&self, error: SdkError<E, R>) -> Error
    where
        E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let last = self.attempts.last();
        let circumstances = Circumstances {
            target: self.target.clone(),
            place: match self.attempts.0.endpoint.get() {
                Some(endpoint) => format!("{} ({endpoint})", self.dynamodb.region()),
                None => self.dynamodb.region().to_owned(),
            },
            profile: self.dynamodb.profile().map(str::to_owned),
            deadline: self.dynamodb.deadline(),
            attempts: self.attempts.count(),
            last,
        };
        Error::sdk(circumstances, error)
    }

    /// It wrote: so much by the answer, and at least so much by AWS's rule.
    pub(crate) fn wrote<'a>(&mut self, answered: impl IntoIterator<Item = &'a ConsumedCapacity>, least: f64) {
        self.consumed.write_units += units(answered).max(least);
    }

    /// It read: so much by the answer, and at least so much by AWS's rule.
    pub(crate) fn read<'a>(&mut self, answered: impl IntoIterator<Item = &'a ConsumedCapacity>, least: f64) {
        self.consumed.read_units += units(answered).max(least);
    }
}

fn units<'a>(answered: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    answered.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some((resource_type, observer)) = &self.reported else { return };
        let Target { operation, table, .. } = &self.target;
        let consumed = Consumed { requests: self.attempts.count(), ..self.consumed };
        let Consumed { requests, write_units, read_units } = consumed;
        tracing::debug!(operation, %table, requests, write_units, read_units, "asked DynamoDB");
        if let Some(observer) = observer {
            observer(&Request { operation, table, resource_type, consumed });
        }
    }
}

/// Counts the attempts of a request as they leave, and remembers how the last one failed that had an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    count: AtomicU64,
    endpoint: OnceLock<String>,
    last: Mutex<Option<String>>,
}

impl Attempts {
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    fn last(&self) -> Option<String> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.endpoint.get_or_init(|| context.request().uri().to_owned());
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error() {
            let message = ErrorChain::of(error).to_string();
            *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        }
        Ok(())
    }
}
