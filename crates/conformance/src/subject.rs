//! [`SubjectOf`]: what a law examines. For whoever runs the laws on a store.

use std::{fmt, future::ready, sync::Arc};

use aws_event_sourcing_core::{
    EventStore, ResourceId, ResourceKey,
    subscription::{ProgressStore, Source, SubscriptionKey},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use uuid::Uuid;

/// A handle on the store under examination.
pub(crate) type Store = Arc<dyn EventStore>;

/// A handle on the records under examination.
pub(crate) type Records = Arc<dyn ProgressStore>;

/// A store under examination: how to open it, again and again, on the same data. For [`laws!`](crate::laws).
pub type Subject = SubjectOf<Arc<dyn EventStore>>;

/// A [`ProgressStore`] under examination: how to open it, again and again, on the same data. For
/// [`progress_laws!`](crate::progress_laws).
pub type ProgressSubject = SubjectOf<Arc<dyn ProgressStore>>;

/// A [`Feed`](aws_event_sourcing_core::subscription::Feed) under examination, with the store whose events it delivers and
/// the records that go with it: how to open all three, again and again, on the same data. For
/// [`feed_laws!`](crate::feed_laws).
pub type FeedSubject = SubjectOf<Source>;

/// What a law examines: how to open it, again and again, on the same data.
///
/// Each law is given a subject of its own. It writes under resource types and names of subscriptions that nobody else
/// uses, so subjects may share a database; and it never looks at anything else, so that database need not be empty.
/// Clones are the same subject.
#[derive(Clone)]
pub struct SubjectOf<H> {
    open: Arc<dyn Fn() -> BoxFuture<'static, H> + Send + Sync>,
    prepare: Arc<dyn Fn(Arc<str>) -> BoxFuture<'static, ()> + Send + Sync>,
    writes_blindly: bool,
    spoil: Option<Arc<Spoil>>,
    spoil_record: Option<Arc<SpoilRecord>>,
}

/// Stores something that is no commit, as that number of a resource.
type Spoil = dyn Fn(ResourceKey, u64) -> BoxFuture<'static, ()> + Send + Sync;

/// Changes a record to something that is none.
type SpoilRecord = dyn Fn(SubscriptionKey, ResourceId) -> BoxFuture<'static, ()> + Send + Sync;

impl SubjectOf<Arc<dyn EventStore>> {
    /// A subject that is opened by calling `open`.
    ///
    /// Laws call it several times and use the handles side by side, as several processes would, and they drop handles
    /// and open the store again to see what is still there. So each call should open the store as a process would that
    /// starts, on the same data: the same file, the same tables. A store that cannot be open twice hands out clones.
    ///
    /// What must outlive the handles, such as a temporary directory, is best owned by the closure.
    pub fn new<S, F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: EventStore,
        F: Future<Output = S> + Send + 'static,
    {
        Self::opened(move || open().map(|store| Arc::new(store) as Store).boxed())
    }

    /// For a store whose write cannot look at a second commit: law 13 has
    /// [`has_kept`](aws_event_sourcing_core::EventStore::has_kept) for it, and appends are not examined for it.
    #[must_use]
    pub fn writing_blindly(self) -> Self {
        Self { writes_blindly: true, ..self }
    }

    pub(crate) fn writes_blindly(&self) -> bool {
        self.writes_blindly
    }
}

/// Whether something that is no commit was stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spoiled {
    Yes,
    ThatCannotBe,
}

impl SubjectOf<Arc<dyn ProgressStore>> {
    /// A subject that is opened by calling `open`, as often as a [`Subject`] is, and for the same reasons.
    pub fn new<S, F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: ProgressStore,
        F: Future<Output = S> + Send + 'static,
    {
        Self::opened(move || open().map(|records| Arc::new(records) as Records).boxed())
    }

    /// Has `spoil` called, and awaited, to make of the record of a resource, which is there, something that the store cannot
    /// read, past the store: as somebody does who has the file open in a shell, or an application that shares the table. A
    /// marker stays listed.
    ///
    /// Where nobody can do that, as with what is in memory only, there is nothing that cannot be read, and the laws
    /// about that are kept without it.
    #[must_use]
    pub fn spoiling_records<F>(
        self,
        spoil: impl Fn(SubscriptionKey, ResourceId) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let spoil = move |key, id| spoil(key, id).boxed();
        Self { spoil_record: Some(Arc::new(spoil)), ..self }
    }

    /// Makes of a record something that is none, if that can be done.
    pub(crate) async fn spoil_record(&self, key: &SubscriptionKey, id: &ResourceId) -> Spoiled {
        match &self.spoil_record {
            Some(spoil) => {
                spoil(key.clone(), id.clone()).await;
                Spoiled::Yes
            }
            None => Spoiled::ThatCannotBe,
        }
    }
}

impl SubjectOf<Source> {
    /// A subject that is opened by calling `open`, as often as a [`Subject`] is, and for the same reasons.
    ///
    /// Whoever has an opened one follows events and stops without notice. Laws wait for that to be noticed: where it
    /// takes a while, as with leases, let it be a short one.
    pub fn new<F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Source> + Send + 'static,
    {
        Self::opened(move || open().boxed())
    }
}

impl<H> SubjectOf<H> {
    fn opened(open: impl Fn() -> BoxFuture<'static, H> + Send + Sync + 'static) -> Self {
        Self {
            open: Arc::new(open),
            prepare: Arc::new(|_| ready(()).boxed()),
            writes_blindly: false,
            spoil: None,
            spoil_record: None,
        }
    }

    /// Has `prepare` called, and awaited, with each resource type before a law first uses it: for stores where a type
    /// needs a table. The names consist of `a` to `z`, `0` to `9` and `-`. Not called by laws about progress alone: there,
    /// no event of a type exists.
    #[must_use]
    pub fn preparing<F>(self, prepare: impl Fn(Arc<str>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { prepare: Arc::new(move |resource_type| prepare(resource_type).boxed()), ..self }
    }

    /// Has `spoil` called, and awaited, to store what the store cannot read, with that number of that resource, past the
    /// store: as somebody does who has the file open in a shell, or an application that shares the table.
    ///
    /// Where nobody can do that, as with what is in memory only, there is nothing that cannot be read, and the laws
    /// about that are kept without it.
    #[must_use]
    pub fn spoiling<F>(self, spoil: impl Fn(ResourceKey, u64) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let spoil = move |resource, number| spoil(resource, number).boxed();
        Self { spoil: Some(Arc::new(spoil)), ..self }
    }

    /// Stores something that is no commit, if that can be done.
    pub(crate) async fn spoil(&self, resource: &ResourceKey, number: u64) -> Spoiled {
        match &self.spoil {
            Some(spoil) => {
                spoil(resource.clone(), number).await;
                Spoiled::Yes
            }
            None => Spoiled::ThatCannotBe,
        }
    }

    /// Another handle on the same data.
    pub(crate) async fn open(&self) -> H {
        (self.open)().await
    }

    /// A resource type that nobody has used before, with this name somewhere in its own.
    pub(crate) async fn resource_type(&self, name: &str) -> Arc<str> {
        self.prepared(unique(name)).await
    }

    /// The resource type of that very name, ready to be used.
    pub(crate) async fn prepared(&self, resource_type: String) -> Arc<str> {
        let resource_type = Arc::<str>::from(resource_type);
        (self.prepare)(resource_type.clone()).await;
        resource_type
    }
}

/// A name that nobody has used before, which begins with this one.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", Uuid::new_v4().simple())
}

impl<H> fmt::Debug for SubjectOf<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
