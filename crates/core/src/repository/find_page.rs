//! [`ResourcePage`]: some resources in the order of their creation.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{FindError, Repository};
use crate::{Aggregate, Cursor, Page, Resource, ResourceId, StoreError, Unreadable};

/// Resources that are read side by side.
const SIDE_BY_SIDE: usize = 16;

/// Some resources, oldest first.
#[derive(Debug)]
pub struct ResourcePage<A: Aggregate> {
    /// The resources; in the place of one that cannot be read, why.
    pub resources: Vec<Result<Resource<A>, Unreadable>>,
    /// Where the next page begins; none exactly when there is no more.
    pub next: Option<Cursor>,
}

impl<A: Aggregate> Repository<A> {
    /// Resources in the order of creation, at most `limit` of those behind `after`, each as it is now. One that cannot be
    /// read has its place among them, is logged once for each repository, and is no obstacle to the others.
    ///
    /// Costs what [`list`](Self::list) costs, and one [`find_one`](Self::find_one) for each resource, 16 of them at a time: on
    /// DynamoDB a page of 100 is 108 requests, however many of its resources are in the cache. State is
    /// [derived](crate#how-a-commit-happens), so there is nothing less to read; where pages are long, or asked for all the time, keep a
    /// table of what they show by a [subscription](crate::subscription), and list from there.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn find_page(
        &self,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<ResourcePage<A>, StoreError> {
        let Page { ids, next } = self.list(limit, after).await?;
        let found = stream::iter(ids).map(|id| self.find_listed(id)).buffered(SIDE_BY_SIDE);
        let found: Vec<_> = found.try_collect().await?;
        Ok(ResourcePage { resources: found.into_iter().flatten().collect(), next })
    }

    /// A resource that a list has. None where the store does not have it any more: a list may be behind.
    async fn find_listed(
        &self,
        id: ResourceId,
    ) -> Result<Option<Result<Resource<A>, Unreadable>>, StoreError> {
        match self.find_one(id).await {
            Ok(resource) => Ok(Some(Ok(resource))),
            Err(FindError::Unreadable(unreadable)) => {
                self.inner.told.tell(&unreadable);
                Ok(Some(Err(unreadable)))
            }
            Err(FindError::NotFound { .. } | FindError::NoSuchVersion { .. }) => Ok(None),
            Err(FindError::Store(error)) => Err(error),
        }
    }
}
