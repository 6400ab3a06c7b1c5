//! Flaws of the list of what is parked.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId, Timestamp,
    subscription::{ParkedCursor, ParkedPage, Progress, ProgressStore, SubscriptionKey, Swap},
};

use super::flaw::{Asked, Flaw, Outcome, Range};

type Entry = (ResourceId, Progress);

fn place((id, progress): &Entry) -> ParkedCursor {
    let next_attempt_at = progress.parked.as_ref().map_or(Timestamp::MAX, |parked| parked.next_attempt_at);
    ParkedCursor { next_attempt_at, id: id.clone() }
}

/// The page of a list that is in order: what is behind the place and due, as far as the limit.
fn page(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
    all.retain(|entry| range.after.is_none_or(|after| place(entry) > *after));
    all.retain(|entry| range.due.is_none_or(|due| place(entry).next_attempt_at <= due));
    first(all, range.limit.max(1))
}

fn first(mut resources: Vec<Entry>, limit: usize) -> ParkedPage {
    let more = resources.len() > limit;
    resources.truncate(limit);
    let next = resources.last().filter(|_| more).map(place);
    ParkedPage { resources, unreadable: Vec::new(), next }
}

async fn all(healthy: &MemoryStore, key: &SubscriptionKey) -> Vec<Entry> {
    healthy.parked(key, None, usize::MAX, None).await.expect("a memory store does not fail").resources
}

/// How a store makes a page of all that is parked, which it has in order.
pub(crate) trait Listing: Default + Send + Sync + 'static {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage;
}

/// Makes pages in another way.
#[derive(Default)]
pub(crate) struct Lists<L>(PhantomData<L>);

impl<L: Listing> Flaw for Lists<L> {
    fn parked<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        range: Range<'a>,
    ) -> Outcome<'a, ParkedPage> {
        Box::pin(async move { Ok(L::list(all(healthy, key).await, range)) })
    }
}

/// Goes by id only.
#[derive(Default)]
pub(crate) struct ById;

impl Listing for ById {
    fn list(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.retain(|(id, _)| range.after.is_none_or(|after| *id > after.id));
        first(all, range.limit.max(1))
    }
}

/// Goes on behind the time of the last of a page, whoever else has it.
#[derive(Default)]
pub(crate) struct GoesOnByTime;

impl Listing for GoesOnByTime {
    fn list(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        all.retain(|entry| {
            range.after.is_none_or(|after| place(entry).next_attempt_at > after.next_attempt_at)
        });
        page(all, range)
    }
}

/// Goes on behind what it has not given.
#[derive(Default)]
pub(crate) struct LosesTheLastOfAPage;

impl Listing for LosesTheLastOfAPage {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        let mut page = page(all, range);
        if page.next.is_some() && page.resources.len() > 1 {
            page.resources.pop();
        }
        page
    }
}

/// Gives everything at once.
#[derive(Default)]
pub(crate) struct IgnoresTheLimit;

impl Listing for IgnoresTheLimit {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        page(all, Range { limit: usize::MAX, ..range })
    }
}

/// Gives nothing when asked for nothing.
#[derive(Default)]
pub(crate) struct GivesNoneForNone;

impl Listing for GivesNoneForNone {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        match range.limit {
            0 => ParkedPage { resources: Vec::new(), unreadable: Vec::new(), next: all.first().map(place) },
            _ => page(all, range),
        }
    }
}

/// Says that there is more whenever a page is full.
#[derive(Default)]
pub(crate) struct PromisesAnEmptyPage;

impl Listing for PromisesAnEmptyPage {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        let mut page = page(all, range);
        if page.resources.len() == range.limit {
            page.next = page.resources.last().map(place);
        }
        page
    }
}

/// Knows of a thousand.
#[derive(Default)]
pub(crate) struct StopsAtAThousand;

impl Listing for StopsAtAThousand {
    fn list(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        all.truncate(1_000);
        page(all, range)
    }
}

/// Does not look at what is due.
#[derive(Default)]
pub(crate) struct ListsWhatIsNotDue;

impl Listing for ListsWhatIsNotDue {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        page(all, Range { due: None, ..range })
    }
}

/// Leaves out what is due at that very time.
#[derive(Default)]
pub(crate) struct ListsWhatIsOverdue;

impl Listing for ListsWhatIsOverdue {
    fn list(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        all.retain(|entry| range.due.is_none_or(|due| place(entry).next_attempt_at < due));
        page(all, range)
    }
}

/// Takes what is more than a year away for what is not to be tried again.
#[derive(Default)]
pub(crate) struct LooksAYearAhead;

impl Listing for LooksAYearAhead {
    fn list(mut all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        let year = 365 * 24 * 60 * 60 * 1000;
        let first = all.first().map_or(0, |entry| place(entry).next_attempt_at.as_unix_millis());
        all.retain(|entry| place(entry).next_attempt_at.as_unix_millis() - first <= year);
        page(all, range)
    }
}

/// Begins again when the one at the cursor is gone.
#[derive(Default)]
pub(crate) struct LooksForTheResourceOfACursor;

impl Listing for LooksForTheResourceOfACursor {
    fn list(all: Vec<Entry>, range: Range<'_>) -> ParkedPage {
        let after = range.after.filter(|after| all.iter().any(|entry| place(entry) == **after));
        page(all, Range { after, ..range })
    }
}

/// Goes on behind as many as it has given.
#[derive(Default)]
pub(crate) struct PagesByCounting {
    given: Mutex<BTreeMap<ParkedCursor, usize>>,
}

impl Flaw for PagesByCounting {
    fn parked<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        range: Range<'a>,
    ) -> Outcome<'a, ParkedPage> {
        Box::pin(async move {
            let all = all(healthy, key).await;
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = range.after.and_then(|after| given.get(after)).copied().unwrap_or_default();
            let page = first(all.into_iter().skip(begin).collect(), range.limit.max(1));
            given.extend(page.next.clone().map(|next| (next, begin + page.resources.len())));
            Ok(page)
        })
    }
}

/// Adds to its list, and takes nothing away.
#[derive(Default)]
pub(crate) struct ListsWhatWasParked {
    parked: Mutex<BTreeMap<SubscriptionKey, BTreeMap<ParkedCursor, Progress>>>,
}

impl Flaw for ListsWhatWasParked {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move {
            let swap = asked.of(healthy).await?;
            if let (Swap::Done(revision), Some(_)) = (&swap, &asked.next.parked) {
                let made = Progress { revision: *revision, ..asked.next.clone() };
                let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
                let listed = parked.entry(asked.key.clone()).or_default();
                listed.insert(place(&(asked.id.clone(), made.clone())), made);
            }
            Ok(swap)
        })
    }

    fn parked<'a>(
        &'a self,
        _: &'a MemoryStore,
        key: &'a SubscriptionKey,
        range: Range<'a>,
    ) -> Outcome<'a, ParkedPage> {
        let parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = parked.get(key).into_iter().flatten();
        let listed = listed.map(|(place, progress)| (place.id.clone(), progress.clone())).collect();
        Box::pin(async move { Ok(page(listed, range)) })
    }
}
