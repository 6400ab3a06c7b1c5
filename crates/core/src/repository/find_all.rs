//! [`ResourceStream`]: all resources of a type, folded one after the other out of a scan.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream};

use super::{FindError, Head, Repository};
use crate::{Aggregate, CommitStream, Resource, ResourceKey, Unreadable};

/// All resources of a type. A resource that cannot be read is an item too, [`FindError::Unreadable`], and the stream goes
/// on with the others. It ends after [`FindError::Store`]; there are no other errors.
#[must_use = "a stream does nothing until it is polled"]
pub struct ResourceStream<A: Aggregate> {
    resources: Found<A>,
    failed: bool,
}

type Found<A> = Pin<Box<dyn Stream<Item = Result<Resource<A>, FindError>> + Send>>;

impl<A: Aggregate> ResourceStream<A> {
    pub(super) fn new(repository: &Repository<A>) -> Self {
        let segments = repository.inner.store.scan(&repository.inner.resource_type);
        let resources =
            stream::select_all(segments.into_iter().map(|commits| fold(repository.clone(), commits)));
        Self { resources: resources.boxed(), failed: false }
    }
}

/// The resources of one segment of a scan, in which each resource's commits follow one another.
fn fold<A: Aggregate>(repository: Repository<A>, commits: CommitStream) -> Found<A> {
    let folding = Folding { repository, commits, current: Current::None, unreadable: None };
    stream::unfold(folding, |mut folding| async { Some((folding.next().await?, folding)) }).boxed()
}

/// A segment on its way.
struct Folding<A: Aggregate> {
    repository: Repository<A>,
    commits: CommitStream,
    current: Current<A>,
    /// Comes next.
    unreadable: Option<Unreadable>,
}

/// The resource whose commits are being read.
enum Current<A> {
    None,
    Read(Head<A>),
    /// What else there is of it is passed over.
    Unreadable(ResourceKey),
}

impl<A: Aggregate> Folding<A> {
    async fn next(&mut self) -> Option<Result<Resource<A>, FindError>> {
        loop {
            if let Some(unreadable) = self.unreadable.take() {
                self.repository.inner.told.tell(&unreadable);
                return Some(Err(unreadable.into()));
            }
            let before = match self.commits.next().await {
                Some(Ok(commit)) => {
                    let before = self.turn_to(&commit.resource);
                    if let Current::Read(head) = &mut self.current
                        && let Err(unreadable) = head.apply(&commit)
                    {
                        self.give_up(unreadable);
                    }
                    before
                }
                Some(Err(error)) => match error.into_unreadable() {
                    Ok(unreadable) => {
                        let before = self.turn_to(&unreadable.resource);
                        self.give_up(unreadable);
                        before
                    }
                    Err(error) => return Some(Err(FindError::Store(error))),
                },
                None => {
                    // A stream that has ended may be asked once more, for the last resource has been its end.
                    self.commits = stream::empty().boxed();
                    return self.whole(Current::None).map(Ok);
                }
            };
            if before.is_some() {
                return before.map(Ok);
            }
        }
    }

    /// Begins with that resource, if it is another one. Gives the one before, of which there is no more.
    fn turn_to(&mut self, resource: &ResourceKey) -> Option<Resource<A>> {
        let goes_on = match &self.current {
            Current::None => false,
            Current::Read(head) => head.resource == *resource,
            Current::Unreadable(current) => current == resource,
        };
        if goes_on { None } else { self.whole(Current::Read(Head::new(resource.clone()))) }
    }

    /// The current resource, if it could be read, in whose place comes the next.
    fn whole(&mut self, next: Current<A>) -> Option<Resource<A>> {
        match mem::replace(&mut self.current, next) {
            Current::Read(head) => Some(Resource::new(self.repository.clone(), head)),
            Current::None | Current::Unreadable(_) => None,
        }
    }

    /// Tells that the current resource cannot be read, once.
    fn give_up(&mut self, unreadable: Unreadable) {
        if let Current::Read(_) = self.current {
            self.current = Current::Unreadable(unreadable.resource.clone());
            self.unreadable = Some(unreadable);
        }
    }
}

impl<A: Aggregate> Stream for ResourceStream<A> {
    type Item = Result<Resource<A>, FindError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let next = self.resources.poll_next_unpin(context);
        self.failed = matches!(next, Poll::Ready(Some(Err(FindError::Store(_)))));
        next
    }
}

impl<A: Aggregate> fmt::Debug for ResourceStream<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceStream").finish_non_exhaustive()
    }
}
