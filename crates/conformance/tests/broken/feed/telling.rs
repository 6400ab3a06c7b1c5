//! Flaws of a feed that comes to something that it cannot read.

use std::future::ready;

use aws_event_sourcing_core::{StoreError, StoreErrorKind, subscription::Batch};
use futures_util::{StreamExt as _, stream};

use super::{altering::Alteration, flaw::Batches};

/// Passes it over in silence.
#[derive(Default)]
pub(crate) struct NothingUnread;

impl Alteration for NothingUnread {
    fn batches(batches: Batches) -> Batches {
        batches.map(|batch| Ok(Batch { unread: Vec::new(), ..batch? })).boxed()
    }
}

/// Delivers nothing more, and waits.
#[derive(Default)]
pub(crate) struct WaitsBehindIt;

impl Alteration for WaitsBehindIt {
    fn batches(batches: Batches) -> Batches {
        let until =
            batches.take_while(|batch| ready(batch.as_ref().is_ok_and(|batch| batch.unread.is_empty())));
        until.chain(stream::pending()).boxed()
    }
}

/// Fails there, whenever it comes there.
#[derive(Default)]
pub(crate) struct FailsAtIt;

impl Alteration for FailsAtIt {
    fn batches(batches: Batches) -> Batches {
        let failing = batches.map(|batch| match batch? {
            batch if batch.unread.is_empty() => Ok(batch),
            _ => Err(StoreError::new(StoreErrorKind::Undecodable, "somebody was here")),
        });
        failing.boxed()
    }
}

/// Says that it is the number before.
#[derive(Default)]
pub(crate) struct NamesTheNumberBefore;

impl Alteration for NamesTheNumberBefore {
    fn batches(batches: Batches) -> Batches {
        let renumbered = batches.map(|batch| {
            let mut batch = batch?;
            batch.unread.iter_mut().for_each(|unread| unread.number -= 1);
            Ok(batch)
        });
        renumbered.boxed()
    }
}

/// Gives all of it one position.
#[derive(Default)]
pub(crate) struct OnePositionForAllOfIt;

impl Alteration for OnePositionForAllOfIt {
    fn batches(batches: Batches) -> Batches {
        let placed = batches.map(|batch| {
            let mut batch = batch?;
            batch.unread.iter_mut().for_each(|unread| unread.position = batch.up_to);
            Ok(batch)
        });
        placed.boxed()
    }
}
