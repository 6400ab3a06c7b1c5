//! [`Write`]: a commit that is being put together. It happens when it is awaited.

use std::fmt;

use futures_core::future::BoxFuture;
use serde::Serialize;

use super::{CommitError, Head, Intent, Repository, commit::Terms, error::InvalidMeta};
use crate::{Aggregate, CommitId, Json, Resource, ResourceId, subscription::Cause};

/// A commit that is being put together; nothing happens before it is awaited.
///
/// It is written once, on the condition that nobody has written that version before. When somebody has, the
/// repository applies what the winner wrote, validates again and writes again, a bounded number of times
/// ([`Retry`](crate::Retry)). Dropping the future half-way leaves all of the commit or nothing.
///
/// `Target` is what is written to: [`New`], [`ById`], or a [`Resource`].
#[must_use = "nothing is committed before this is awaited"]
pub struct Write<'a, A: Aggregate, Target> {
    target: Target,
    intent: Intent<'a, A>,
    terms: Terms,
}

/// The target of [`Repository::create`].
#[derive(Debug)]
pub struct New<A: Aggregate> {
    pub(super) repository: Repository<A>,
    pub(super) id: Option<ResourceId>,
}

/// The target of [`Repository::commit`] and [`Repository::update`].
#[derive(Debug)]
pub struct ById<A: Aggregate> {
    pub(super) repository: Repository<A>,
    pub(super) id: ResourceId,
}

impl<'a, A: Aggregate, Target> Write<'a, A, Target> {
    pub(crate) fn new(target: Target, intent: Intent<'a, A>) -> Self {
        Self { target, intent, terms: Terms::default() }
    }

    /// Makes the commit happen once, however often it is asked for with this key.
    ///
    /// The key becomes the commit's id. When the resource's history holds it already, nothing is written, and the
    /// answer is that of the first time: the version that the commit reached, or the resource as of that version. A
    /// key that comes again with other events is refused with [`CommitError::KeyReused`].
    ///
    /// Events are the same when what is stored of them is: numbers by their decimal value, the keys of objects in any order,
    /// and with today's defaults for fields that came later. Lists may be in another order where the events' own `==` does
    /// not mind it, as those of a `HashSet`. A field that is not stored is not compared, and for an
    /// [`update`](Repository::update), whose events depend on state, nothing is.
    ///
    /// A key counts for one resource, and for as long as that exists: for ever. It is remembered when the commit is stored. A
    /// write that failed, or was refused, is judged anew.
    ///
    /// 1 to [`MAX_COMMIT_ID_BYTES`](crate::limits::MAX_COMMIT_ID_BYTES) bytes, 38 less within a
    /// [scope](Self::idempotency_scope). A key that is not known costs nothing; one that is known costs one read.
    pub fn idempotency_key(mut self, key: impl Into<CommitId>) -> Self {
        self.terms.idempotency_key = Some(key.into());
        self
    }

    /// Says whose the [idempotency key](Self::idempotency_key) is: a tenant, a user, whoever chooses keys without knowing
    /// of the others. Equal keys of two scopes are two keys, and so are those of a scope and of none. Means nothing to a
    /// write without a key.
    ///
    /// The scope is stored as a hash, in front of the key: see [`CommitId::of_key`].
    pub fn idempotency_scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.terms.idempotency_scope = Some(scope.into());
        self
    }

    /// Stores something of the caller's own with the commit: tenant, user, client. It must serialize to a JSON object;
    /// an empty one is the same as none.
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        self.terms.meta = match Json::from_value(&meta) {
            Ok(meta) if meta.as_str() == "{}" => None,
            Ok(meta) if meta.as_str().starts_with('{') => Some(Ok(meta)),
            Ok(_) => Some(Err(InvalidMeta { source: None })),
            Err(source) => Some(Err(InvalidMeta { source: Some(source) })),
        };
        self
    }

    fn expecting_versions(mut self, versions: impl IntoIterator<Item = u64>) -> Self {
        let mut versions: Vec<u64> = versions.into_iter().collect();
        versions.sort_unstable();
        self.terms.expecting = Some(versions);
        self
    }
}

