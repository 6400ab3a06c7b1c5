//! [`DynamoDbStore`]: the event store, put together from [appending](crate::append), [reading](crate::pages) and
//! [listing](crate::list). [`StoreBuilder`] makes one.

use std::{collections::HashMap, fmt, sync::Arc};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, Cursor, EventStore, Moment, Page, ResourceKey, StoreError,
    limits,
};
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, future, stream};

use crate::{
    append,
    connection::DynamoDb,
    consumed::{Observer, Request},
    error::Error,
    item::Item,
    list,
    pages::{self, Source},
    resource_table::ResourceTable,
};

/// Segments of a scan unless set.
const SEGMENTS: i32 = 4;

/// An event store in DynamoDB: one table for each resource type, one item for each commit. Cloning is cheap, and clones
/// are the same store.
///
/// # Cost
///
/// | call | requests | units |
/// |---|---|---|
/// | `append` | 1 `PutItem` | a write unit for each KB begun, and 1 for the index `listing` when it creates a resource |
/// | `append` that loses a race | 1 `PutItem` | a write unit for each KB begun of the commit in its way |
/// | `read` | 1 `Query`, and 1 more for each further MB | a read unit for each 4 KB begun, at least 1 |
/// | `scan` | 1 `Scan` for each segment, and 1 more for each further MB | a read unit for each 4 KB begun, at least 1 a request |
/// | `list` | 8 `Query`, rarely more | half a read unit for each 4 KB begun, at least half a unit a request |
/// | `has_kept` | 1 `DescribeTable` every [5 seconds](crate::Connect::look_every) while it is asked for, and 1 when a table is first used | none, and nothing to pay |
///
/// [`on_request`](StoreBuilder::on_request) tells what it really was. Events at level debug of the log tell it too.
///
/// # Consistency
///
/// `read` and `scan` see everything that was acknowledged before they were called. `list` reads an index, which AWS
/// keeps up [within a fraction of a second, normally](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Writes):
/// a resource that was created just now may be missing from it.
/// # A table that is restored
///
/// A `PutItem` sees no item but its own: it would be carried out as well when the commits before it are gone, because the
/// table was restored to an earlier state under its name. So before an append on what was seen more than 5 seconds ago,
/// [`has_kept`](EventStore::has_kept) compares the table's id (`TableId`) with what it was then. Another id, or none that
/// can be had, makes a repository read the resource from its last known commit on, a `Query` and a read unit, and go on from
/// what is there. Without the permission `dynamodb:DescribeTable` that is so for every such commit, and a warning says it once.
///
/// Not noticed in time are items that somebody deletes by hand: a process that has read them commits behind them until it
/// reads the resource. Then the next reader says which commit is missing.
#[derive(Clone)]
pub struct DynamoDbStore(Arc<Parts>);

struct Parts {
    dynamodb: DynamoDb,
    tables: Tables,
    segments: i32,
    observer: Option<Observer>,
}

/// Names the table of a resource type.
type Naming = dyn Fn(&str) -> String + Send + Sync;

/// Which table a resource type has.
#[derive(Default)]
struct Tables {
    named: HashMap<Arc<str>, Arc<str>>,
    others: Option<Box<Naming>>,
}

impl Tables {
    fn of(&self, resource_type: &Arc<str>) -> Result<Arc<str>, Error> {
        match (self.named.get(resource_type), &self.others) {
            (Some(name), _) => Ok(Arc::clone(name)),
            (None, Some(others)) => Ok(others(resource_type).into()),
            (None, None) => Err(Error::NoTable { resource_type: Arc::clone(resource_type) }),
        }
    }
}

/// A store that is being set up.
#[must_use = "there is no store yet"]
pub struct StoreBuilder(Parts);

impl StoreBuilder {
    pub(crate) fn new(dynamodb: DynamoDb) -> Self {
        Self(Parts { dynamodb, tables: Tables::default(), segments: SEGMENTS, observer: None })
    }

