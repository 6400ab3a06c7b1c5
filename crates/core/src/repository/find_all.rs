//! [`ResourceStream`]: all resources of a type, folded one after the other out of a scan.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Head, Repository};
use crate::{Aggregate, CommitStream, Resource, StoreError};

/// All resources of a type. Ends after an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct ResourceStream<A: Aggregate> {
    resources: Pin<Box<dyn Stream<Item = Result<Resource<A>, StoreError>> + Send>>,
    failed: bool,
}

impl<A: Aggregate> ResourceStream<A> {
    pub(super) fn new(repository: &Repository<A>) -> Self {
        let segments = repository.inner.store.scan(&repository.inner.resource_type);
        let resources =
            stream::select_all(segments.into_iter().map(|commits| fold(repository.clone(), commits)));
        Self { resources: resources.boxed(), failed: false }
    }
}

/// The resources of one segment of a scan, in which each resource's commits follow one another.
fn fold<A: Aggregate>(
    repository: Repository<A>,
    commits: CommitStream,
) -> Pin<Box<dyn Stream<Item = Result<Resource<A>, StoreError>> + Send>> {
    let folding = (repository, commits, None::<Head<A>>);
    stream::try_unfold(folding, |(repository, mut commits, mut open)| async move {
        while let Some(commit) = commits.try_next().await? {
            let finished = match &mut open {
                Some(head) if head.resource == commit.resource => {
                    head.apply(&commit)?;
                    continue;
                }
                _ => {
                    let mut head = Head::new(commit.resource.clone());
                    head.apply(&commit)?;
                    open.replace(head)
                }
            };
            if let Some(head) = finished {
                let resource = Resource::new(repository.clone(), head);
                return Ok(Some((resource, (repository, commits, open))));
            }
        }
        let last = open.take().map(|head| Resource::new(repository.clone(), head));
        // A stream that has ended may be asked once more, for the last resource has been its end.
        let ended: CommitStream = stream::empty().boxed();
        Ok(last.map(|resource| (resource, (repository, ended, None))))
    })
    .boxed()
}

impl<A: Aggregate> Stream for ResourceStream<A> {
    type Item = Result<Resource<A>, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let next = self.resources.poll_next_unpin(context);
        self.failed = matches!(next, Poll::Ready(Some(Err(_))));
        next
    }
}

impl<A: Aggregate> fmt::Debug for ResourceStream<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceStream").finish_non_exhaustive()
    }
}