impl<A: Aggregate> Write<'_, A, New<A>> {
    /// Gives the resource an id of the caller's own, instead of a UUID v4 or, with an idempotency key, a UUID v5 of
    /// the key and its scope. [`CommitError::Conflict`] when the id is taken.
    pub fn id(mut self, id: impl Into<ResourceId>) -> Self {
        self.target.id = Some(id.into());
        self
    }
}

impl<A: Aggregate> Write<'_, A, ById<A>> {
    /// Commits only if the resource is at this version: [`CommitError::Conflict`] otherwise.
    pub fn expecting(self, version: u64) -> Self {
        self.expecting_versions([version])
    }

    /// Commits only if the resource is at one of these versions: [`CommitError::Conflict`] with the largest of them
    /// otherwise, so always when there are none.
    pub fn expecting_any(self, versions: impl IntoIterator<Item = u64>) -> Self {
        self.expecting_versions(versions)
    }
}

impl<A: Aggregate> Write<'_, A, &mut Resource<A>> {
    /// Commits only if the resource is at this version: [`CommitError::Conflict`] otherwise.
    pub fn expecting(self, version: u64) -> Self {
        self.expecting_versions([version])
    }

    /// Commits only if the resource is at one of these versions: [`CommitError::Conflict`] with the largest of them
    /// otherwise, so always when there are none.
    pub fn expecting_any(self, versions: impl IntoIterator<Item = u64>) -> Self {
        self.expecting_versions(versions)
    }
}

impl<'a, A: Aggregate> IntoFuture for Write<'a, A, New<A>> {
    type Output = Result<Resource<A>, CommitError<A::Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { target: New { repository, id }, intent, mut terms } = self.expecting_versions([0]);
        Box::pin(async move {
            let id = id.unwrap_or_else(|| match (terms.key(), Cause::current()) {
                (Some(key), _) => ResourceId::from_idempotency_key(A::TYPE, key.id().as_str()),
                (None, Some(cause)) => {
                    let key = cause.next_key(&repository.inner.resource_type, None);
                    let id = Cause::resource_id(A::TYPE, &key);
                    terms.handling = Some(key);
                    id
                }
                (None, None) => repository.inner.ids.resource_id(),
            });
            let head = Head::new(repository.key(id));
            write_and_return(&repository, head, intent, terms).await
        })
    }
}

impl<'a, A: Aggregate> IntoFuture for Write<'a, A, ById<A>> {
    type Output = Result<Resource<A>, CommitError<A::Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { target: ById { repository, id }, intent, terms } = self;
        Box::pin(async move {
            let head = Head::new(repository.key(id));
            write_and_return(&repository, head, intent, terms).await
        })
    }
}

/// Gives the version that the commit reached.
impl<'a, A: Aggregate> IntoFuture for Write<'a, A, &'a mut Resource<A>> {
    type Output = Result<u64, CommitError<A::Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { target, intent, terms } = self;
        let (repository, head) = target.parts();
        Box::pin(repository.write(head, intent, terms))
    }
}

/// Writes, and gives the resource as the commit left it: when that was made before, as of then.
async fn write_and_return<A: Aggregate>(
    repository: &Repository<A>,
    mut head: Head<A>,
    intent: Intent<'_, A>,
    terms: Terms,
) -> Result<Resource<A>, CommitError<A::Error>> {
    let reached = repository.write(&mut head, intent, terms).await?;
    if reached == head.version {
        return Ok(Resource::new(repository.clone(), head));
    }
    Ok(repository.find_one_at(&head.resource.id, reached).await?)
}

impl<A: Aggregate, Target: fmt::Debug> fmt::Debug for Write<'_, A, Target> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, terms, .. } = self;
        f.debug_struct("Write").field("target", target).field("terms", terms).finish_non_exhaustive()
    }
}
