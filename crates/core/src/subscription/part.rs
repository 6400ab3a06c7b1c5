//! [`run`]: one part of a feed, its resources side by side. The shell around [`Lane`] and [`Window`]: it does what they
//! say, and tells them what came of it.
//!
//! Four things happen at the same time, in one task: batches are taken from the feed; the records of their resources are
//! loaded; each resource that has something to do has its lane run; and what was done is saved, a batch at a time.

use std::{
    collections::HashMap,
    future::{poll_fn, ready},
    num::NonZeroUsize,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use lru::LruCache;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    Batch, Continuity, Delivery, Hold, Part, Swap, Unread, UnreadableRecord,
    context::Occasion,
    follow::Follower,
    held::{Deliveries, Held},
    history::{History, reaches, unreadable},
    lane::{Known, Lane, Step},
    window::Window,
};
use crate::{ResourceId, ResourceKey, StoreError, subscription::Progress};

/// How long what was done may go unsaved, and how many resources.
const SAVE_EVERY: Duration = Duration::from_millis(500);
const UNSAVED: usize = 1_000;

/// After so many positions without an event of the type, the place is saved all the same.
const FAR: u64 = 10_000;

/// No more is taken from the feed while so many deliveries are not done, or their commits take up so much.
const OPEN: usize = 1 << 18;
const LANES: usize = 4_096;
const LANES_BYTES: usize = 32 << 20;

/// Resources without anything to do of which it is remembered how far they are.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Events that a lane handles before it reports what is done.
const TURN: usize = 64;

/// Commits that are kept of what is delivered to a lane during its turn.
const WAITING: usize = 16;

/// Commits that a lane keeps while it waits, and their bytes.
const ROOM: usize = 64;
const ROOM_BYTES: usize = 256 << 10;

/// How a part came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is nothing more in it, and all is handled.
    Finished,
    /// The subscription was told to stop.
    Stopped,
    /// Another process has it.
    Lost,
}

