//! [`Ledger`]: what laws do to the records of a key, and see of them. All of it fails the law when the store fails.

use std::{collections::BTreeSet, fmt::Debug, slice::from_ref, sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    ErrorChain, ResourceId, StoreError, Timestamp,
    subscription::{
        ParkedCursor, ParkedPage, Progress, Registration, Skipped, Start, SubscriptionKey, Swap,
        UnreadableRecord,
    },
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::made_up::revised;
use crate::{
    ProgressSubject,
    observe::explain,
    subject::{Records, unique},
};

/// How long a list of parked resources may be behind.
const PATIENCE: Duration = Duration::from_secs(10);

/// The records of one key, by way of one handle.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) records: Records,
    pub(crate) key: Arc<SubscriptionKey>,
}

impl ProgressSubject {
    /// Records that nobody else uses.
    pub(crate) async fn ledger(&self, name: &str) -> Ledger {
        Ledger::new(self.open().await, SubscriptionKey::new(unique(name), unique("type")))
    }

    /// Records that nobody else uses, by way of three handles.
    pub(crate) async fn ledgers(&self, name: &str) -> [Ledger; 3] {
        let first = self.ledger(name).await;
        [first.clone(), first.on(self.open().await), first.on(self.open().await)]
    }
}

impl Ledger {
    pub(crate) fn new(records: Records, key: SubscriptionKey) -> Self {
        Self { records, key: Arc::new(key) }
    }

    /// The same records by way of another handle.
    pub(crate) fn on(&self, records: Records) -> Self {
        Self { records, key: self.key.clone() }
    }

    pub(crate) async fn register(&self, start: Start, now: Timestamp) -> Registration {
        done("a registration", self.records.register(&self.key, start, now).await)
    }

    pub(crate) async fn load(&self, ids: &[ResourceId]) -> Vec<Progress> {
        let loaded = self.try_load(ids).await.into_iter();
        let read = |record: Result<_, UnreadableRecord>| {
            record.unwrap_or_else(|record| panic!("a record cannot be read: {}", ErrorChain::of(&record)))
        };
        loaded.map(read).collect()
    }

    pub(crate) async fn try_load(&self, ids: &[ResourceId]) -> Vec<Result<Progress, UnreadableRecord>> {
        let loaded = done("loading", self.records.load(&self.key, ids).await);
        assert_eq!(loaded.len(), ids.len(), "how many records are loaded of {} resources", ids.len());
        loaded
    }

    pub(crate) async fn load_one(&self, id: &ResourceId) -> Progress {
        self.load(from_ref(id)).await.swap_remove(0)
    }

    pub(crate) async fn advance(&self, handled: &[(ResourceId, u64)]) {
        done("an advance", self.records.advance(&self.key, handled).await);
    }

    pub(crate) async fn advance_one(&self, id: &ResourceId, number: u64) {
        self.advance(&[(id.clone(), number)]).await;
    }

    pub(crate) async fn try_swap(
        &self,
        id: &ResourceId,
        seen: u64,
        next: &Progress,
        skipped: Option<&Skipped>,
    ) -> Swap {
        done("a swap", self.records.swap(&self.key, id, seen, next, skipped).await)
    }

    /// Replaces a record that nobody else changes, and gives what is there then.
    pub(crate) async fn swap(&self, id: &ResourceId, seen: u64, next: &Progress) -> Progress {
        self.swap_and_skip(id, seen, next, None).await
    }

    pub(crate) async fn swap_and_skip(
        &self,
        id: &ResourceId,
        seen: u64,
        next: &Progress,
        skipped: Option<&Skipped>,
    ) -> Progress {
        match self.try_swap(id, seen, next, skipped).await {
            Swap::Done(revision) => revised(next, revision),
            Swap::Changed(found) => {
                panic!("nobody has changed the record of {id:?} since revision {seen}, and it is {found:?}")
            }
        }
    }

    /// Tries to replace a record that has another revision, and gives what is there.
    pub(crate) async fn be_late(&self, id: &ResourceId, seen: u64, next: &Progress) -> Progress {
        match self.try_swap(id, seen, next, Some(&super::made_up::skipped(4))).await {
            Swap::Changed(found) => found,
            Swap::Done(revision) => panic!(
                "the record of {id:?} had another revision than {seen}, and was replaced: it has {revision}"
            ),
        }
    }

