//! Flaws of what is delivered, and of the order in which it is.

use std::{marker::PhantomData, sync::Arc};

use aws_event_sourcing_core::{
    Commit, MemoryStore, Timestamp, limits,
    subscription::{Batch, Delivery, Part, SubscriptionKey},
};
use futures_util::{StreamExt as _, stream};

use super::{
    flaw::{Batches, Flaw},
    log::{altered, retained},
};

/// What a feed makes of its batches.
pub(crate) trait Alteration: Default + Send + Sync + 'static {
    fn batches(batches: Batches) -> Batches;
}

/// Delivers what an alteration leaves of a part.
#[derive(Default)]
pub(crate) struct Delivers<A>(PhantomData<A>);

impl<A: Alteration> Flaw for Delivers<A> {
    fn part(self: &Arc<Self>, _: &MemoryStore, _: &SubscriptionKey, part: Part) -> Part {
        Part { batches: A::batches(part.batches), ..part }
    }
}

/// Stops after a thousand.
#[derive(Default)]
pub(crate) struct AThousand;

impl Alteration for AThousand {
    fn batches(batches: Batches) -> Batches {
        retained(batches, |delivery| delivery.position <= 1_000)
    }
}

/// Reads pages of a hundred, and goes on behind the one that comes after each.
#[derive(Default)]
pub(crate) struct NothingBetweenPages;

impl Alteration for NothingBetweenPages {
    fn batches(batches: Batches) -> Batches {
        retained(batches, |delivery| delivery.position % 101 != 0)
    }
}

/// Begins each page with the last of the one before.
#[derive(Default)]
pub(crate) struct TheLastOfAPageTwice;

impl Alteration for TheLastOfAPageTwice {
    fn batches(batches: Batches) -> Batches {
        let mut last = None;
        altered(batches, move |deliveries| {
            let before = last.take();
            last = deliveries.last().cloned();
            before.into_iter().chain(deliveries).collect()
        })
    }
}

/// Reads two pages side by side, and delivers the second one first.
#[derive(Default)]
pub(crate) struct TheSecondPageFirst;

impl Alteration for TheSecondPageFirst {
    fn batches(batches: Batches) -> Batches {
        let pages = batches.ready_chunks(2).flat_map(|pages| stream::iter(pages.into_iter().rev()));
        pages.boxed()
    }
}

/// Delivers by the times of commits.
#[derive(Default)]
pub(crate) struct ByTime;

impl Alteration for ByTime {
    fn batches(batches: Batches) -> Batches {
        altered(batches, |deliveries| {
            let positions: Vec<_> = deliveries.iter().map(|delivery| delivery.position).collect();
            let mut commits: Vec<_> = deliveries.into_iter().map(|delivery| delivery.commit).collect();
            commits.sort_by_key(|commit| commit.at);
            commits
                .into_iter()
                .zip(positions)
                .map(|(commit, position)| Delivery { commit, position })
                .collect()
        })
    }
}

/// Gives all deliveries of a batch one position.
#[derive(Default)]
pub(crate) struct OnePositionForABatch;

impl Alteration for OnePositionForABatch {
    fn batches(batches: Batches) -> Batches {
        altered(batches, |mut deliveries| {
            let last = deliveries.last().map_or(0, |delivery| delivery.position);
            for delivery in &mut deliveries {
                delivery.position = last;
            }
            deliveries
        })
    }
}

/// Counts positions from the beginning of a batch.
#[derive(Default)]
pub(crate) struct PositionsWithinABatch;

impl Alteration for PositionsWithinABatch {
    fn batches(batches: Batches) -> Batches {
        let batches = altered(batches, |mut deliveries| {
            for (delivery, position) in deliveries.iter_mut().zip(1..) {
                delivery.position = position;
            }
            deliveries
        });
        let batches =
            batches.map(|batch| batch.map(|batch| Batch { up_to: batch.deliveries.len() as u64, ..batch }));
        batches.boxed()
    }
}

/// Says of a batch that it goes up to where the next one begins.
#[derive(Default)]
pub(crate) struct UpToTheNext;

impl Alteration for UpToTheNext {
    fn batches(batches: Batches) -> Batches {
        let batches = batches.map(|batch| batch.map(|batch| Batch { up_to: batch.up_to + 1, ..batch }));
        batches.boxed()
    }
}

/// Says of a batch that it goes up to where it begins.
#[derive(Default)]
pub(crate) struct UpToTheFirst;

impl Alteration for UpToTheFirst {
    fn batches(batches: Batches) -> Batches {
        let batches = batches.map(|batch| {
            let mut batch = batch?;
            batch.up_to = batch.deliveries.first().map_or(batch.up_to, |first| first.position);
            Ok(batch)
        });
        batches.boxed()
    }
}

/// Has no room for commits of more than 256 KB.
#[derive(Default)]
pub(crate) struct NothingLarge;

impl Alteration for NothingLarge {
    fn batches(batches: Batches) -> Batches {
        retained(batches, |delivery| limits::check(&delivery.commit).is_ok_and(|bytes| bytes <= 256 * 1024))
    }
}

/// Delivers the first hundred events of a commit.
#[derive(Default)]
pub(crate) struct AHundredEvents;

impl Alteration for AHundredEvents {
    fn batches(batches: Batches) -> Batches {
        commits(batches, |commit| commit.events.truncate(100))
    }
}

/// Delivers commits without their causes.
#[derive(Default)]
pub(crate) struct NoCause;

impl Alteration for NoCause {
    fn batches(batches: Batches) -> Batches {
        commits(batches, |commit| commit.cause = None)
    }
}

/// Delivers times in seconds.
#[derive(Default)]
pub(crate) struct TimesInSeconds;

impl Alteration for TimesInSeconds {
    fn batches(batches: Batches) -> Batches {
        commits(batches, |commit| {
            let seconds = commit.at.as_unix_millis() / 1_000;
            commit.at = Timestamp::from_unix_millis(seconds * 1_000);
        })
    }
}

/// The deliveries of commits that have been altered.
fn commits(batches: Batches, alter: impl Fn(&mut Commit) + Send + 'static) -> Batches {
    altered(batches, move |mut deliveries| {
        for delivery in &mut deliveries {
            alter(&mut delivery.commit);
        }
        deliveries
    })
}