/// Follows a part for as long as it is this process's. After an error it finishes what is under way and saves it.
pub(super) async fn run(follower: &Arc<Follower>, part: Part) -> Result<End, StoreError> {
    let Part { continuity, mut batches, hold, .. } = part;
    let mut running = Running {
        follower: follower.clone(),
        hold: hold.clone(),
        continuity,
        lanes: HashMap::new(),
        busy: FuturesUnordered::new(),
        bytes: 0,
        remembered: LruCache::new(REMEMBERED),
        unsaved: HashMap::new(),
        held: Held::default(),
        window: Window::default(),
        saved: 0,
        touched: false,
        next_save: Box::pin(sleep(SAVE_EVERY)),
    };
    let mut stopped = pin!(follower.stop.requested().fuse());
    let (mut loading, mut saving): (Option<Loading>, Option<Saving>) = (None, None);
    let mut looking: Option<Looking> = None;
    // Why nothing more is taken.
    let mut over: Option<Result<End, StoreError>> = None;
    loop {
        if !hold.is_ours() {
            return Ok(End::Lost);
        }
        if over.is_some() && running.busy.is_empty() && loading.is_none() && saving.is_none() {
            break;
        }
        let takes = over.is_none() && loading.is_none() && running.has_room();
        let happened = poll_fn(|context| {
            if let Poll::Ready(()) = stopped.poll_unpin(context) {
                return Poll::Ready(Happened::Stop);
            }
            if let Poll::Ready(Some(turn)) = running.busy.poll_next_unpin(context) {
                return Poll::Ready(Happened::Turn(turn));
            }
            if let Some(Poll::Ready(loaded)) = loading.as_mut().map(|loading| loading.poll_unpin(context)) {
                return Poll::Ready(Happened::Loaded(loaded));
            }
            if let Some(Poll::Ready(saved)) = saving.as_mut().map(|saving| saving.poll_unpin(context)) {
                return Poll::Ready(Happened::Saved(saved));
            }
            if let Some(Poll::Ready(looked)) = looking.as_mut().map(|looking| looking.poll_unpin(context)) {
                return Poll::Ready(Happened::Looked(looked));
            }
            if over.is_none() && looking.is_none() && running.held.is_to_be_looked_at(context) {
                return Poll::Ready(Happened::LookTime);
            }
            if takes && let Poll::Ready(batch) = batches.poll_next_unpin(context) {
                return Poll::Ready(Happened::Batch(batch));
            }
            if saving.is_none() && running.is_to_be_saved(context) {
                return Poll::Ready(Happened::SaveTime);
            }
            Poll::Pending
        })
        .await;
        let failed = match happened {
            Happened::Stop => {
                over.get_or_insert(Ok(End::Stopped));
                Ok(())
            }
            Happened::Batch(None) => {
                over.get_or_insert(Ok(End::Finished));
                running.let_go();
                Ok(())
            }
            Happened::Batch(Some(batch)) => batch.map(|batch| {
                follower.standing.works(&follower.binding.key.resource_type);
                loading = running.take(batch);
            }),
            Happened::Loaded(loaded) => {
                loading = None;
                loaded.map(|loaded| running.start(loaded))
            }
            Happened::LookTime => {
                looking = Some(running.look());
                Ok(())
            }
            Happened::Looked(looked) => {
                looking = None;
                looked.map(|looked| running.take_up(looked))
            }
            Happened::Turn(turn) => turn.map(|turn| running.come_back(turn)),
            Happened::SaveTime => {
                saving = Some(running.save());
                Ok(())
            }
            Happened::Saved(saved) => {
                saving = None;
                saved
            }
        };
        if let Err(error) = failed
            && !matches!(over, Some(Err(_)))
        {
            over = Some(Err(error));
        }
    }
    if running.has_unsaved() {
        running.save().await?;
    }
    let end = match over.unwrap_or(Ok(End::Stopped))? {
        // It was told to stop when all was taken, and before all was done.
        End::Finished if running.window.len() > 0 => End::Stopped,
        end => end,
    };
    match end {
        End::Finished => hold.finish().await?,
        End::Stopped | End::Lost => hold.release().await?,
    }
    Ok(end)
}

/// What can happen to a part.
#[allow(clippy::large_enum_variant, reason = "taken apart as soon as it is made")]
enum Happened {
    Stop,
    Batch(Option<Result<Batch, StoreError>>),
    Loaded(Result<Loaded, StoreError>),
    LookTime,
    Looked(Result<Looked, StoreError>),
    Turn(Result<Turn, StoreError>),
    SaveTime,
    Saved(Result<(), StoreError>),
}

type Loading = BoxFuture<'static, Result<Loaded, StoreError>>;

type Looking = BoxFuture<'static, Result<Looked, StoreError>>;

type Saving = BoxFuture<'static, Result<(), StoreError>>;

type Record = Result<Progress, UnreadableRecord>;

/// The deliveries of each resource that nothing was known of, and its record.
type Loaded = Vec<(Vec<Delivered>, Record)>;

/// The record of each resource that is held.
type Looked = Vec<(ResourceId, Record)>;

/// What a feed tells of a commit.
enum Delivered {
    Commit(Delivery),
    Unread(Unread),
}

impl Delivered {
    fn resource(&self) -> &ResourceKey {
        match self {
            Self::Commit(delivery) => &delivery.commit.resource,
            Self::Unread(unread) => &unread.resource,
        }
    }

    /// The first event.
    fn number(&self) -> u64 {
        match self {
            Self::Commit(delivery) => delivery.commit.number,
            Self::Unread(unread) => unread.number,
        }
    }

    /// The last event.
    fn last_number(&self) -> u64 {
        match self {
            Self::Commit(delivery) => delivery.commit.last_number(),
            Self::Unread(unread) => unread.number,
        }
    }

    fn position(&self) -> u64 {
        match self {
            Self::Commit(delivery) => delivery.position,
            Self::Unread(unread) => unread.position,
        }
    }