    pub(crate) async fn skipped(&self, id: &ResourceId) -> Vec<Skipped> {
        done("looking for what was skipped", self.records.skipped(&self.key, id).await)
    }

    pub(crate) async fn page(
        &self,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&ParkedCursor>,
    ) -> ParkedPage {
        let page = self.records.parked(&self.key, due, limit, after).await;
        let page = done("a list of parked resources", page);
        let found = page.resources.len();
        assert!(found <= limit.max(1), "a page of at most {limit} parked resources has {found}");
        assert!(
            found > 0 || page.next.is_none(),
            "a page of parked resources with nothing on it has a next page"
        );
        page
    }

    /// All that is parked behind a place, in pages of at most `limit`.
    pub(crate) async fn walk(
        &self,
        due: Option<Timestamp>,
        limit: usize,
        mut after: Option<ParkedCursor>,
    ) -> Vec<(ResourceId, Progress)> {
        let mut walked = Vec::new();
        loop {
            let page = self.page(due, limit, after.as_ref()).await;
            walked.extend(page.resources);
            match page.next {
                Some(next) => after = Some(next),
                None => return walked,
            }
        }
    }

    /// Waits until a walk over all pages tells of exactly these as unreadable.
    pub(crate) async fn assert_told_of(&self, limit: usize, expected: &BTreeSet<ResourceId>) {
        let begun = Instant::now();
        loop {
            let (mut told, mut after) = (BTreeSet::new(), None);
            loop {
                let page = self.page(None, limit, after.as_ref()).await;
                told.extend(page.unreadable.into_iter().map(|record| record.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            if told == *expected {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "told of as unreadable: {told:?} instead of {expected:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a walk over all pages gives this resource, with this record.
    pub(crate) async fn assert_listed(&self, id: &ResourceId, expected: &Progress) {
        let expected = [(id.clone(), expected.clone())];
        self.eventually((None, 1_000, None), |(other, _)| other == id, &expected).await;
    }

    /// Waits until a walk over all pages gives exactly these, in this order.
    pub(crate) async fn assert_parked(&self, limit: usize, expected: &[(ResourceId, Progress)]) {
        self.assert_parked_by(None, limit, None, expected).await;
    }

    /// The same for what is due then, and behind a place.
    pub(crate) async fn assert_parked_by(
        &self,
        due: Option<Timestamp>,
        limit: usize,
        after: Option<&ParkedCursor>,
        expected: &[(ResourceId, Progress)],
    ) {
        self.eventually((due, limit, after), |_| true, expected).await;
    }

    /// Waits until what is listed, and of interest, is this: the list may be a moment behind.
    async fn eventually(
        &self,
        (due, limit, after): (Option<Timestamp>, usize, Option<&ParkedCursor>),
        is_of_interest: impl Fn(&(ResourceId, Progress)) -> bool,
        expected: &[(ResourceId, Progress)],
    ) {
        let begun = Instant::now();
        loop {
            let mut found = self.walk(due, limit, after.cloned()).await;
            found.retain(&is_of_interest);
            let Some(differs) = first_difference(expected, &found) else { return };
            if begun.elapsed() >= PATIENCE {
                let which = format!("in pages of {limit}, due by {due:?}, behind {after:?}");
                panic!("the list of what is parked ({which}) is wrong after {PATIENCE:?}: {differs}");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Where and how two lists differ; none when they are equal.
pub(crate) fn first_difference<T: PartialEq + Debug>(expected: &[T], found: &[T]) -> Option<String> {
    if expected == found {
        return None;
    }
    let index = expected.iter().zip(found).take_while(|(expected, found)| expected == found).count();
    let (of, there) = (expected.len(), found.len());
    let [expected, found] = [expected, found].map(|list| list.get(index));
    Some(format!(
        "at {index} there is {found:?} instead of {expected:?}, and there are {there} instead of {of}"
    ))
}

/// Ids that are in this order.
pub(crate) fn ids(count: usize) -> Vec<ResourceId> {
    let run = Uuid::new_v4().simple().to_string();
    (0..count).map(|index| format!("{run}-{index:04}").into()).collect()
}

/// An id that has no record.
pub(crate) fn new_id() -> ResourceId {
    Uuid::new_v4().into()
}

fn done<T>(what: &str, outcome: Result<T, StoreError>) -> T {
    outcome.unwrap_or_else(|error| panic!("{what} failed: {}", explain(&error)))
}
