//! [`Repository`]: finds, creates and updates the resources of one aggregate type in one store. This is where users
//! of the library spend their time.

mod cache;
mod commit;
mod error;
mod events;
mod find_all;
mod find_page;
mod head;
mod history;
mod key;
mod retry;
mod told;
mod turns;
mod write;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::TryStreamExt as _;

use self::{cache::Cache, told::Told, turns::Turns};
pub use self::{
    cache::CacheSettings,
    error::{CommitError, FindError},
    events::EventStream,
    find_all::ResourceStream,
    find_page::ResourcePage,
    retry::Retry,
    write::{ById, New, Write},
};
pub(crate) use self::{commit::Intent, head::Head};
use crate::{
    Aggregate, Clock, CommitStream, Cursor, EventStore, IdSource, Moment, Page, RandomIds, Resource,
    ResourceId, ResourceKey, StoreError, SystemClock, Timestamp,
};

/// Finds, creates and updates the resources of one aggregate type in one store. Cheap to clone; clones share the
/// store, the cache and the settings.
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Event, MemoryStore, Repository};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// # enum LampEvent { LampInstalled { watts: u32 }, LampSwitchedOn, LampSwitchedOff }
/// # #[derive(Debug, Clone, Default)]
/// # struct Lamp { on: bool }
/// # impl Aggregate for Lamp {
/// #     const TYPE: &'static str = "lamp";
/// #     type Event = LampEvent;
/// #     type Error = &'static str;
/// #     fn validate(&self, event: &LampEvent) -> Result<(), &'static str> {
/// #         match event { LampEvent::LampSwitchedOn if self.on => Err("it is on"), _ => Ok(()) }
/// #     }
/// #     fn apply(&mut self, event: &LampEvent) { self.on = matches!(event, LampEvent::LampSwitchedOn) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use LampEvent::{LampInstalled, LampSwitchedOff, LampSwitchedOn};
/// let lamps = Repository::<Lamp>::new(MemoryStore::new());
///
/// let mut lamp = lamps.create(LampInstalled { watts: 5 }).await?;
/// lamp.commit(LampSwitchedOn).await?;
/// lamp.commit_all([LampSwitchedOff, LampSwitchedOn]).await?;
/// assert_eq!((lamp.version(), lamp.on), (4, true));
///
/// let past = lamps.find_one_at(lamp.id(), 3).await?;
/// assert!(!past.on);
/// # Ok(())
/// # }
/// ```
pub struct Repository<A: Aggregate> {
    inner: Arc<Inner<A>>,
}

struct Inner<A> {
    resource_type: Arc<str>,
    store: Arc<dyn EventStore>,
    /// The newest version of each resource, as far as it is known.
    cache: Cache<A>,
    /// The version of each resource that was last asked for by its number.
    past: Cache<A>,
    turns: Turns,
    told: Told,
    retry: Retry,
    clock: Box<dyn Clock>,
    ids: Box<dyn IdSource>,
    /// Whether it was said that the store has another history of a resource than was read.
    told_of_lost: AtomicBool,
}

/// A last commit that is read along with what follows it: with its other attributes it stays below 4 KB.
const SMALL_COMMIT_BYTES: usize = 3 * 1024;

impl<A: Aggregate> Repository<A> {
    /// The resources of type `A` in that store, with default settings.
    pub fn new(store: impl EventStore) -> Self {
        Self::builder(store).build()
    }

    /// Like [`new`](Self::new), with settings.
    pub fn builder(store: impl EventStore) -> RepositoryBuilder<A> {
        RepositoryBuilder {
            store: Arc::new(store),
            cache: CacheSettings::default(),
            retry: Retry::default(),
            clock: Box::new(SystemClock),
            ids: Box::new(RandomIds),
            aggregate: std::marker::PhantomData,
        }
    }