    fn deliver_to(self, lane: &mut Lane) {
        match self {
            Self::Commit(delivery) => lane.deliver(delivery),
            Self::Unread(Unread { number, position, .. }) => lane.deliver_later(position, number),
        }
    }
}

/// A batch by resource.
#[derive(Default)]
struct Groups {
    known: Vec<Lane>,
    unknown: Vec<Vec<Delivered>>,
    of: HashMap<ResourceId, Group>,
    /// The last one that was looked for: neighbours are often of one resource.
    last: Option<(ResourceId, Group)>,
}

/// Where what is delivered of a resource goes.
#[derive(Debug, Clone, Copy)]
enum Group {
    /// Its lane is running.
    Busy,
    /// It is held.
    Held,
    /// The lane of that index.
    Known(usize),
    /// The deliveries of that index.
    Unknown(usize),
}

impl Groups {
    /// Where a resource goes; the first time it is found out.
    fn find(&mut self, id: &ResourceId, find_out: impl FnOnce(&mut Self) -> Group) -> Group {
        if let Some((last, group)) = &self.last
            && last == id
        {
            return *group;
        }
        let group = match self.of.get(id) {
            Some(group) => *group,
            None => {
                let group = find_out(self);
                self.of.insert(id.clone(), group);
                group
            }
        };
        self.last = Some((id.clone(), group));
        group
    }

    fn add_known(&mut self, lane: Lane) -> Group {
        self.known.push(lane);
        Group::Known(self.known.len() - 1)
    }

    fn add_unknown(&mut self) -> Group {
        self.unknown.push(Vec::new());
        Group::Unknown(self.unknown.len() - 1)
    }
}

/// What was delivered to a lane during its turn. Beyond the first few commits only that they exist is kept.
#[derive(Default)]
struct Waiting {
    deliveries: Vec<Delivery>,
    further: Vec<(u64, u64)>,
}

impl Waiting {
    fn push(&mut self, delivered: Delivered) {
        match delivered {
            Delivered::Commit(delivery) if self.further.is_empty() && self.deliveries.len() < WAITING => {
                self.deliveries.push(delivery);
            }
            Delivered::Commit(Delivery { commit, position }) => {
                self.further.push((position, commit.last_number()));
            }
            Delivered::Unread(Unread { number, position, .. }) => self.further.push((position, number)),
        }
    }

    fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.further.is_empty()
    }

    fn deliver_to(self, lane: &mut Lane) {
        for delivery in self.deliveries {
            lane.deliver(delivery);
        }
        for (position, last) in self.further {
            lane.deliver_later(position, last);
        }
    }
}

/// A resource whose lane is running.
#[derive(Default)]
struct Busy {
    /// What the lane keeps in memory, as of when its turn began.
    bytes: usize,
    /// What was delivered since then.
    waiting: Waiting,
}

struct Running {
    follower: Arc<Follower>,
    hold: Arc<dyn Hold>,
    continuity: Continuity,
    /// The resources that have a lane.
    lanes: HashMap<ResourceId, Busy>,
    busy: FuturesUnordered<BoxFuture<'static, Result<Turn, StoreError>>>,
    /// What the lanes keep in memory.
    bytes: usize,
    remembered: LruCache<ResourceId, Known>,
    held: Held,
    /// How far resources are beyond what was saved, and at which position.
    unsaved: HashMap<ResourceId, (u64, u64)>,
    window: Window,
    saved: u64,
    /// Whether anything was done since it was last saved.
    touched: bool,
    next_save: Pin<Box<Sleep>>,
}

impl Running {
    fn has_room(&self) -> bool {
        self.window.len() < OPEN && self.lanes.len() < LANES && self.bytes < LANES_BYTES
    }

