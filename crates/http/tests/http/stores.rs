//! Stores that fail, on purpose.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, Cursor, EncodedEvent, EventStore, Json, MemoryStore, Moment,
    Page, ResourceKey, StoreError, StoreErrorKind, Timestamp,
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use tokio::sync::mpsc;

pub(crate) const SECRET: &str = "password=hunter2";

/// Memory with the faults that it is told to have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    pub(crate) memory: MemoryStore,
    /// Everything fails like this.
    pub(crate) fails: Option<StoreErrorKind>,
    /// A scan or a history breaks off behind so many commits.
    pub(crate) breaks_off_after: Option<usize>,
    /// Somebody else is always faster to change a resource.
    pub(crate) contended: bool,
    pub(crate) readers: Arc<Readers>,
}

/// How many histories have been read, are being read, and were at the most being read at a time.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    pub(crate) all: AtomicUsize,
    now: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

/// What must stay in the log.
#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk said no")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET)
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl std::error::Error for Inner {}

fn failure(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, Outer(Inner))
}

impl Faulty {
    pub(crate) fn with(fails: StoreErrorKind) -> Self {
        Self { fails: Some(fails), ..Self::default() }
    }

    fn disturbed(&self, commits: CommitStream) -> CommitStream {
        if let Some(kind) = self.fails {
            return stream::iter([Err(failure(kind))]).boxed();
        }
        let Some(whole) = self.breaks_off_after else { return commits };
        // What has been read until then has time to go out.
        let failure = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            Err(failure(StoreErrorKind::Internal))
        };
        commits.take(whole).chain(failure.into_stream()).boxed()
    }
}

impl EventStore for Faulty {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        async move {
            // Whoever wants to come in between, may.
            tokio::task::yield_now().await;
            match self.fails {
                Some(kind) => Err(failure(kind).into()),
                None if self.contended && commit.number > 1 => Err(AppendError::Conflict(None)),
                None => self.memory.append(commit).await,
            }
        }
        .boxed()
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        let readers = self.readers.clone();
        let counted = stream::once(async move {
            readers.all.fetch_add(1, SeqCst);
            readers.most.fetch_max(readers.now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::task::yield_now().await;
            readers.now.fetch_sub(1, SeqCst);
            stream::empty()
        });
        self.disturbed(counted.flatten().chain(self.memory.read(resource, after)).boxed())
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let segments = self.memory.scan(resource_type);
        segments.into_iter().map(|commits| self.disturbed(commits)).collect()
    }

    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
        self.memory.has_kept(resource_type, since)
    }

    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        match self.fails {
            Some(kind) => async move { Err(failure(kind)) }.boxed(),
            None => self.memory.list(resource_type, limit, after),
        }
    }
}

/// A scan of it never ends, and no history does. Tells when one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Endless {
    pub(crate) dropped: mpsc::UnboundedSender<()>,
}

impl EventStore for Endless {
    fn append<'a>(&'a self, _: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        unreachable!("nobody writes")
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        let resource = resource.clone();
        self.commits(move |index| (resource.clone(), after + 1 + index))
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let resource_type = resource_type.clone();
        vec![self.commits(move |index| (ResourceKey::new(resource_type.clone(), index.to_string()), 1))]
    }

    fn has_kept<'a>(&'a self, _: &'a Arc<str>, _: Moment) -> BoxFuture<'a, bool> {
        unreachable!("nobody writes")
    }

    fn list<'a>(
        &'a self,
        _: &'a Arc<str>,
        _: usize,
        _: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        unreachable!("nobody lists")
    }
}

impl Endless {
    /// One commit after the other, of that resource and with that number each.
    fn commits(&self, which: impl Fn(u64) -> (ResourceKey, u64) + Send + 'static) -> CommitStream {
        struct Sender(mpsc::UnboundedSender<()>);
        impl Drop for Sender {
            fn drop(&mut self) {
                self.0.send(()).ok();
            }
        }
        let state = (Sender(self.dropped.clone()), which, 0_u64);
        let commits = stream::unfold(state, |(sender, which, index)| async move {
            let data = Json::parse(r#"{"amount":1}"#).unwrap();
            let (resource, number) = which(index);
            let commit = Commit {
                resource,
                number,
                events: vec![EncodedEvent { event_type: "ProductRestocked".into(), data: Some(data) }],
                at: Timestamp::from_unix_millis(0),
                id: index.to_string().into(),
                follows: None,
                trace: None,
                cause: None,
                meta: None,
            };
            Some((Ok(commit), (sender, which, index + 1)))
        });
        commits.boxed()
    }
}