    /// Keeps the resources of a type in this table, which is theirs alone.
    pub fn table(mut self, resource_type: impl Into<Arc<str>>, table: impl Into<Arc<str>>) -> Self {
        self.0.tables.named.insert(resource_type.into(), table.into());
        self
    }

    /// Names the tables of all types that have none by [`table`](Self::table). Different types need different tables.
    pub fn tables_by(mut self, name: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.0.tables.others = Some(Box::new(name));
        self
    }

    /// In how many segments a scan reads a table side by side; 4 unless set, 1 to 1,000,000. Each holds a page of up to 1 MB
    /// in memory, several times that once it is decoded. More are faster as long as the table and the machine keep up,
    /// and cost at least one read unit each.
    pub fn scan_segments(mut self, segments: u32) -> Self {
        self.0.segments = i32::try_from(segments.clamp(1, 1_000_000)).unwrap_or(1_000_000);
        self
    }

    /// Has `observer` told of every request as it ends: for metrics, and for tests of what something costs. A
    /// [`Meter`](crate::Meter) is one.
    ///
    /// It is called where the request was made, and should take no time. It is not told of `DescribeTable`, which costs
    /// nothing.
    pub fn on_request(mut self, observer: impl Fn(&Request<'_>) + Send + Sync + 'static) -> Self {
        self.0.observer = Some(Arc::new(observer));
        self
    }

    /// The store. Nothing is sent yet.
    #[must_use]
    pub fn build(self) -> DynamoDbStore {
        DynamoDbStore(Arc::new(self.0))
    }
}

impl DynamoDbStore {
    /// The table of a resource type, and how to reach it.
    pub(crate) fn table(&self, resource_type: &Arc<str>) -> Result<ResourceTable, Error> {
        let Parts { dynamodb, tables, observer, .. } = &*self.0;
        let name = tables.of(resource_type)?;
        Ok(ResourceTable {
            dynamodb: dynamodb.clone(),
            identity: dynamodb.identity(&name),
            name,
            resource_type: Arc::clone(resource_type),
            observer: observer.clone(),
        })
    }

    /// In how many segments a table is read.
    pub(crate) fn segments(&self) -> usize {
        usize::try_from(self.0.segments).unwrap_or(usize::MAX)
    }

    /// A segment of a table, from its start on, or behind the item with that key.
    pub(crate) fn segment(
        &self,
        resource_type: &Arc<str>,
        segment: usize,
        behind: Option<Item>,
    ) -> CommitStream {
        let segment = i32::try_from(segment).unwrap_or(i32::MAX);
        self.commits(resource_type, Source::Segment { segment, of: self.0.segments, behind })
    }

    /// Commits, or the reason why there is no place to read them from.
    fn commits(&self, resource_type: &Arc<str>, source: Source) -> CommitStream {
        match self.table(resource_type) {
            Ok(table) => pages::commits(table, source),
            Err(error) => stream::once(future::ready(Err(error.into()))).boxed(),
        }
    }
}

impl EventStore for DynamoDbStore {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        Box::pin(async { append::append(&self.table(&commit.resource.resource_type)?, commit).await })
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        if limits::check_resource_id(&resource.id).is_err() {
            return stream::empty().boxed();
        }
        self.commits(&resource.resource_type, Source::History { resource: resource.clone(), after })
    }

    /// One stream for each [segment](StoreBuilder::scan_segments).
    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        (0..self.segments()).map(|segment| self.segment(resource_type, segment, None)).collect()
    }

    /// As far as the [identity of the table](DynamoDbStore#a-table-that-is-restored) tells.
    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            match self.table(resource_type) {
                Ok(table) => table.identity.has_kept(&table, since).await,
                Err(_) => false,
            }
        })
    }

    /// At most 10,000, whatever the limit.
    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { list::list(&self.table(resource_type)?, limit, after).await })
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamoDbStore").field(&self.0.dynamodb).finish()
    }
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreBuilder").field(&self.0.dynamodb).finish()
    }
}
