//! Flaws of what a store does about records that it cannot read.

use aws_event_sourcing_core::{
    MemoryStore, StoreError, StoreErrorKind,
    subscription::{ParkedPage, Progress, Swap, UnreadableRecord},
};

use super::flaw::{Asked, Flaw, Loaded, Outcome, replace};

fn failed(record: UnreadableRecord) -> StoreError {
    StoreError::new(StoreErrorKind::Undecodable, record)
}

/// Gives none of the records when one of them cannot be read.
#[derive(Default)]
pub(crate) struct FailsForAllRecords;

impl Flaw for FailsForAllRecords {
    fn give(&self, loaded: Vec<Loaded>) -> Result<Vec<Loaded>, StoreError> {
        loaded.into_iter().map(|record| record.map(Ok).map_err(failed)).collect()
    }
}

/// Gives what there is without a record.
#[derive(Default)]
pub(crate) struct TakesWhatItCannotReadForNone;

impl Flaw for TakesWhatItCannotReadForNone {
    fn give(&self, loaded: Vec<Loaded>) -> Result<Vec<Loaded>, StoreError> {
        Ok(loaded.into_iter().map(|record| Ok(record.unwrap_or(Progress::default()))).collect())
    }
}

/// Makes a record where there is one that it cannot read.
#[derive(Default)]
pub(crate) struct ReplacesWhatItCannotRead;

impl Flaw for ReplacesWhatItCannotRead {
    fn swap_unreadable<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        Box::pin(async move { Ok(replace(healthy, asked).await) })
    }
}

/// Lists nothing when something on the page cannot be read.
#[derive(Default)]
pub(crate) struct ListsNothingBesideWhatItCannotRead;

impl Flaw for ListsNothingBesideWhatItCannotRead {
    fn give_page(&self, mut page: ParkedPage) -> Result<ParkedPage, StoreError> {
        page.unreadable.pop().map_or(Ok(page), |record| Err(failed(record)))
    }
}

/// Tells of nothing that it cannot read.
#[derive(Default)]
pub(crate) struct LeavesOutWhatItCannotRead;

impl Flaw for LeavesOutWhatItCannotRead {
    fn give_page(&self, page: ParkedPage) -> Result<ParkedPage, StoreError> {
        Ok(ParkedPage { unreadable: Vec::new(), ..page })
    }
}
