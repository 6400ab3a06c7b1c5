//! [`DynamoDbSubscriptions`]: how far subscriptions are, in one table for all of them.
//!
//! [`record`] says how a record is written down, [`load`] reads them, [`change`] changes them, [`parked`] lists those that
//! have a marker, and [`registered`] the subscriptions themselves.

mod change;
mod load;
mod parked;
mod patience;
mod record;
mod registered;
mod skipped;

use std::{fmt, sync::Arc};

use aws_event_sourcing_core::{
    ResourceId, StoreError, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped, Start, SubscriptionKey,
        Swap, UnreadableRecord,
    },
};
use futures_core::future::BoxFuture;

pub(crate) use self::patience::Patience;
use crate::{
    connection::DynamoDb,
    consumed::{Observer, Request},
    request::{Pending, Target},
    table::Kind,
};

/// How far subscriptions are, kept in a table of DynamoDB. Cloning is cheap, and clones are the same.
///
/// ```no_run
/// # async fn example(dynamodb: aws_event_sourcing_dynamodb::DynamoDb) -> Result<(), Box<dyn std::error::Error>> {
/// use aws_event_sourcing_core::subscription::ProgressStore;
///
/// let subscriptions = dynamodb.subscriptions("subscriptions");
/// for registration in subscriptions.registered().await? {
///     println!("{} has run since {}", registration.key, registration.started_at);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Cost
///
/// For records below 1 KB, as all are whose error is short:
///
/// | call | requests | units |
/// |---|---|---|
/// | `load` of n resources | 1 `GetItem`, or ⌈n/100⌉ `BatchGetItem` | n read units |
/// | `advance` of n resources | n `UpdateItem`, 16 side by side | n write units |
/// | `swap` | 1 `PutItem` | 1 write unit, and 1 more for a marker that comes, goes or changes in the index `parked`; 2 more where the time of its next attempt changes |
/// | `swap` with what is skipped | 1 `TransactWriteItems` | 2 write units for each of both, and those of the index |
/// | `parked` | 1 `Query`, rarely more | half a read unit for each 4 KB begun, at least half a unit |
/// | `register` | 1 `PutItem` | 1 write unit |
/// | `skipped`, `registered` | 1 `Query`, and 1 more for each further MB | a read unit for each 4 KB begun, at least 1 |
///
/// # Consistency
///
/// `parked` reads an index, which AWS keeps up within a fraction of a second, normally. All else sees what was
/// acknowledged before.
#[derive(Clone)]
pub struct DynamoDbSubscriptions(Arc<SubscriptionsTable>);

/// The table, and how to reach it.
#[derive(Clone)]
pub(crate) struct SubscriptionsTable {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) name: Arc<str>,
    pub(crate) observer: Option<Observer>,
}

impl SubscriptionsTable {
    /// A request to this table about a resource type, which the observer will be told of.
    pub(crate) fn pending(&self, operation: &'static str, resource_type: &Arc<str>) -> Pending {
        Pending::reported(&self.dynamodb, self.target(operation), resource_type, self.observer.as_ref())
    }

    fn target(&self, operation: &'static str) -> Target {
        Target { operation, table: Arc::clone(&self.name), kind: Kind::Subscriptions }
    }
}

impl DynamoDbSubscriptions {
    pub(crate) fn new(dynamodb: DynamoDb, name: Arc<str>) -> Self {
        Self(Arc::new(SubscriptionsTable { dynamodb, name, observer: None }))
    }

    /// Has `observer` told of every request as it ends: for metrics, and for tests of what something costs. A
    /// [`Meter`](crate::Meter) is one.
    ///
    /// It is called where the request was made, and should take no time.
    #[must_use]
    pub fn on_request(self, observer: impl Fn(&Request<'_>) + Send + Sync + 'static) -> Self {
        let table = SubscriptionsTable { observer: Some(Arc::new(observer)), ..(*self.0).clone() };
        Self(Arc::new(table))
    }

    pub(crate) fn table(&self) -> &Arc<SubscriptionsTable> {
        &self.0
    }
}

impl ProgressStore for DynamoDbSubscriptions {
    fn register<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Registration, StoreError>> {
        Box::pin(async move { Ok(registered::register(&self.0, key, start, now).await?) })
    }

    fn registered(&self) -> BoxFuture<'_, Result<Vec<Registration>, StoreError>> {
        Box::pin(async { Ok(registered::registered(&self.0).await?) })
    }

    fn load<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        ids: &'a [ResourceId],
    ) -> BoxFuture<'a, Result<Vec<Result<Progress, UnreadableRecord>>, StoreError>> {
        Box::pin(async move { Ok(load::load(&self.0, key, ids).await?) })
    }

    fn advance<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        handled: &'a [(ResourceId, u64)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { Ok(change::advance(&self.0, key, handled).await?) })
    }

    fn swap<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
        seen: u64,
        next: &'a Progress,
        skipped: Option<&'a Skipped>,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(async move { Ok(change::swap(&self.0, key, id, seen, next, skipped).await?) })
    }

    /// At most 1,000, whatever the limit. Those of one time are read together, to the last, so that their order is that
    /// of their ids.
    fn parked<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&'a ParkedCursor>,
    ) -> BoxFuture<'a, Result<ParkedPage, StoreError>> {
        Box::pin(async move { Ok(parked::parked(&self.0, key, due, limit, after).await?) })
    }

    fn skipped<'a>(
        &'a self,
        key: &'a SubscriptionKey,
        id: &'a ResourceId,
    ) -> BoxFuture<'a, Result<Vec<Skipped>, StoreError>> {
        Box::pin(async move { Ok(skipped::skipped(&self.0, key, id).await?) })
    }
}

impl fmt::Debug for DynamoDbSubscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SubscriptionsTable { dynamodb, name, .. } = &*self.0;
        f.debug_struct("DynamoDbSubscriptions").field("table", name).field("dynamodb", dynamodb).finish()
    }
}
