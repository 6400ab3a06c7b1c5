//! [`EventStore`]: the contract of a store. For authors of stores and of wrappers around them; everybody else hands a
//! ready-made one to a [`Repository`](crate::Repository).

mod cursor;
mod error;
mod unreadable;

use std::{pin::Pin, sync::Arc};

use futures_core::{Stream, future::BoxFuture};

pub use self::{
    cursor::{Cursor, InvalidCursor},
    error::{AppendError, StoreError, StoreErrorKind},
    unreadable::Unreadable,
};
use crate::{Commit, Moment, ResourceId, ResourceKey};

/// Commits as they are read, a page ahead at the most.
///
/// An error that [names a resource](StoreError::unreadable) stands in the place of a commit of it, and the stream goes on
/// behind it. It ends after any other error.
pub type CommitStream = Pin<Box<dyn Stream<Item = Result<Commit, StoreError>> + Send>>;

/// Keeps commits. Knows no aggregate, no cache and no retry of a lost race.
///
/// # Contract
///
/// The crate `aws-event-sourcing-conformance` has a test for each of these laws.
///
/// 1. **Order.** [`read`](Self::read) gives a resource's commits in the order of their numbers.
/// 2. **All or nothing.** All events of a commit are stored, or none: after an error, after a crash, and when the
///    future is dropped half-way.
/// 3. **One winner.** Of any number of appends of one number of one resource, exactly one is stored. The others get
///    [`AppendError::Conflict`], with the commit in their way where the store learns of it for free.
/// 4. **Durable.** What `append` has acknowledged is there for every later `read`, by whatever process, whatever
///    crashes.
/// 5. **Complete.** `read` and [`scan`](Self::scan) give everything that was acknowledged before they were called,
///    however long. Neither holds more than a few pages in memory.
/// 6. **Recognised.** An append of a commit that is already there, with the same number and commit id, succeeds as
///    [`Appended::Before`] and writes nothing.
/// 7. **Together.** Each stream of a `scan` gives the commits of one resource one after the other, in order, and no
///    other stream of that scan gives any of them.
/// 8. **Listed once.** Walking all pages of [`list`](Self::list) gives every resource that existed when the walk
///    began exactly once, oldest first, whatever is created meanwhile.
/// 9. **Faithful.** What is read equals what was appended: every id, type, number in a payload, and the caller's
///    `meta`. Numbers are compared by their decimal value, and a whole number comes back without a fraction or an
///    exponent; the order of keys is free. But a payload that [`Json::from_value`](crate::Json::from_value) has made, as
///    all of a repository's are, comes back by the very same text. What a store cannot hold exactly it refuses before it writes, as
///    [`StoreErrorKind::Unencodable`].
/// 10. **Limited.** A commit that [`limits::check`](crate::limits::check) refuses is refused with that
///     [`LimitExceeded`](crate::limits::LimitExceeded) as the source of the error, before anything is sent. A resource
///     whose id is beyond its limits is not there.
/// 11. **Separate.** Two resources with the same id and different types have nothing to do with each other.
/// 12. **Unhindered.** A stream that nobody reads on, and one that is dropped half-way, hold up nobody. The streams of
///     a scan may be read side by side or one after the other.
/// 13. **Behind.** A commit that names the one it [follows](Commit::follows) is appended behind that one only. Where another
///     is in its place, or none, it has lost a race: [`AppendError::Conflict`] without a commit. A store whose write
///     cannot look at a second commit says so, keeps what each one follows, for readers to find out, and leaves the rest to
///     [`has_kept`](Self::has_kept). Others need not keep it.
/// 14. **Apart.** A commit that cannot be read, whatever somebody else has stored in its place, hurts nobody but its
///     resource: `read` and `scan` give an error that [names it](StoreError::unreadable) where the commit would be, and all
///     other commits as if it were not there; `list` gives all other resources.
///
/// A version can only come from a store, so numbers have no gaps as long as the store keeps what it had: whoever appends
/// number `n + 1` has read number `n`. After it was restored to an earlier state, law 13 sees to that.
pub trait EventStore: Send + Sync + 'static {
    /// Stores all events of the commit or none.
    ///
    /// Dropping the future does not tell whether the commit was stored; appending the same commit again does.
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>>;

    /// The resource's commits behind a version: 0 for all, otherwise the last number of one of its commits. Strongly
    /// consistent. Empty for a resource that is not there, and for a version beyond its last.
    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream;

    /// Every commit of a resource type, as one stream or as several that may be read side by side. At least one.
    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream>;

    /// Whether this store still has whatever it had of a resource type at that moment, for all that is known. `false` where
    /// it is not known: then the caller looks for itself, by a `read` that begins with what it has seen.
    ///
    /// A store loses something only when somebody restores it to an earlier state, or deletes by hand. One that keeps law
    /// 13 to the letter answers `true`, for its appends find it out.
    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool>;

    /// Ids of a resource type in the order of their first commit's time, then of the id's bytes: at most `limit` of
    /// those that follow `after`. A `limit` of 0 counts as 1; a store may give fewer than a large one asks for.
    ///
    /// A store whose list is kept up after the fact says so: a resource then exists, for law 8, a moment after its
    /// first commit was acknowledged.
    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;
}

/// How an append came to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// By this call.
    Now,
    /// By an earlier append with the same commit id, whose answer was lost or whose caller used the same idempotency
    /// key.
    Before,
}

/// Some resource ids, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The ids.
    pub ids: Vec<ResourceId>,
    /// Where the next page begins; none exactly when there is no more.
    pub next: Option<Cursor>,
}

impl<S: EventStore + ?Sized> EventStore for Arc<S> {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        (**self).append(commit)
    }

    fn read(&self, resource: &ResourceKey, after: u64) -> CommitStream {
        (**self).read(resource, after)
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        (**self).scan(resource_type)
    }

    fn has_kept<'a>(&'a self, resource_type: &'a Arc<str>, since: Moment) -> BoxFuture<'a, bool> {
        (**self).has_kept(resource_type, since)
    }

    fn list<'a>(
        &'a self,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        (**self).list(resource_type, limit, after)
    }
}