    /// Takes a batch: gives what has a lane or is remembered to its lane, and asks for the records of the rest.
    fn take(&mut self, batch: Batch) -> Option<Loading> {
        let Batch { deliveries, unread, up_to } = batch;
        let positions = deliveries.iter().map(|delivery| delivery.position);
        self.window.begin(positions.chain(unread.iter().map(|unread| unread.position)));
        self.window.reach(up_to);
        let mut groups = Groups::default();
        let unread = unread.into_iter().map(Delivered::Unread);
        for delivery in deliveries.into_iter().map(Delivered::Commit).chain(unread) {
            let resource = delivery.resource();
            let group = groups.find(&resource.id, |groups| {
                if self.lanes.contains_key(&resource.id) {
                    return Group::Busy;
                }
                if self.held.has(&resource.id) {
                    return Group::Held;
                }
                match self.remembered.pop(&resource.id) {
                    Some(known) => groups.add_known(Lane::new(resource.clone(), known)),
                    None => groups.add_unknown(),
                }
            });
            match group {
                Group::Busy => self.lanes.entry(resource.id.clone()).or_default().waiting.push(delivery),
                Group::Held => {
                    self.held.add(&resource.id, delivery.last_number(), delivery.position());
                    self.window.end(delivery.position());
                }
                Group::Known(index) => delivery.deliver_to(&mut groups.known[index]),
                Group::Unknown(index) => groups.unknown[index].push(delivery),
            }
        }
        for lane in groups.known {
            self.open(lane);
        }
        if groups.unknown.is_empty() {
            return None;
        }
        let follower = self.follower.clone();
        Some(Box::pin(async move {
            let ids = groups.unknown.iter().filter_map(|deliveries| deliveries.first());
            let ids: Vec<_> = ids.map(|delivery| delivery.resource().id.clone()).collect();
            let progress = follower.source.progress.load(&follower.binding.key, &ids).await?;
            Ok(groups.unknown.into_iter().zip(progress).collect())
        }))
    }

    fn start(&mut self, loaded: Loaded) {
        for (deliveries, progress) in loaded {
            // One that cannot be read may come behind those that can.
            let Some(first) = deliveries.iter().min_by_key(|delivery| delivery.number()) else { continue };
            let progress = match progress {
                Ok(progress) => progress,
                Err(record) => {
                    self.hold(&record, &deliveries);
                    continue;
                }
            };
            let known = Known::from_record(progress, self.continuity, first.number());
            let mut lane = Lane::new(first.resource().clone(), known);
            for delivery in deliveries {
                delivery.deliver_to(&mut lane);
            }
            self.open(lane);
        }
    }

    /// Holds a resource: nobody knows how far it is. Of its deliveries the first one stays under way, so that they come again
    /// when this process has ended.
    fn hold(&mut self, record: &UnreadableRecord, deliveries: &[Delivered]) {
        self.follower.told_of.tell(record);
        let Some(first) = deliveries.iter().min_by_key(|delivery| delivery.position()) else { return };
        let resource = first.resource().clone();
        let (id, position) = (resource.id.clone(), first.position());
        self.held.begin(Deliveries {
            resource,
            first: deliveries.iter().map(Delivered::number).min().unwrap_or_default(),
            last: 0,
            position,
            last_position: position,
        });
        for delivery in deliveries {
            self.held.add(&id, delivery.last_number(), delivery.position());
            if delivery.position() != position {
                self.window.end(delivery.position());
            }
        }
    }

    /// Loads the records of what is held.
    fn look(&mut self) -> Looking {
        let (follower, ids) = (self.follower.clone(), self.held.look());
        Box::pin(async move {
            let records = follower.source.progress.load(&follower.binding.key, &ids).await?;
            Ok(ids.into_iter().zip(records).collect())
        })
    }

    /// Goes on with what is held, where its record can be read by now or is gone.
    fn take_up(&mut self, looked: Looked) {
        for (id, record) in looked {
            let Ok(progress) = record else { continue };
            let Some(deliveries) = self.held.end(&id) else { continue };
            self.follower.told_of.tell_of_end(&self.follower.binding.key, &id);
            let known = Known::from_record(progress, self.continuity, deliveries.first);
            let mut lane = Lane::new(deliveries.resource, known);
            for position in [deliveries.position, deliveries.last_position] {
                lane.deliver_later(position, deliveries.last);
            }
            self.open(lane);
        }
    }

