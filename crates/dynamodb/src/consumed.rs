//! [`Consumed`]: what requests cost. [`Request`] tells it of one as it ends, and a [`Meter`] adds up.

use std::{
    iter::Sum,
    ops::{Add, AddAssign},
    sync::{Arc, Mutex, PoisonError},
};

/// What was sent to DynamoDB, and what AWS bills for it.
///
/// Units are those of [on-demand capacity](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html):
/// a write unit for each KB begun of an item written, a read unit for each 4 KB begun that are read strongly consistent,
/// or 8 KB otherwise. They are taken from the answers. Where an answer says less than AWS bills, AWS's rule is followed: a
/// write whose condition fails is billed by the size of the item in its way, and a read that finds nothing costs one
/// unit, or half of one. What is read from a stream takes no units: it is
/// [billed by the request](https://aws.amazon.com/dynamodb/pricing/on-demand/).
///
/// An attempt that had no answer counts as a request. Its units are not known: none if it was throttled or never
/// arrived, the usual ones if the answer was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumed {
    /// HTTP requests, each attempt counted.
    pub requests: u64,
    /// Write units, those of the indexes included.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
}

impl Add for Consumed {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            write_units: self.write_units + other.write_units,
            read_units: self.read_units + other.read_units,
        }
    }
}

impl AddAssign for Consumed {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Consumed {
    fn sum<I: Iterator<Item = Self>>(iterator: I) -> Self {
        iterator.fold(Self::default(), Add::add)
    }
}

/// A request that has ended, well or not, with all its attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The API operation: `PutItem`, `Query`, `GetRecords`, …
    pub operation: &'static str,
    /// The table.
    pub table: &'a str,
    /// The resource type that it is about. Empty when it is about none, as a list of all subscriptions is.
    pub resource_type: &'a str,
    /// What it took.
    pub consumed: Consumed,
}

/// Is told of every request.
pub(crate) type Observer = Arc<dyn Fn(&Request<'_>) + Send + Sync>;

/// Adds up what requests consume. Clones share one sum.
///
/// ```
/// # async fn example(dynamodb: aws_event_sourcing_dynamodb::DynamoDb) {
/// use aws_event_sourcing_dynamodb::Meter;
///
/// let meter = Meter::new();
/// let store = dynamodb.store().table("product", "products").on_request(meter.observer()).build();
/// // … use the store …
/// let consumed = meter.take();
/// println!("{} requests, {} write units", consumed.requests, consumed.write_units);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Consumed>>);

impl Meter {
    /// A meter that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to give to [`on_request`](crate::StoreBuilder::on_request) of a store, of subscriptions, or of both.
    pub fn observer(&self) -> impl Fn(&Request<'_>) + Send + Sync + 'static {
        let meter = self.clone();
        move |request| meter.with(|sum| *sum += request.consumed)
    }

    /// The sum so far.
    #[must_use]
    pub fn read(&self) -> Consumed {
        self.with(|sum| *sum)
    }

    /// The sum so far; the next one begins at zero.
    pub fn take(&self) -> Consumed {
        self.with(std::mem::take)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Consumed) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
