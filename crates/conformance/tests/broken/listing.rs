//! Flaws of a list.

use std::sync::Arc;

use aws_event_sourcing_core::{
    Commit, Cursor, EventStore, MemoryStore, Page, ResourceId, StoreError, Timestamp,
};
use futures_util::future::BoxFuture;

use crate::flaw::{Flaw, histories};

type Listed<'a> = BoxFuture<'a, Result<Page, StoreError>>;

/// Lists by id, whatever the time.
#[derive(Default)]
pub(crate) struct ListsById;

impl Flaw for ListsById {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        listed(healthy, resource_type, limit, after, |_| Timestamp::MAX)
    }
}

/// Lists by the time of the last commit.
#[derive(Default)]
pub(crate) struct ListsByTheLastCommit;

impl Flaw for ListsByTheLastCommit {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        listed(healthy, resource_type, limit, after, |history| history[history.len() - 1].at)
    }
}

/// Gives all at once, however many were asked for.
#[derive(Default)]
pub(crate) struct IgnoresTheLimit;

impl Flaw for IgnoresTheLimit {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        _: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        healthy.list(resource_type, usize::MAX, after)
    }
}

/// Gives none when asked for none.
#[derive(Default)]
pub(crate) struct GivesNoneForNone;

impl Flaw for GivesNoneForNone {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let page = healthy.list(resource_type, limit, after).await?;
            if limit == 0 { Ok(Page { ids: Vec::new(), next: None }) } else { Ok(page) }
        })
    }
}

/// Asks for one more than the limit, to see whether there is more; nobody asks for that many.
#[derive(Default)]
pub(crate) struct CannotCountThatFar;

impl Flaw for CannotCountThatFar {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        let one_more = limit.checked_add(1).expect("a limit that somebody would ask for");
        healthy.list(resource_type, one_more - 1, after)
    }
}

/// Names a next page behind every page that is full.
#[derive(Default)]
pub(crate) struct PromisesAnEmptyPage;

impl Flaw for PromisesAnEmptyPage {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let page = healthy.list(resource_type, limit, after).await?;
            let full = page.ids.last().filter(|_| page.ids.len() == limit);
            let behind = full.map(|id| Cursor { at: Timestamp::MAX, id: id.clone() });
            Ok(Page { next: page.next.or(behind), ..page })
        })
    }
}

/// Leaves out one resource where two pages meet.
#[derive(Default)]
pub(crate) struct LosesOneBetweenPages;

impl Flaw for LosesOneBetweenPages {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let mut page = healthy.list(resource_type, limit, after).await?;
            if page.next.is_some() && page.ids.len() > 1 {
                page.ids.pop();
            }
            Ok(page)
        })
    }
}

/// Begins a page with the last resource of the page before.
#[derive(Default)]
pub(crate) struct RepeatsOneBetweenPages;

impl Flaw for RepeatsOneBetweenPages {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let mut page = healthy.list(resource_type, limit, after).await?;
            if let Some(after) = after.filter(|_| page.next.is_some() && page.ids.len() < 1_000) {
                page.ids.pop();
                page.ids.insert(0, after.id.clone());
            }
            Ok(page)
        })
    }
}

/// Goes on behind the time of the last resource: others of that time are lost.
#[derive(Default)]
pub(crate) struct GoesOnByTime;

impl Flaw for GoesOnByTime {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let after = after.map(|after| Cursor { at: after.at, id: "\u{10ffff}".repeat(3_000).into() });
            healthy.list(resource_type, limit, after.as_ref()).await
        })
    }
}

/// Counts what it has given, and leaves out as many on the next page, whatever has come in between.
#[derive(Default)]
pub(crate) struct PagesByCounting;

impl Flaw for PagesByCounting {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let given = after.and_then(|after| after.id.as_str().parse().ok()).unwrap_or(0);
            let all = healthy.list(resource_type, usize::MAX, None).await?.ids;
            let ids: Vec<_> = all.iter().skip(given).take(limit.max(1)).cloned().collect();
            let given = given + ids.len();
            let next = Cursor { at: Timestamp::from_unix_millis(0), id: given.to_string().into() };
            Ok(Page { ids, next: (given < all.len()).then_some(next) })
        })
    }
}

/// Goes on behind the resource that the cursor names, and gives nothing when there is none.
#[derive(Default)]
pub(crate) struct LooksForTheResourceOfACursor;

impl Flaw for LooksForTheResourceOfACursor {
    fn list<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        resource_type: &'a Arc<str>,
        limit: usize,
        after: Option<&'a Cursor>,
    ) -> Listed<'a> {
        Box::pin(async move {
            let all = healthy.list(resource_type, usize::MAX, None).await?.ids;
            match after {
                Some(after) if !all.contains(&after.id) => Ok(Page { ids: Vec::new(), next: None }),
                _ => healthy.list(resource_type, limit, after).await,
            }
        })
    }
}

/// A list in the order of another time than that of the first commit.
fn listed<'a>(
    healthy: &'a MemoryStore,
    resource_type: &'a Arc<str>,
    limit: usize,
    after: Option<&'a Cursor>,
    time: fn(&[Commit]) -> Timestamp,
) -> Listed<'a> {
    Box::pin(async move {
        let histories = histories(healthy, resource_type).await;
        let places = histories.iter().map(|history| (time(history), history[0].resource.id.clone()));
        let mut places: Vec<(Timestamp, ResourceId)> = places.collect();
        places.sort();
        if let Some(after) = after {
            places.retain(|(at, id)| (at, id) > (&after.at, &after.id));
        }
        let more = places.len() > limit.max(1);
        places.truncate(limit.max(1));
        let next = places.last().filter(|_| more).map(|(at, id)| Cursor { at: *at, id: id.clone() });
        Ok(Page { ids: places.into_iter().map(|(_, id)| id).collect(), next })
    })
}