    /// The part has come to its end. Where every resource has a record nothing has to come again for what is held: when its
    /// record can be read, the next delivery shows what was missed out.
    fn let_go(&mut self) {
        if self.continuity != Continuity::Unbroken {
            self.held.positions().for_each(|position| self.window.end(position));
        }
    }

    /// Gives a lane its first turn.
    fn open(&mut self, lane: Lane) {
        let (id, bytes) = (lane.resource().id.clone(), kept(&lane));
        let mut turn = self.begin_turn(lane);
        // Many a handler has nothing to wait for: there is no need to come back to those.
        match (&mut turn).now_or_never() {
            Some(Ok(turn)) => self.end_turn(turn, Waiting::default()),
            Some(Err(error)) => self.busy.push(Box::pin(ready(Err(error)))),
            None => self.go_on(id, bytes, turn),
        }
    }

    fn begin_turn(&self, lane: Lane) -> BoxFuture<'static, Result<Turn, StoreError>> {
        Box::pin(take_turn(self.follower.clone(), self.hold.clone(), lane))
    }

    /// Comes back to a lane when its turn is over.
    fn go_on(&mut self, id: ResourceId, bytes: usize, turn: BoxFuture<'static, Result<Turn, StoreError>>) {
        self.bytes += bytes;
        self.lanes.insert(id, Busy { bytes, waiting: Waiting::default() });
        self.busy.push(turn);
    }

    /// Comes back to a lane.
    fn come_back(&mut self, turn: Turn) {
        let busy = self.lanes.remove(&turn.lane.resource().id).unwrap_or_default();
        self.bytes -= busy.bytes;
        self.end_turn(turn, busy.waiting);
    }

    /// Takes note of what a lane has done in its turn, and gives it another one if there is something left.
    fn end_turn(&mut self, Turn { mut lane, left }: Turn, waiting: Waiting) {
        let mut last = None;
        for position in lane.take_done() {
            self.window.end(position);
            last = Some(position);
        }
        let id = lane.resource().id.clone();
        if let Some(position) = last {
            self.touched = true;
            if lane.is_parked() {
                // The marker tells how far it is.
                self.unsaved.remove(&id);
            } else if self.needs_record(position) {
                self.unsaved.insert(id.clone(), (lane.handled_commits(), position));
            }
        }
        let stops = self.follower.stop.is_requested();
        if stops || (left == Left::Nothing && waiting.is_empty()) {
            self.remembered.put(id, lane.into_known());
        } else {
            waiting.deliver_to(&mut lane);
            let bytes = kept(&lane);
            let turn = self.begin_turn(lane);
            self.go_on(id, bytes, turn);
        }
    }

    /// Whether the place does not tell that what was done at this position is done.
    fn needs_record(&self, position: u64) -> bool {
        self.continuity != Continuity::Unbroken || position > self.window.done()
    }

    fn has_unsaved(&self) -> bool {
        self.touched || self.window.done() > self.saved
    }

    /// Whether it is time to save, and there is something.
    fn is_to_be_saved(&mut self, context: &mut Context<'_>) -> bool {
        let is_due = self.touched || self.window.done() >= self.saved + FAR;
        is_due && (self.unsaved.len() >= UNSAVED || self.next_save.as_mut().poll(context).is_ready())
    }

    /// Saves what was done. Records before the place: after a crash in between, what the records tell is passed over.
    fn save(&mut self) -> Saving {
        self.touched = false;
        self.next_save.as_mut().reset(Instant::now() + SAVE_EVERY);
        let done = self.window.done();
        let ahead = std::mem::take(&mut self.unsaved).into_iter();
        let is_needed = |position| self.continuity != Continuity::Unbroken || position > done;
        let ahead: Vec<_> = ahead
            .filter(|(_, (_, position))| is_needed(*position))
            .map(|(id, (handled, _))| (id, handled))
            .collect();
        let place = (done > self.saved).then_some(done);
        self.saved = done.max(self.saved);
        let (follower, hold) = (self.follower.clone(), self.hold.clone());
        Box::pin(async move {
            if !ahead.is_empty() {
                match hold.progress() {
                    Some(progress) => progress.advance(&ahead).await?,
                    None => follower.source.progress.advance(&follower.binding.key, &ahead).await?,
                }
            }
            match place {
                Some(place) => hold.save(place).await,
                None => Ok(()),
            }
        })
    }
}

