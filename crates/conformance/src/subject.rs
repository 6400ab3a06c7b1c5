//! [`Subject`]: the store that a law examines. For whoever runs the laws on a store.

use std::{fmt, future::ready, sync::Arc};

use aws_event_sourcing_core::EventStore;
use futures_util::{FutureExt as _, future::BoxFuture};
use uuid::Uuid;

/// A handle on the store under examination.
pub(crate) type Store = Arc<dyn EventStore>;

/// A store under examination: how to open it, again and again, on the same data.
///
/// Each law is given a subject of its own. It writes under resource types that nobody else uses, so subjects may share
/// a database; and it never looks at anything else, so that database need not be empty. Clones are the same subject.
#[derive(Clone)]
pub struct Subject {
    open: Arc<dyn Fn() -> BoxFuture<'static, Store> + Send + Sync>,
    prepare: Arc<dyn Fn(Arc<str>) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Subject {
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
        Self {
            open: Arc::new(move || open().map(|store| Arc::new(store) as Store).boxed()),
            prepare: Arc::new(|_| ready(()).boxed()),
        }
    }

    /// Has `prepare` called, and awaited, with each resource type before a law first uses it: for stores where a type
    /// needs a table. The names consist of `a` to `z`, `0` to `9` and `-`.
    #[must_use]
    pub fn preparing<F>(self, prepare: impl Fn(Arc<str>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { prepare: Arc::new(move |resource_type| prepare(resource_type).boxed()), ..self }
    }

    /// Another handle on the same data.
    pub(crate) async fn open(&self) -> Store {
        (self.open)().await
    }

    /// A resource type that nobody has used before, with this name somewhere in its own.
    pub(crate) async fn resource_type(&self, name: &str) -> Arc<str> {
        self.prepared(format!("{name}-{}", Uuid::new_v4().simple())).await
    }

    /// The resource type of that very name, ready to be used.
    pub(crate) async fn prepared(&self, resource_type: String) -> Arc<str> {
        let resource_type = Arc::<str>::from(resource_type);
        (self.prepare)(resource_type.clone()).await;
        resource_type
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
