//! [`Reached`]: how far a part is handled, which goes into the item of its lease.

mod places;
mod records;

use aws_event_sourcing_core::Timestamp;

pub(super) use self::{
    places::{Place, Places},
    records::{Noted, Records},
};
use super::leases::Change;

/// How far a part is handled.
#[derive(Debug)]
pub(super) enum Reached {
    Shard(Records),
    Table(Places),
}

impl Reached {
    /// A record of the shard was read.
    pub(super) fn note_record(&mut self, noted: Noted) {
        if let Self::Shard(records) = self {
            records.note(noted);
        }
    }

    /// There has been nothing to read in the shard for so long that there was nothing then.
    pub(super) fn note_quiet(&mut self, at: Timestamp) {
        if let Self::Shard(records) = self {
            records.is_quiet(at);
        }
    }

    /// A segment of the table is read that far, as of a position.
    pub(super) fn note_place(&mut self, position: u64, segment: usize, place: Place) {
        if let Self::Table(places) = self {
            places.note(position, segment, place);
        }
    }

    /// Of a shard: all that was written before then is handled, and saved.
    pub(super) fn read_to(&self) -> Option<Timestamp> {
        match self {
            Self::Shard(records) => records.read_to(),
            Self::Table(_) => None,
        }
    }

    /// The same, when all that was read is handled.
    pub(super) fn read_to_end(&self) -> Option<Timestamp> {
        match self {
            Self::Shard(records) => records.read_to_end(),
            Self::Table(_) => None,
        }
    }

    /// What there is to save when everything up to a position is handled, if anything.
    pub(super) fn change(&self, position: u64) -> Option<(Change, Option<Timestamp>)> {
        match self {
            Self::Shard(records) => {
                let Noted { record, at, .. } = records.last(position)?;
                Some((Change::Checkpoint(record.clone()), *at))
            }
            Self::Table(places) => Some((Change::Places(places.at(position)?), None)),
        }
    }

    /// That is saved.
    pub(super) fn saved(&mut self, position: u64) {
        match self {
            Self::Shard(records) => records.saved(position),
            Self::Table(places) => places.saved(position),
        }
    }
}
