//! [`SqliteStore`]: the store, put together from its [writer](crate::writer) and its [readers](crate::readers).

use std::{fmt, future::ready, path::Path, sync::Arc};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, Cursor, EventStore, Moment, Page, ResourceKey, StoreError,
    limits,
};
use futures_core::future::BoxFuture;

use crate::{
    files::Files,
    history::History,
    list::list,
    open,
    pages::{Pages, Rest},
    path::FilePath,
    readers::Readers,
    scan::Scan,
    transaction::Record,
    writer::Writer,
};

/// An event store in one SQLite file. Cloning is cheap, and clones are the same store.
///
/// Several processes may have the same file open; so may several stores of one process.
#[derive(Clone)]
pub struct SqliteStore(Arc<Parts>);

struct Parts {
    path: FilePath,
    files: Arc<Files>,
    writer: Writer,
    readers: Readers,
    /// For those who follow the events.
    following: Readers,
}

impl SqliteStore {
    /// Opens the store in that file. Makes the file if it is not there, but not the folder that it is in, and brings a
    /// file that an older version of this library has made to the newest layout.
    ///
    /// Blocks for a few milliseconds: for as long as another process is at the same, five seconds at the most. It
    /// needs no runtime.
    ///
    /// # Errors
    ///
    /// The file is then as it was before. The [source](std::error::Error::source) says on one line which file it is and
    /// what is wrong with it.
    ///
    /// - [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured): the folder is not there, the path is that of a folder, or
    ///   the file is no database, that of another application, or of a newer layout than this version knows. A file that was made
    ///   of a dump is known by its tables; where these are not quite those of a store, the line says what to do.
    /// - [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied): the file, or its folder, must not be written.
    /// - [`Full`](aws_event_sourcing_core::StoreErrorKind::Full): there is no room for the file.
    /// - [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable): another process has kept it locked for five seconds.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = FilePath::new(path.as_ref())?;
        let open = open::open(&path)?;
        let files = Arc::clone(&open.files);
        let readers = Readers::new(path.clone(), Arc::clone(&files));
        let following = Readers::following(path.clone(), Arc::clone(&files));
        let writer = Writer::start(path.clone(), open, [readers.clone(), following.clone()])?;
        Ok(Self(Arc::new(Parts { path, files, writer, readers, following })))
    }

    /// Where the file is, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path.as_path()
    }

    /// Whether the store can be read and written: its files are where they were when it was opened. This asks for nothing that
    /// is in them, and blocks for microseconds.
    ///
    /// # Errors
    ///
    /// [`Lost`](aws_event_sourcing_core::StoreErrorKind::Lost), as from everything else that is asked of the store then.
    pub fn check(&self) -> Result<(), StoreError> {
        self.0.files.look()?;
        Ok(())
    }

    /// Closes the store, for all its clones: refuses new reads and appends, ends those under way, and closes the file.
    /// What is asked of it afterwards fails as [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable).
    ///
    /// If nobody else has the file open, its log has then been folded in, and it is the only file left.
    ///
    /// A store need not be closed. When its last clone is dropped, and the last stream that it has given out, the same
    /// happens in the background; and a process may be killed at any time.
    ///
    /// # Errors
    ///
    /// When the file could not be closed in good order. Nothing is lost by that.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.readers.close().await;
        self.0.following.close().await;
        self.0.writer.close().await?;
        Ok(())
    }

    pub(crate) fn file(&self) -> &FilePath {
        &self.0.path
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.0.readers
    }

    pub(crate) fn following(&self) -> &Readers {
        &self.0.following
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }
}

impl EventStore for SqliteStore {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        Box::pin(async { self.0.writer.append(Record::new(commit)?).await })
    }

    /// # Panics
    ///
    /// When the stream is polled outside of a tokio runtime.
    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        // SQLite knows no larger number, and a resource has no other id than one within the limits.
        let from = match i64::try_from(after) {
            Ok(after) if limits::check_resource_id(&resource.id).is_ok() => {
                Rest::From(History { path: self.0.path.clone(), resource: resource.clone(), after })
            }
            _ => Rest::Nothing,
        };
        Box::pin(Pages::new(self.clone(), resource.clone(), from))
    }

    /// One stream, the oldest resource first.
    ///
    /// # Panics
    ///
    /// When the stream is polled outside of a tokio runtime.
    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        let scan = Scan::new(self.0.path.clone(), Arc::clone(resource_type));
        // The rows say whose they are.
        let resource = ResourceKey::new(Arc::clone(resource_type), "");
        vec![Box::pin(Pages::new(self.clone(), resource, Rest::From(scan)))]
    }

    /// Always: nothing takes rows away, and an append finds out what it follows.
    fn has_kept<'a>(&'a self, _: &'a Arc<str>, _: Moment) -> BoxFuture<'a, bool> {
        Box::pin(ready(true))
    }

    /// At most 10,000, whatever the limit.
    ///
    /// # Panics
    ///
    /// When the future is polled outside of a tokio runtime.
    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let (path, resource_type, after) = (self.0.path.clone(), Arc::clone(resource_type), after.cloned());
        Box::pin(async move {
            let list = move |connection: &_| list(connection, &path, &resource_type, limit, after.as_ref());
            Ok(self.0.readers.get(list).await?)
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteStore").field(&self.0.path).finish()
    }
}