    /// The store that this repository reads and writes.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.inner.store
    }

    /// The name of a resource of this repository's type.
    pub fn key(&self, id: impl Into<ResourceId>) -> ResourceKey {
        ResourceKey { resource_type: self.inner.resource_type.clone(), id: id.into() }
    }

    /// The resource as it is now: everything that any process had been told is committed is in it.
    ///
    /// Reads what this process has not seen, and the last commit that it has, which tells whether that is still there. On
    /// DynamoDB that is one `Query` for a warm resource, and one for each MB of history for a cold one.
    ///
    /// # Errors
    ///
    /// [`FindError::NotFound`] when it has no events, [`FindError::Unreadable`] when there is one that cannot be read.
    pub async fn find_one(&self, id: impl Into<ResourceId>) -> Result<Resource<A>, FindError> {
        let mut head = self.known(self.key(id));
        self.hydrate(&mut head).await?;
        self.found(head)
    }

    /// The resource as it was at a version, between 1 and its current one. No request when that is a version in the cache
    /// which the store is [sure to have](EventStore::has_kept); otherwise its history is read up to there, from the cached version before it on. The version that was asked for is
    /// kept too, so that a handler that asks for one version after the other reads each commit once.
    ///
    /// A commit on what this returns is judged on, and follows, the newest state like any other.
    ///
    /// # Errors
    ///
    /// [`FindError::NotFound`] when it has no events, [`FindError::NoSuchVersion`] for a version that it has not
    /// reached and for 0, [`FindError::Unreadable`] when an event up to there cannot be read.
    pub async fn find_one_at(
        &self,
        id: impl Into<ResourceId>,
        version: u64,
    ) -> Result<Resource<A>, FindError> {
        let resource = self.key(id);
        if version == 0 {
            let mut head = self.known(resource.clone());
            self.hydrate(&mut head).await?;
            return Err(not_at(resource, version, head.version));
        }
        let mut head = self.nearest(resource.clone(), |head| head.version <= version);
        let kept = self.has_kept(&head).await;
        if head.version < version || !kept {
            let mut commits =
                if kept { self.read_behind(&mut head) } else { self.read_on(&mut head).await? };
            while head.version < version
                && let Some(commit) = commits.try_next().await?
            {
                if commit.last_number() > version {
                    // What comes next goes on from before this commit.
                    self.inner.past.set(&head);
                }
                head.apply_until(&commit, version)?;
            }
        }
        if head.version != version {
            return Err(not_at(resource, version, head.version));
        }
        if head.can_move_on() {
            self.inner.past.set(&head);
        }
        Ok(Resource::new(self.clone(), head))
    }

    /// The resource as it was at a time: as of the last commit before the first one that was made later.
    ///
    /// Times come from the clocks of those who write, and need not grow. A commit counts as made no earlier than those before
    /// it: where a clock was ahead, the commits behind it are not shown before that time either, whatever their own says. So
    /// what is shown has no event that says it happened later, is a state that the resource was in, and stays the same
    /// whatever is committed afterwards, once a later commit is there.
    ///
    /// Costs what [`find_one_at`](Self::find_one_at) costs, and the page of history that shows that the next commit is later.
    ///
    /// # Errors
    ///
    /// [`FindError::NotFound`] when it has no events, or its first one is later.
    pub async fn find_one_at_time(
        &self,
        id: impl Into<ResourceId>,
        time: Timestamp,
    ) -> Result<Resource<A>, FindError> {
        let mut head = self.nearest(self.key(id), |head| head.latest <= time);
        let mut commits = self.read_on(&mut head).await?;
        while let Some(commit) = commits.try_next().await?
            && commit.at <= time
        {
            head.apply(&commit)?;
        }
        if head.version > 0 {
            self.inner.past.set(&head);
        }
        self.found(head)
    }

    /// All resources, in no particular order, each as it was when the scan came to it. Memory does not grow with
    /// their number, nor with the length of their histories; the cache is left alone.
    ///
    /// A resource that cannot be read is an item of the stream, [`FindError::Unreadable`], which names it and is logged once
    /// for each repository; the others follow. Only [`FindError::Store`] ends the stream. Who may do without what cannot be read goes on at that error:
    ///
    /// ```
    /// # use aws_event_sourcing_core::{Aggregate, FindError, Repository};
    /// # async fn count<A: Aggregate>(repository: Repository<A>) -> Result<usize, FindError> {
    /// use futures_util::StreamExt as _;
    ///
    /// let (mut resources, mut count) = (repository.find_all(), 0);
    /// while let Some(found) = resources.next().await {
    ///     match found {
    ///         Ok(_resource) => count += 1,
    ///         Err(FindError::Unreadable(unreadable)) => eprintln!("left out: {unreadable}"),
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # Ok(count)
    /// # }
    /// ```
    ///
    /// Reads everything there is: on DynamoDB one `Scan` for each MB.
    pub fn find_all(&self) -> ResourceStream<A> {
        ResourceStream::new(self)
    }

    /// Ids in the order of creation, at most `limit` of those behind `after`. The page's
    /// [`next`](Page::next) is where to go on. [`find_page`](Self::find_page) gives the resources themselves.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, limit: usize, after: Option<&Cursor>) -> Result<Page, StoreError> {
        self.inner.store.list(&self.inner.resource_type, limit, after).await
    }

    /// The events of a resource from its first on, or from a number on: see [`EventStream::after`]. Empty for a
    /// resource that does not exist.
    pub fn events(&self, id: impl Into<ResourceId>) -> EventStream<A> {
        EventStream::new(self.clone(), self.key(id))
    }

    /// Creates a resource with its first event.
    ///
    /// ```
    /// # use aws_event_sourcing_core::{Aggregate, Repository};
    /// # async fn example<A: Aggregate>(events: [A::Event; 3], repository: Repository<A>)
    /// # -> Result<(), aws_event_sourcing_core::CommitError<A::Error>> {
    /// # let [first, second, third] = events;
    /// let with_a_random_id = repository.create(first).await?;
    /// let with_my_own_id = repository.create(second).id("2026-invoice-7").await?;
    /// let once_however_often_this_runs = repository.create(third).idempotency_key("order 7").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// One write. Awaiting it gives the [`Resource`], or a [`CommitError`].
    pub fn create<'a>(&self, event: A::Event) -> Write<'a, A, New<A>> {
        self.create_all([event])
    }

    /// Creates a resource with several first events, in one commit.
    pub fn create_all<'a>(&self, events: impl IntoIterator<Item = A::Event>) -> Write<'a, A, New<A>> {
        Write::new(New { repository: self.clone(), id: None }, Intent::events(events))
    }

    /// Commits an event to a resource that is not at hand. One write and no read when the resource is in the cache:
    /// cheaper than [`find_one`](Self::find_one) followed by [`Resource::commit`], which read first.
    ///
    /// Awaiting it gives the [`Resource`], or a [`CommitError`].
    pub fn commit<'a>(&self, id: impl Into<ResourceId>, event: A::Event) -> Write<'a, A, ById<A>> {
        self.commit_all(id, [event])
    }

    /// Commits several events to a resource that is not at hand: all of them or none. Each is validated on the state
    /// that those before it lead to. Nothing is written when there are none.
    pub fn commit_all<'a>(
        &self,
        id: impl Into<ResourceId>,
        events: impl IntoIterator<Item = A::Event>,
    ) -> Write<'a, A, ById<A>> {
        Write::new(ById { repository: self.clone(), id: id.into() }, Intent::events(events))
    }

    /// Decides on the state which events to commit, and commits them: all of them or none.
    ///
    /// `decide` is called again when somebody else was faster, so that what is committed was decided on the very state
    /// that it follows; when it says no or returns no events, it is asked once more on the newest state. Awaiting it
    /// gives the [`Resource`], or a [`CommitError`].
    ///
    /// An [idempotency key](Write::idempotency_key) is not compared with the events here, which depend on state: an
    /// update with a known key gives the resource as the first one left it.
    pub fn update<'a, D, I>(&self, id: impl Into<ResourceId>, mut decide: D) -> Write<'a, A, ById<A>>
    where
        D: FnMut(&A) -> Result<I, A::Error> + Send + 'a,
        I: IntoIterator<Item = A::Event>,
    {
        let decide = move |state: &A| Ok(decide(state)?.into_iter().collect());
        Write::new(ById { repository: self.clone(), id: id.into() }, Intent::Decide(Box::new(decide)))
    }

    /// Reads and applies what the head has not seen.
    pub(crate) async fn hydrate(&self, head: &mut Head<A>) -> Result<(), StoreError> {
        if !head.can_move_on() {
            *head = self.known(head.resource.clone());
        }
        let mut commits = self.read_on(head).await?;
        while let Some(commit) = commits.try_next().await? {
            head.apply(&commit)?;
        }
        self.remember(head);
        Ok(())
    }

    /// What the store has behind a head. A head that the store has no more starts over, and all of its resource's commits
    /// are what is behind it.
    ///
    /// The answer begins with the head's own last commit, so that its absence is noticed. That costs what an empty answer
    /// costs, where a store bills what is read by the 4 KB. A large one is read only if the store is not sure to have it.
    async fn read_on(&self, head: &mut Head<A>) -> Result<CommitStream, StoreError> {
        let Some(last) = head.last.clone() else { return Ok(self.read_behind(head)) };
        if last.bytes > SMALL_COMMIT_BYTES && self.has_kept(head).await {
            return Ok(self.read_behind(head));
        }
        let asked_at = Moment::now();
        let mut commits = self.inner.store.read(&head.resource, last.number - 1);
        if commits.try_next().await?.is_some_and(|commit| last.is(&commit)) {
            head.seen = asked_at;
            return Ok(commits);
        }
        self.forget(head);
        *head = Head::new(head.resource.clone());
        Ok(self.read_behind(head))
    }

    /// What the store has behind a head that it is sure to have.
    fn read_behind(&self, head: &mut Head<A>) -> CommitStream {
        head.seen = Moment::now();
        self.inner.store.read(&head.resource, head.version)
    }

    /// Whether the store is sure to have what a head is made of.
    async fn has_kept(&self, head: &Head<A>) -> bool {
        self.inner.store.has_kept(&self.inner.resource_type, head.seen).await
    }

    /// Drops what is known of a resource whose history is another one now.
    fn forget(&self, head: &Head<A>) {
        let Head { resource, version, .. } = head;
        self.inner.cache.remove(&resource.id);
        self.inner.past.remove(&resource.id);
        let told = self.inner.told_of_lost.swap(true, Ordering::Relaxed);
        if told {
            tracing::debug!(
                resource_type = &*resource.resource_type, id = %resource.id, version,
                "another history is in the store by now"
            );
        } else {
            tracing::warn!(
                resource_type = &*resource.resource_type, id = %resource.id, version,
                "another history is in the store by now than this process has read: it was restored to an earlier state, \
                 or events were deleted. What is in memory of such resources is dropped. Further ones are told at debug"
            );
        }
    }

    /// What the cache has of a resource, or nothing yet.
    fn known(&self, resource: ResourceKey) -> Head<A> {
        self.inner.cache.get(&resource.id).unwrap_or_else(|| Head::new(resource))
    }

    /// The newest of what is known of a resource's past, as far as that will do; or nothing yet.
    fn nearest(&self, resource: ResourceKey, will_do: impl Fn(&Head<A>) -> bool) -> Head<A> {
        let known = [self.inner.cache.get(&resource.id), self.inner.past.get(&resource.id)];
        let fit = known.into_iter().flatten().filter(|head| head.can_move_on() && will_do(head));
        fit.max_by_key(|head| head.version).unwrap_or_else(|| Head::new(resource))
    }

    fn remember(&self, head: &Head<A>) {
        if head.version > 0 {
            self.inner.cache.put(head);
        }
    }

    fn found(&self, head: Head<A>) -> Result<Resource<A>, FindError> {
        if head.version == 0 {
            return Err(FindError::NotFound { resource: head.resource });
        }
        Ok(Resource::new(self.clone(), head))
    }
}