/// Bytes that a lane keeps while it waits.
fn kept(lane: &Lane) -> usize {
    lane.bytes().min(ROOM_BYTES)
}

/// A lane that has had its turn.
struct Turn {
    lane: Lane,
    left: Left,
}

/// What a lane has left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

/// Has a lane do what there is to do, up to a number of events.
async fn take_turn(follower: Arc<Follower>, hold: Arc<dyn Hold>, mut lane: Lane) -> Result<Turn, StoreError> {
    let Follower { binding, settings, source, slots, stop, .. } = &*follower;
    let mut handled = 0;
    while handled < TURN && !stop.is_requested() && hold.is_ours() {
        let step = lane.next(settings);
        if step != Step::Handle {
            lane.shed(ROOM, ROOM_BYTES);
        }
        match step {
            Step::Rest => return Ok(Turn { lane, left: Left::Nothing }),
            Step::Handle => {
                // Not waited for at first: that has tasks make room for others now and then, places or not.
                let _slot = match slots.try_take() {
                    Some(slot) => slot,
                    None => {
                        lane.shed(ROOM, ROOM_BYTES);
                        let Some(slot) = stop.or(slots.take()).await else { break };
                        slot
                    }
                };
                let Some((commit, index, attempts)) = lane.next_event() else { break };
                let attempt = attempts.saturating_add(1);
                let mut handling =
                    pin!(binding.invoke(commit, index, attempt, Occasion::Delivered, &follower));
                let outcome = match handling.as_mut().now_or_never() {
                    Some(outcome) => outcome,
                    None => {
                        lane.shed(ROOM, ROOM_BYTES);
                        handling.await
                    }
                };
                match outcome {
                    Ok(()) => {
                        lane.was_handled();
                        handled += 1;
                    }
                    Err(attempt) => lane.was_not_handled(attempt),
                }
            }
            Step::Pause(pause) => drop(stop.or(sleep(pause)).await),
            Step::Read { after } => match History::default().read(&follower, lane.resource(), after).await {
                Ok(commits) => lane.was_read(commits, follower.clock.now()),
                Err(error) => lane.was_not_handled(unreadable(&follower, error)?),
            },
            Step::Look { after, up_to } => {
                let reaches = reaches(&follower, lane.resource(), after, up_to).await?;
                if let Some(number) = lane.was_looked_at(reaches) {
                    tracing::error!(
                        subscription = &*binding.key.subscription,
                        resource_type = &*binding.key.resource_type,
                        id = %lane.resource().id,
                        number,
                        recorded = up_to,
                        "its record says more than its history has, which was restored to an earlier state: it is set back, \
                         and handled from this event on"
                    );
                }
            }
            Step::Swap { seen, next } => {
                let parks = !lane.is_parked();
                let id = &lane.resource().id;
                let swapped = match hold.progress() {
                    Some(progress) => progress.swap(id, seen, &next).await?,
                    None => source.progress.swap(&binding.key, id, seen, &next, None).await?,
                };
                match swapped {
                    Swap::Done(revision) => {
                        if parks && let Some(parked) = &next.parked {
                            tracing::error!(
                                subscription = &*binding.key.subscription,
                                resource_type = &*binding.key.resource_type,
                                %id,
                                number = parked.number,
                                error = &*parked.error,
                                trace_id = parked.trace.map(|trace| trace.trace_id()),
                                "an event could not be handled: it and those after it are parked until it can be"
                            );
                        }
                        lane.was_swapped(revision, *next);
                    }
                    Swap::Changed(progress) => lane.has_changed(progress),
                }
            }
        }
    }
    Ok(Turn { lane, left: Left::Something })
}
