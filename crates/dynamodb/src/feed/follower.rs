//! [`Follower`]: takes the parts of a feed that fall to this process. The shell around [`plan`]: it looks, and does what
//! that says.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use aws_event_sourcing_core::{
    Clock as _, ErrorChain, StoreError, SystemClock,
    subscription::{Continuity, Part, Registration, Start, SubscriptionKey},
};
use futures_core::stream::BoxStream;
use futures_util::{
    StreamExt as _,
    future::{Either, select, try_join_all},
    stream,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{
    Parts, Past,
    lease::{Held, Lease, Moment, Of, Taken},
    leases::{Leases, Looked, Taker},
    listing::Listing,
    past,
    plan::{Entry, Lost, PastEntry, Standing, Step, Take, View, WaitsFor, plan},
    reached::{Place, Places, Reached, Records},
    shard::Reading,
    stream::TableStream,
};
use crate::{
    error::Error,
    item,
    rows::{TABLE_PART, shard_part},
};

/// How often it is looked for what others no longer follow, and for new shards.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LIST_EVERY: Duration = Duration::from_secs(10);

/// The pause after a shard could not be taken, because others were taking some at that moment.
const MISSED: Duration = Duration::from_millis(200);

/// A process's part in following a resource type for a subscription.
pub(super) struct Follower {
    feed: Arc<Parts>,
    registration: Registration,
    leases: Arc<Leases>,
    owner: Arc<str>,
    /// What is in the hands of this process.
    held: HashMap<Arc<str>, Arc<Lease>>,
    /// The leases of others: their counters, and since when they are what they are.
    watched: HashMap<Arc<str>, (u64, Instant)>,
    /// Shards that anybody may take, and since when.
    free: HashMap<Arc<str>, Instant>,
    /// That something may be missing, and since when that seems so.
    doubt: Option<(Lost, Instant)>,
    /// When this process last told that it would have a shard.
    announced: Option<Instant>,
    /// Listings from before this time are too old.
    listed_since: Instant,
    changed: Arc<Notify>,
}

impl Follower {
    pub(super) fn new(feed: Arc<Parts>, key: SubscriptionKey, registration: Registration) -> Self {
        Self {
            leases: Arc::new(Leases::new(feed.subscriptions.clone(), key)),
            feed,
            registration,
            owner: Uuid::new_v4().to_string().into(),
            held: HashMap::new(),
            watched: HashMap::new(),
            free: HashMap::new(),
            doubt: None,
            announced: None,
            listed_since: Instant::now(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// The parts that fall to this process. Goes on after an error.
    pub(super) fn parts(self) -> BoxStream<'static, Result<Part, StoreError>> {
        stream::unfold(self, |mut follower| async {
            let part = follower.part().await.map_err(Into::into);
            Some((part, follower))
        })
        .boxed()
    }

    /// The table, if it is not read to its end, and no other process is at it.
    pub(super) async fn past(mut self) -> Result<Past, Error> {
        let began = Instant::now();
        let mut first_seen = None;
        loop {
            let looked = self.leases.look().await?;
            self.watch(&looked, Instant::now());
            let Some(past) = &looked.past else {
                self.leases.begin(None, None).await?;
                continue;
            };
            if past.entry.finished_at.is_some() {
                return Ok(Past::Read);
            }
            // Nobody may be at the shards of an earlier round.
            let entries = looked.shards.iter().chain([&past.entry]);
            let standings = entries.map(|entry| self.standing(entry, past.entry.round));
            let is_free = standings.into_iter().all(|standing| standing == Standing::Free);
            let seen = past.entry.counter;
            if is_free {
                if let Some(part) = self.take_past(past).await? {
                    return Ok(Past::Unread(part));
                }
            } else if seen != *first_seen.get_or_insert(seen) || began.elapsed() > 2 * self.feed.lease_time {
                return Ok(Past::Elsewhere);
            }
            self.wait(LOOK_EVERY.min(self.feed.lease_time / 4)).await;
        }
    }

    async fn part(&mut self) -> Result<Part, Error> {
        let key = self.leases.key();
        let table = self.feed.store.table(&key.resource_type)?;
        let stream = TableStream {
            dynamodb: table.dynamodb,
            table: table.name,
            resource_type: table.resource_type,
            observer: self.feed.subscriptions.observer.clone(),
        };
        loop {
            self.give_back().await;
            let looked = self.leases.look().await?;
            let looked_at = Instant::now();
            self.watch(&looked, looked_at);
            self.listed_since = self.listed_since.max(looked_at.checked_sub(LIST_EVERY).unwrap_or(looked_at));
            let mut listing = self.feed.listings.get(&stream, self.listed_since).await?;
            let mut step = self.plan(&looked, &listing);
            if matches!(step, Step::StartOver(_) | Step::Open(_)) && listing.asked < looked_at {
                // What others have written may be about shards that were not there yet.
                listing = self.feed.listings.get(&stream, looked_at).await?;
                step = self.plan(&looked, &listing);
            }
            if let Some(part) = self.act(step, &looked, &listing, &stream).await? {
                return Ok(part);
            }
        }
    }

    /// Forgets what is no longer in the hands of this process, and gives back what is to be handed over.
    async fn give_back(&mut self) {
        let dropped: Vec<_> = self.held.extract_if(|_, lease| lease.is_dropped()).collect();
        for (_, lease) in dropped.into_iter().filter(|(_, lease)| lease.is_handed_over()) {
            if let Err(error) = lease.give_back().await {
                let SubscriptionKey { subscription, resource_type } = self.leases.key();
                tracing::debug!(
                    subscription = &**subscription, resource_type = &**resource_type, partition = &*lease.name,
                    error = %ErrorChain::of(&error),
                    "a partition could not be given back"
                );
            }
        }
    }

    /// Compares the leases of others with what they were.
    fn watch(&mut self, looked: &Looked, at: Instant) {
        let entries = looked.shards.iter().chain(&looked.waiting);
        let entries = entries.chain(looked.past.as_ref().map(|past| &past.entry));
        let mut watched = HashMap::new();
        for entry in entries.filter(|entry| entry.owner.is_some()) {
            let before = self.watched.get(&entry.part).filter(|(counter, _)| *counter == entry.counter);
            watched.insert(entry.part.clone(), (entry.counter, before.map_or(at, |(_, since)| *since)));
        }
        self.watched = watched;
    }

    fn plan(&mut self, looked: &Looked, listing: &Listing) -> Step {
        let Self { free, feed, .. } = self;
        let patience = feed.lease_time / 2;
        let neglected = free.iter().filter(|(_, since)| since.elapsed() > patience);
        let neglected: HashSet<_> = neglected.map(|(shard, _)| shard.clone()).collect();
        let round = looked.past.as_ref().map_or(0, |past| past.entry.round);
        let standing = |entry: &Entry| self.standing(entry, round);
        let waiting = looked.waiting.iter().filter(|entry| entry.owner.as_ref() != Some(&self.owner));
        let view = View {
            stream: &listing.arn,
            shards: &listing.shards,
            past: looked.past.as_ref().map(|past| (past, standing(&past.entry))),
            entries: looked.shards.iter().map(|entry| (entry, standing(entry))).collect(),
            waiting: waiting.map(|entry| (entry, standing(entry))).collect(),
            neglected: &neglected,
            now: SystemClock.now(),
        };
        let (step, free) = plan(&view);
        let since = |shard: &Arc<str>| self.free.get(shard).copied().unwrap_or_else(Instant::now);
        self.free = free.iter().map(|shard| (shard.clone(), since(shard))).collect();
        step
    }

    fn standing(&self, entry: &Entry, round: u64) -> Standing {
        let Some(owner) = &entry.owner else { return Standing::Free };
        if *owner == self.owner {
            return match self.held.get(&entry.part) {
                // Until it is dropped something may still be done with it.
                Some(lease) if lease.round == round && !lease.is_handed_over() => Standing::Ours,
                Some(_) => Standing::Leaving,
                None => Standing::Free,
            };
        }
        let since = self.watched.get(&entry.part).map(|(_, since)| *since);
        if since.is_some_and(|since| since.elapsed() > entry.lease) {
            Standing::Free
        } else {
            Standing::Others
        }
    }

    /// Does what comes next. Gives the part that was taken.
    async fn act(
        &mut self,
        step: Step,
        looked: &Looked,
        listing: &Listing,
        stream: &TableStream,
    ) -> Result<Option<Part>, Error> {
        if !matches!(step, Step::StartOver(_)) {
            self.doubt = None;
        }
        match (step, &looked.past) {
            (Step::Begin, _) => {
                let Registration { start, started_at, .. } = &self.registration;
                let finished_at = (*start == Start::Now).then_some(*started_at);
                self.leases.begin(Some(&listing.arn), finished_at).await?;
            }
            (Step::StartOver(lost), Some(past)) => self.start_over(lost, past, listing).await?,
            (Step::GiveUp(parts), _) => {
                for part in &parts {
                    if let Some(lease) = self.held.get(part) {
                        lease.lose();
                    }
                }
                self.wait(LOOK_EVERY).await;
            }
            (Step::Forget(entries), _) => {
                try_join_all(entries.iter().take(16).map(|entry| self.leases.forget(entry))).await?;
            }
            (Step::Open(roots), Some(past)) => {
                let roots = roots.iter().map(ToString::to_string).collect();
                self.leases.open(past.entry.round, roots).await?;
            }
            (Step::TakePast, Some(past)) => return self.take_past(past).await,
            (Step::Take(take), Some(past)) => return self.take(take, past, listing, stream).await,
            (Step::HandOver(part), _) => {
                if let Some(lease) = self.held.get(&part) {
                    let SubscriptionKey { subscription, resource_type } = self.leases.key();
                    tracing::info!(
                        subscription = &**subscription,
                        resource_type = &**resource_type,
                        partition = &*lease.name,
                        "a partition is handed over to another process"
                    );
                    lease.hand_over();
                }
                self.wait(LOOK_EVERY).await;
            }
            (Step::Announce, Some(past)) => self.announce(past).await?,
            (Step::Wait { for_others: WaitsFor::Nobody }, _) => self.wait(LIST_EVERY).await,
            (Step::Wait { .. }, _) => self.wait(LOOK_EVERY).await,
            // There is nothing to act on without the past, but to begin.
            (_, None) => {}
        }
        Ok(None)
    }

    /// Begins another round when something is missing, and not only seems to because a listing is a moment behind.
    async fn start_over(&mut self, lost: Lost, past: &PastEntry, listing: &Listing) -> Result<(), Error> {
        let since = match self.doubt.take() {
            Some((before, since)) if before == lost => since,
            _ => Instant::now(),
        };
        if lost.is_certain() || since.elapsed() >= self.feed.lease_time {
            let SubscriptionKey { subscription, resource_type } = self.leases.key();
            tracing::warn!(
                subscription = &**subscription, resource_type = &**resource_type, error = %lost,
                "something may be missing from the stream: the table is read again"
            );
            self.leases.start_over(past.entry.round, &listing.arn).await?;
        } else {
            self.doubt = Some((lost, since));
            self.wait(LOOK_EVERY).await;
            self.listed_since = Instant::now();
        }
        Ok(())
    }

    /// Tells others that this process would have a shard, as often as a lease is renewed.
    async fn announce(&mut self, past: &PastEntry) -> Result<(), Error> {
        if self.announced.is_none_or(|announced| announced.elapsed() >= self.feed.lease_time / 3) {
            self.announced = Some(Instant::now());
            self.leases.announce(past.entry.round, &self.taker()).await?;
        }
        self.wait(LOOK_EVERY.min(self.feed.lease_time / 3)).await;
        Ok(())
    }

    async fn take_past(&mut self, past: &PastEntry) -> Result<Option<Part>, Error> {
        let (begun_at, sent) = (past.begun_at.unwrap_or_else(|| SystemClock.now()), Moment::now());
        let taken = self.leases.take_past(past, begun_at, &self.taker()).await?;
        let Some(counter) = taken else { return Ok(None) };
        let store = self.feed.store.clone();
        let table = store.table(&self.leases.key().resource_type)?;
        let mut places = past.places.clone();
        if places.len() != store.segments() {
            // It is read from the start where it was read in other segments.
            places = vec![Place::Start; store.segments()];
        }
        let segments = places.iter().enumerate().filter_map(|(segment, place)| {
            let behind = match place {
                Place::Start => None,
                Place::Behind(id, number) => Some(item::key(id, *number)),
                Place::End => return None,
            };
            Some((segment, store.segment(&table.resource_type, segment, behind)))
        });
        let segments = segments.collect();
        let name = format!("table {}", table.name);
        let lease = self.hold(Taken {
            part: TABLE_PART.into(),
            name: name.into(),
            round: past.entry.round,
            owner: self.owner.clone(),
            time: self.feed.lease_time,
            counter,
            sent,
            reached: Reached::Table(Places::new(places)),
        });
        Ok(Some(Part {
            name: lease.name.clone(),
            continuity: self.continuity(),
            batches: past::batches(segments, lease.clone()),
            hold: Arc::new(Held::new(lease, Of::Past(begun_at))),
        }))
    }

    async fn take(
        &mut self,
        take: Take,
        past: &PastEntry,
        listing: &Listing,
        stream: &TableStream,
    ) -> Result<Option<Part>, Error> {
        let Take { shard, entry, from, read_to, is_in_table } = take;
        let part: Arc<str> = shard_part(&shard).into();
        let round = past.entry.round;
        let sent = Moment::now();
        let taken = self.leases.take_shard(round, &part, entry.as_ref(), read_to, &self.taker()).await?;
        let Some(counter) = taken else {
            self.wait(MISSED).await;
            return Ok(None);
        };
        let lease = self.hold(Taken {
            part,
            name: shard.clone(),
            round,
            owner: self.owner.clone(),
            time: self.feed.lease_time,
            counter,
            sent,
            reached: Reached::Shard(Records::new(read_to)),
        });
        let arn = listing.arn.clone();
        let reading = Reading { stream: stream.clone(), arn, shard, lease: lease.clone(), from, is_in_table };
        Ok(Some(Part {
            name: lease.name.clone(),
            continuity: self.continuity(),
            batches: reading.batches(),
            hold: Arc::new(Held::new(lease, Of::Shard)),
        }))
    }

    fn taker(&self) -> Taker<'_> {
        Taker { owner: &self.owner, lease: self.feed.lease_time }
    }

    fn hold(&mut self, taken: Taken) -> Arc<Lease> {
        let part = taken.part.clone();
        let lease = Arc::new(Lease::new(self.leases.clone(), taken, self.changed.clone()));
        self.held.insert(part, lease.clone());
        lease
    }

    /// What is not recorded is not handled, but for what came before the subscription.
    fn continuity(&self) -> Continuity {
        Continuity::Broken { since: self.registration.since(SystemClock.now()) }
    }

    /// Waits about that long, or until something about a lease of this process has changed.
    async fn wait(&mut self, pause: Duration) {
        let pause = pause.mul_f64(0.75 + fastrand::f64() / 2.0);
        let changed = Box::pin(self.changed.notified());
        if let Either::Left(_) = select(changed, Box::pin(sleep(pause))).await {
            // A shard may have ended, and others have begun.
            self.listed_since = Instant::now();
        }
    }
}