/// That a resource is not at a version.
fn not_at(resource: ResourceKey, version: u64, actual: u64) -> FindError {
    match actual {
        0 => FindError::NotFound { resource },
        actual => FindError::NoSuchVersion { resource, version, actual },
    }
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("resource_type", &self.inner.resource_type).finish_non_exhaustive()
    }
}

/// A [`Repository`] that is being set up.
#[must_use = "call `build`"]
pub struct RepositoryBuilder<A> {
    store: Arc<dyn EventStore>,
    cache: CacheSettings,
    retry: Retry,
    clock: Box<dyn Clock>,
    ids: Box<dyn IdSource>,
    aggregate: std::marker::PhantomData<fn() -> A>,
}

impl<A: Aggregate> RepositoryBuilder<A> {
    /// How much is kept in memory.
    pub fn cache(self, cache: CacheSettings) -> Self {
        Self { cache, ..self }
    }

    /// How a lost race is run again.
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Where the time of commits comes from.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Where the ids of resources and commits come from.
    pub fn ids(self, ids: impl IdSource) -> Self {
        Self { ids: Box::new(ids), ..self }
    }

    /// The repository.
    #[must_use]
    pub fn build(self) -> Repository<A> {
        Repository {
            inner: Arc::new(Inner {
                resource_type: A::TYPE.into(),
                store: self.store,
                cache: Cache::new(self.cache),
                past: Cache::new(self.cache.part(4)),
                turns: Turns::default(),
                told: Told::default(),
                retry: self.retry,
                clock: self.clock,
                ids: self.ids,
                told_of_lost: AtomicBool::new(false),
            }),
        }
    }
}

impl<A> fmt::Debug for RepositoryBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, retry, .. } = self;
        f.debug_struct("RepositoryBuilder")
            .field("cache", cache)
            .field("retry", retry)
            .finish_non_exhaustive()
    }
}
