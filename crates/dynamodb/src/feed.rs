//! [`DynamoDbFeed`]: the events of a [store](DynamoDbStore) as they happen, from the streams of its tables.
//!
//! A stream is a set of shards that come and go, and it goes back 24 hours. What is older is in the table only. So what is
//! followed has two sorts of [parts](aws_event_sourcing_core::subscription::Part): the table, read once from end to end,
//! and then the shards. [`leases`] keeps who has which of them, in the table of subscriptions; [`plan`] decides what to do
//! about them, and [`follower`] does it. [`lease`] is the right to a part, [`past`] and [`shard`] read one, [`reached`] tells
//! how far a shard is handled, and [`stream`] holds the requests to the streams.

mod follower;
mod lease;
mod leases;
mod listing;
mod past;
mod plan;
mod reached;
mod record;
mod shard;
mod stream;

use std::{fmt, sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    StoreError,
    subscription::{Feed, Part, Registration, Start, SubscriptionKey},
};
use futures_core::stream::BoxStream;

use self::{follower::Follower, listing::Listings};
use crate::{
    store::DynamoDbStore,
    subscriptions::{DynamoDbSubscriptions, SubscriptionsTable},
};

/// For how long a part is a process's without being renewed, unless set.
const LEASE: Duration = Duration::from_secs(10);

/// The shortest lease: a request may take a moment.
const SHORTEST_LEASE: Duration = Duration::from_millis(500);

/// Follows the events of a [`DynamoDbStore`], in processes of one's own. On Lambda, the service does that.
///
/// ```no_run
/// # async fn example(dynamodb: aws_event_sourcing_dynamodb::DynamoDb) -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// use aws_event_sourcing_core::subscription::Source;
///
/// let store = dynamodb.store().table("product", "products").build();
/// let subscriptions = dynamodb.subscriptions("subscriptions");
/// let source = Source {
///     feed: Arc::new(subscriptions.feed(&store)),
///     events: Arc::new(store),
///     progress: Arc::new(subscriptions),
/// };
/// # Ok(())
/// # }
/// ```
///
/// # How events are followed
///
/// Any number of processes may follow the same subscription. Each shard of the stream is one process's at a time: it has
/// a lease, an item in the table of subscriptions, and renews it. When a process ends without a word, others find that
/// its leases are no longer renewed, by their own clocks, and take them over. A shard is begun when those that it came
/// from are finished, so a resource's events stay in order.
///
/// A subscription that begins with the first event has the table read first, by one process at a time, each from where the
/// one before has left it. It is read again whenever something may be missing from the stream: what comes next is older
/// than 24 hours, or 12 where it is the beginning of a shard, or the stream was turned off and on. What was handled is
/// passed over then. While that is going on, no shard is followed. A table that takes longer than 12 hours is read once
/// more, which goes faster.
///
/// # Cost
///
/// For each subscription of a resource type and each shard, and an open table has as many shards as partitions:
///
/// | what | requests |
/// |---|---|
/// | while events come | a `GetRecords` for each page of up to 1 MB or 1,000 of them, up to 5 a second, and a write unit for each place that is saved, about 2 a second |
/// | while nothing happens | up to 1 `GetRecords` a second, and 3 write units in each [lease time](Self::lease_time) |
/// | in addition, each process | a `Query` of all leases, some 250 bytes for each shard, every 10 seconds, every second while somebody else has one; `DescribeTable` and `DescribeStream` every 10 seconds for each resource type |
/// | the past | a scan of the table, as [`DynamoDbStore`] says |
///
/// AWS allows two readers of a shard without throttling. Where a resource type has more subscriptions than that, let
/// Lambda follow its stream.
///
/// # Delay
///
/// An event is delivered within a second, typically within a quarter of one: a shard is asked five times a second while
/// events come, and at growing intervals of up to 1 second when there are none.
///
/// # Errors
///
/// An item that is no commit is an error that names it, and the part that it is in does not get past it: somebody has
/// written into the table by hand. That an event was changed or deleted by hand is logged, at level error.
#[derive(Clone)]
pub struct DynamoDbFeed(Arc<Parts>);

/// What happened before a host is handed a subscription's events.
#[derive(Debug)]
pub enum Past {
    /// This is to be read.
    Unread(Part),
    /// Another process reads it.
    Elsewhere,
    /// It has been read to its end, or is not asked for.
    Read,
}

/// What followers have in common.
#[derive(Clone)]
struct Parts {
    store: DynamoDbStore,
    subscriptions: Arc<SubscriptionsTable>,
    lease_time: Duration,
    listings: Listings,
}

impl DynamoDbSubscriptions {
    /// Follows the events of a store for these subscriptions, with leases in their table.
    #[must_use]
    pub fn feed(&self, store: &DynamoDbStore) -> DynamoDbFeed {
        DynamoDbFeed(Arc::new(Parts {
            store: store.clone(),
            subscriptions: Arc::clone(self.table()),
            lease_time: LEASE,
            listings: Listings::default(),
        }))
    }
}

impl DynamoDbFeed {
    /// How long a part stays a process's that has not renewed its lease, which it does every third of that time; 10 seconds
    /// unless set, half a second at least. A shorter time has the work of a process that was killed taken over sooner, and
    /// costs more writes. A process that is held up for that long loses its parts.
    #[must_use]
    pub fn lease_time(self, lease_time: Duration) -> Self {
        let lease_time = lease_time.max(SHORTEST_LEASE);
        Self(Arc::new(Parts { lease_time, ..(*self.0).clone() }))
    }

    /// What happened before, for a host that is handed the events of a stream and follows none: the table as a part, for
    /// [`Subscription::catch_up`](aws_event_sourcing_core::subscription::Subscription::catch_up). A part that is released
    /// goes on where it was saved, here or elsewhere.
    ///
    /// Costs a `Query` where nothing is to be read. Takes up to twice the lease time where it is not sure whether somebody
    /// else is at it.
    ///
    /// # Errors
    ///
    /// Those of the table of subscriptions.
    pub async fn past(&self, registration: &Registration) -> Result<Past, StoreError> {
        match registration.start {
            Start::Now => Ok(Past::Read),
            Start::Beginning => {
                let key = registration.key.clone();
                Ok(Follower::new(Arc::clone(&self.0), key, registration.clone()).past().await?)
            }
        }
    }
}

impl Feed for DynamoDbFeed {
    /// One part for each shard of the stream, and one for the table. The stream goes on after an error.
    fn follow(
        &self,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> BoxStream<'static, Result<Part, StoreError>> {
        Follower::new(Arc::clone(&self.0), key.clone(), registration.clone()).parts()
    }
}

impl fmt::Debug for DynamoDbFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { store, subscriptions, lease_time, .. } = &*self.0;
        f.debug_struct("DynamoDbFeed")
            .field("store", store)
            .field("subscriptions", &subscriptions.name)
            .field("lease_time", lease_time)
            .finish()
    }
}
