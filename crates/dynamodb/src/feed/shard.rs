//! [`Reading`]: one shard of a stream, from a place on.

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::{
    Clock as _, StoreError, SystemClock, Timestamp,
    subscription::{Batch, SubscriptionKey},
};
use aws_sdk_dynamodbstreams::types::{Record, StreamRecord};
use futures_core::stream::BoxStream;
use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use tokio::time::{Instant, sleep_until};

use super::{
    lease::Lease,
    reached::Noted,
    record,
    stream::{Fault, From, Records, TableStream},
};
use crate::{change::Change, error::Error};

/// From one question to the next while events come: AWS answers five a second. Each answer without any makes it twice as
/// long, so that an idle shard is asked once a second.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// After so long without records it is taken that there are none.
const QUIET: Duration = Duration::from_secs(60);

/// How often a shard's oldest record may be gone before it was read.
const HORIZONS: u32 = 10;

/// A shard that is being read.
pub(super) struct Reading {
    pub(super) stream: TableStream,
    pub(super) arn: Arc<str>,
    pub(super) shard: Arc<str>,
    pub(super) lease: Arc<Lease>,
    pub(super) from: From,
    /// Whether records that are gone before the first one was read are in the table that was read.
    pub(super) is_in_table: bool,
}

/// How far it is read.
struct Place {
    reading: Reading,
    iterator: Option<String>,
    position: u64,
    /// When it was last asked, and how long after that it is asked again.
    asked: Option<Instant>,
    pause: Duration,
    /// Since when there is nothing to read.
    quiet_since: Option<Instant>,
    horizons: u32,
    /// Comes behind what was read before it.
    failed: Option<StoreError>,
    is_over: bool,
}

impl Reading {
    /// The commits of the shard, to its end. Ends early when the lease is over, or is to be handed over.
    pub(super) fn batches(self) -> BoxStream<'static, Result<Batch, StoreError>> {
        let place = Place {
            reading: self,
            iterator: None,
            position: 0,
            asked: None,
            pause: SHORTEST_PAUSE,
            quiet_since: None,
            horizons: 0,
            failed: None,
            is_over: false,
        };
        let batches = stream::unfold(place, |mut place| async {
            let lease = place.reading.lease.clone();
            let ended = select(Box::pin(lease.is_over()), Box::pin(lease.until_handed_over()));
            // What is read is delivered first: finishing what is handed over counts on it.
            let next = match select(Box::pin(place.next()), ended).await {
                Either::Left((next, _)) => next,
                Either::Right(_) => None,
            };
            // Nothing comes behind an error.
            if matches!(next, Some(Err(_))) {
                place.is_over = true;
            }
            next.map(|batch| (batch, place))
        });
        batches.boxed()
    }
}

impl Place {
    async fn next(&mut self) -> Option<Result<Batch, StoreError>> {
        loop {
            if let Some(error) = self.failed.take() {
                self.is_over = true;
                return Some(Err(error));
            }
            if self.is_over {
                return None;
            }
            if let Some(asked) = self.asked {
                sleep_until(asked + self.pause).await;
            }
            let asked = Instant::now();
            self.asked = Some(asked);
            match self.read().await {
                Ok(Records { records, next }) => {
                    self.is_over = next.is_none();
                    self.iterator = next;
                    if records.is_empty() {
                        self.is_quiet(asked);
                        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                    self.pause = SHORTEST_PAUSE;
                    self.quiet_since = None;
                    let batch = self.take(records);
                    if self.failed.is_some() {
                        self.is_over = false;
                    }
                    return Some(Ok(batch));
                }
                Err(Fault::Expired) => self.iterator = None,
                Err(Fault::Trimmed) => self.trimmed().await,
                Err(Fault::Failed(error)) => self.failed = Some(error.into()),
            }
        }
    }

    async fn read(&mut self) -> Result<Records, Fault> {
        let Reading { stream, arn, shard, from, .. } = &self.reading;
        let iterator = match &self.iterator {
            Some(iterator) => iterator,
            None => self.iterator.insert(stream.iterator(arn, shard, from).await?),
        };
        stream.records(iterator).await
    }

    /// There was nothing to read. One answer does not say much: there may be some without records amid records.
    fn is_quiet(&mut self, asked: Instant) {
        let since = *self.quiet_since.get_or_insert(asked);
        if !self.is_over && asked.duration_since(since) >= QUIET {
            self.reading.lease.reached().note_quiet(SystemClock.now());
        }
    }

    /// What follows is no longer in the stream. If nothing was read yet, the oldest record may only have gone after the
    /// iterator was made, and is in the table.
    async fn trimmed(&mut self) {
        let Reading { stream, arn, shard, lease, from, is_in_table } = &self.reading;
        if *is_in_table && *from == From::Horizon && self.horizons < HORIZONS {
            self.horizons += 1;
            self.iterator = None;
            return;
        }
        let trimmed = Error::Trimmed { table: stream.table.clone(), shard: shard.clone() };
        let SubscriptionKey { subscription, resource_type } = lease.leases.key();
        tracing::warn!(
            subscription = &**subscription,
            resource_type = &**resource_type,
            table = &*stream.table,
            shard = &**shard,
            "the stream no longer has all that follows: the table is read again"
        );
        let started_over = lease.leases.start_over(lease.round, arn).await;
        self.failed = Some(started_over.err().unwrap_or(trimmed).into());
    }

    /// The commits of records, up to one that tells of nothing.
    fn take(&mut self, records: Vec<Record>) -> Batch {
        let Reading { stream, shard, lease, from, .. } = &mut self.reading;
        let mut batch = Batch::default();
        for record in records {
            let number = record.dynamodb().and_then(StreamRecord::sequence_number);
            let number: Option<Box<str>> = number.map(Into::into);
            let at = record.dynamodb().and_then(StreamRecord::approximate_creation_date_time);
            let at =
                at.and_then(|at| u64::try_from(at.to_millis().ok()?).ok()).map(Timestamp::from_unix_millis);
            let position = self.position + 1;
            let added = match record::read(record, &stream.resource_type, &stream.table, shard) {
                Ok(Change::Committed(commit)) => batch.add(position, Ok(commit)),
                Ok(Change::Breach { what, id, number }) => {
                    tracing::error!(
                        table = &*stream.table,
                        id = &*id,
                        number = &*number,
                        what = &*what,
                        "somebody has changed or removed an event by hand: events are immutable, and this is not delivered"
                    );
                    Ok(())
                }
                Err(error) => batch.add(position, Err(error.into())),
            };
            if let Err(error) = added {
                self.failed = Some(error);
                break;
            }
            self.position = position;
            if let Some(record) = number {
                lease.reached().note_record(Noted { position: self.position, record: record.clone(), at });
                *from = From::Behind(record);
            }
        }
        batch.up_to = self.position;
        batch
    }
}
