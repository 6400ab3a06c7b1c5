//! [`Follower`]s of one key, and each [`Process`] of it, which does with a feed what a subscription does: takes the parts
//! that fall to it, reads them, and saves how far it is. It looks at the laws that can be seen in every delivery.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Duration,
};

use aws_event_sourcing_core::{
    Clock as _, Commit, ResourceId, StoreError, SystemClock,
    subscription::{
        Batch, Continuity, Delivery, Hold, Part, Registration, Source, Start, SubscriptionKey, Unread,
    },
};
use futures_util::{StreamExt as _, stream::BoxStream};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    FeedSubject,
    compare::{difference, name},
    observe::explain,
    subject::{Store, unique},
};

/// How long nothing that is missing may be delivered: a process that is gone may first have to be found out.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The most errors that a process begins anew after, and the pause before it does.
const ERRORS: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// A commit, by its resource and its number.
pub(crate) type Of = (ResourceId, u64);

pub(crate) fn of(commit: &Commit) -> Of {
    (commit.resource.id.clone(), commit.number)
}

/// What follows a resource type under one name: any number of processes.
#[derive(Clone)]
pub(crate) struct Follower {
    subject: FeedSubject,
    pub(crate) key: Arc<SubscriptionKey>,
    start: Start,
    common: Arc<Mutex<Common>>,
}

/// What is known of all processes.
#[derive(Default)]
struct Common {
    registration: Option<Registration>,
    processes: usize,
    /// Who has a resource delivered: by which process, and by what right.
    claims: HashMap<ResourceId, Claims>,
    /// What somebody has saved: it need not come again.
    saved: BTreeSet<Of>,
    /// What was delivered to anybody.
    seen: BTreeSet<Of>,
}

/// By whom a resource was delivered, and by what right.
type Claims = Vec<(usize, Weak<dyn Hold>)>;

impl Follower {
    /// Follows that type from its beginning, under a name that nobody else uses.
    pub(crate) fn new(subject: &FeedSubject, resource_type: &Arc<str>) -> Self {
        Self::of(subject, SubscriptionKey::new(unique("follower"), resource_type.clone()), Start::Beginning)
    }

    pub(crate) fn of(subject: &FeedSubject, key: SubscriptionKey, start: Start) -> Self {
        Self { subject: subject.clone(), key: Arc::new(key), start, common: Arc::default() }
    }

    /// Notes that it runs, as a process does first of all.
    pub(crate) async fn register(&self, source: &Source) -> Registration {
        let registration = source.progress.register(&self.key, self.start, SystemClock.now()).await;
        let registration =
            registration.unwrap_or_else(|error| panic!("a registration failed: {}", explain(&error)));
        let mut common = self.common();
        let first = common.registration.get_or_insert_with(|| registration.clone());
        assert_eq!(registration, *first, "what was registered first");
        registration
    }

    /// A process that opens the store and follows.
    pub(crate) async fn process(&self) -> Process {
        self.process_of(self.subject.open().await).await
    }

    /// A process that follows by way of that handle.
    pub(crate) async fn process_of(&self, source: Source) -> Process {
        let registration = self.register(&source).await;
        let parts = source.feed.follow(&self.key, &registration);
        let number = {
            let mut common = self.common();
            common.processes += 1;
            common.processes
        };
        Process {
            follower: self.clone(),
            number,
            source,
            registration,
            parts,
            in_hand: Vec::new(),
            seen: BTreeMap::new(),
            unread: BTreeMap::new(),
            saves: Saves::Everything,
            errors: 0,
            turn: 0,
        }
    }

    /// Those of the commits that nobody has saved: they have to be delivered to whoever comes next.
    pub(crate) fn unsaved(&self, commits: &[Commit]) -> Vec<Commit> {
        let common = self.common();
        commits.iter().filter(|commit| !common.saved.contains(&of(commit))).cloned().collect()
    }

    /// Whether each of the commits was delivered to one of the processes.
    pub(crate) fn has_seen(&self, commits: &[Commit]) -> bool {
        let common = self.common();
        commits.iter().all(|commit| common.seen.contains(&of(commit)))
    }

    fn common(&self) -> MutexGuard<'_, Common> {
        // A panic under the lock ends the law.
        self.common.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a process saves by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saves {
    /// Everything that it gets.
    Everything,
    /// That a part is finished, so that what comes behind it is delivered.
    Ends,
    Nothing,
}

/// One process that follows. Does nothing but when it is asked to.
pub(crate) struct Process {
    follower: Follower,
    number: usize,
    pub(crate) source: Source,
    pub(crate) registration: Registration,
    parts: BoxStream<'static, Result<Part, StoreError>>,
    pub(crate) in_hand: Vec<InHand>,
    /// What was delivered to it.
    pub(crate) seen: BTreeMap<Of, Delivered>,
    /// What cannot be read, and whether it was told of.
    unread: BTreeMap<Of, bool>,
    saves: Saves,
    errors: usize,
    turn: usize,
}

/// A commit, and what it meant that it was delivered.
pub(crate) struct Delivered {
    pub(crate) commit: Commit,
    pub(crate) continuity: Continuity,
}

/// A part that a process has.
pub(crate) struct InHand {
    name: Arc<str>,
    continuity: Continuity,
    /// None when it has ended.
    pub(crate) batches: Option<BoxStream<'static, Result<Batch, StoreError>>>,
    pub(crate) hold: Arc<dyn Hold>,
    /// What it has delivered, in that order.
    pub(crate) delivered: Vec<(u64, Of)>,
    /// Those of what it has delivered.
    pub(crate) positions: BTreeSet<u64>,
    up_to: Option<u64>,
    /// The last event of each resource, and its position.
    last: HashMap<ResourceId, (u64, u64)>,
    /// What cannot be read.
    unread: BTreeSet<Of>,
}

enum Happened {
    Part(Result<Part, StoreError>),
    Batch(usize, Option<Result<Batch, StoreError>>),
}

impl Process {
    pub(crate) fn saving(self, saves: Saves) -> Self {
        Self { saves, ..self }
    }

    pub(crate) fn events(&self) -> &Store {
        &self.source.events
    }

    /// Reads on until all of these commits have been delivered, and compares them.
    pub(crate) async fn until_seen(&mut self, commits: &[Commit]) {
        let mut missing: Vec<&Commit> = commits.iter().collect();
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            // From the end, since that comes last.
            let before = missing.len();
            while missing.last().is_some_and(|commit| self.seen.contains_key(&of(commit))) {
                missing.pop();
            }
            if missing.is_empty() {
                break;
            }
            if missing.len() < before {
                deadline = Instant::now() + PATIENCE;
            }
            if timeout_at(deadline, self.step()).await.is_err() {
                missing.retain(|commit| !self.seen.contains_key(&of(commit)));
                let first = missing.first().map_or_else(String::new, |commit| name(commit));
                panic!("{} of {} commits are not delivered, such as {first}", missing.len(), commits.len());
            }
        }
        for commit in commits {
            if let Some(difference) = difference(commit, &self.seen[&of(commit)].commit) {
                panic!("what is delivered is not what was written: {difference}");
            }
        }
    }

    /// Lets it be told that these cannot be read.
    pub(crate) fn expect_unread(&mut self, unreadable: &[Of]) {
        self.unread.extend(unreadable.iter().map(|of| (of.clone(), false)));
    }

    /// Reads on until it has been told that each of these cannot be read.
    pub(crate) async fn until_told_of(&mut self, unreadable: &[Of]) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(of) = unreadable.iter().find(|of| !self.unread[of]) {
            let next = timeout_at(deadline, self.step()).await;
            assert!(next.is_ok(), "nobody is told that number {} of {:?} cannot be read", of.1, of.0);
        }
    }

    /// Reads on until so many commits have been delivered.
    pub(crate) async fn until_some(&mut self, count: usize) {
        while self.seen.len() < count {
            self.step().await;
        }
    }

    /// Reads on until it is dropped.
    pub(crate) async fn on_and_on(&mut self) {
        loop {
            self.step().await;
        }
    }

    /// Fails if anything else than these commits was delivered.
    pub(crate) fn assert_only(&self, commits: &[Commit]) {
        let written: BTreeSet<_> = commits.iter().map(of).collect();
        if let Some((_, extra)) = self.seen.iter().find(|(of, _)| !written.contains(of)) {
            panic!("{} is delivered, and was not to be", name(&extra.commit));
        }
    }

    /// Takes what comes next: a part, or a batch of one of those in hand.
    pub(crate) async fn step(&mut self) {
        match poll_fn(|context| self.poll(context)).await {
            Happened::Part(Ok(part)) => self.in_hand.push(InHand::new(part)),
            Happened::Part(Err(error)) => {
                self.begin_anew_after("following", &error).await;
                self.parts = self.source.feed.follow(&self.follower.key, &self.registration);
            }
            Happened::Batch(index, Some(Ok(batch))) => self.take(index, batch).await,
            Happened::Batch(index, Some(Err(error))) => {
                drop(self.in_hand.remove(index));
                self.begin_anew_after("a part", &error).await;
            }
            Happened::Batch(index, None) => {
                self.in_hand[index].batches = None;
                if self.saves != Saves::Nothing {
                    self.finish(index).await;
                }
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        match self.parts.poll_next_unpin(context) {
            Poll::Ready(Some(part)) => return Poll::Ready(Happened::Part(part)),
            Poll::Ready(None) => panic!("the parts of a feed never end, and these have"),
            Poll::Pending => {}
        }
        // Each in its turn.
        self.turn += 1;
        let count = self.in_hand.len();
        for index in (0..count).map(|index| (self.turn + index) % count) {
            let Some(batches) = &mut self.in_hand[index].batches else { continue };
            if let Poll::Ready(batch) = batches.poll_next_unpin(context) {
                return Poll::Ready(Happened::Batch(index, batch));
            }
        }
        Poll::Pending
    }

    /// Parts may be lost, and requests may fail. A subscription begins anew then.
    async fn begin_anew_after(&mut self, what: &str, error: &StoreError) {
        self.errors += 1;
        assert!(
            error.is_retryable() && self.errors <= ERRORS,
            "{what} failed, for the {}. time: {}",
            self.errors,
            explain(error)
        );
        sleep(PAUSE).await;
    }

    async fn take(&mut self, index: usize, batch: Batch) {
        let Batch { deliveries, unread, up_to } = batch;
        if !self.in_hand[index].hold.is_ours() {
            drop(self.in_hand.remove(index));
            return;
        }
        for unread in unread {
            self.in_hand[index].check_unread(&unread);
            self.see_unread(unread);
        }
        for delivery in deliveries {
            self.in_hand[index].check(&delivery);
            self.see(index, delivery);
        }
        self.in_hand[index].reach(up_to);
        if self.saves == Saves::Everything {
            self.save(index, up_to).await;
        }
    }

    fn see(&mut self, index: usize, delivery: Delivery) {
        let Delivery { commit, position } = delivery;
        assert_eq!(
            commit.resource.resource_type,
            self.follower.key.resource_type,
            "the type of {}, which is delivered to {}",
            name(&commit),
            self.follower.key
        );
        let InHand { continuity, hold, delivered, .. } = &mut self.in_hand[index];
        let of = of(&commit);
        self.follower.common().claim(self.number, &of, hold);
        delivered.push((position, of.clone()));
        match self.seen.get(&of) {
            None => {
                self.seen.insert(of, Delivered { commit, continuity: *continuity });
            }
            Some(before) => {
                if let Some(difference) = difference(&before.commit, &commit) {
                    panic!("what is delivered again is not what it was: {difference}");
                }
            }
        }
    }

    fn see_unread(&mut self, Unread { resource, number, .. }: Unread) {
        let told = self.unread.get_mut(&(resource.id.clone(), number));
        *told.unwrap_or_else(|| panic!("number {number} of {resource} cannot be read, it is said")) = true;
    }

    /// Saves that all of a part is handled up to a position.
    pub(crate) async fn save(&mut self, index: usize, position: u64) {
        let hold = self.in_hand[index].hold.clone();
        match hold.save(position).await {
            Ok(()) => {
                let delivered = self.in_hand[index].delivered.iter();
                let saved = delivered.filter(|(other, _)| *other <= position).map(|(_, of)| of.clone());
                self.follower.common().saved.extend(saved);
            }
            Err(error) => {
                drop(hold);
                drop(self.in_hand.remove(index));
                self.begin_anew_after("saving", &error).await;
            }
        }
    }

    async fn finish(&mut self, index: usize) {
        let InHand { hold, delivered, .. } = self.in_hand.remove(index);
        self.follower.common().give_up(self.number, &hold);
        match hold.finish().await {
            Ok(()) => self.follower.common().saved.extend(delivered.into_iter().map(|(_, of)| of)),
            Err(error) => self.begin_anew_after("finishing a part", &error).await,
        }
    }

    /// Drops its parts, and would have them again.
    pub(crate) fn let_go(&mut self) {
        self.in_hand.clear();
    }

    /// Gives its parts back, and would have them again.
    pub(crate) async fn release(&mut self) {
        for InHand { batches, hold, .. } in std::mem::take(&mut self.in_hand) {
            drop(batches);
            self.follower.common().give_up(self.number, &hold);
            let released = hold.release().await;
            released.unwrap_or_else(|error| panic!("giving a part back failed: {}", explain(&error)));
        }
    }
}

impl Common {
    /// Notes that a resource is delivered to a process. Fails if another one has it.
    fn claim(&mut self, process: usize, of: &Of, hold: &Arc<dyn Hold>) {
        self.seen.insert(of.clone());
        let claims = self.claims.entry(of.0.clone()).or_default();
        let other = claims.iter().find(|(other, claimed)| {
            *other != process && claimed.upgrade().is_some_and(|hold| hold.is_ours())
        });
        assert!(other.is_none(), "{:?} is delivered to one process while another one has it", of.0);
        claims.clear();
        claims.push((process, Arc::downgrade(hold)));
    }

    /// Notes that a process no longer has what it had by this right.
    fn give_up(&mut self, process: usize, hold: &Arc<dyn Hold>) {
        let given_up = Arc::downgrade(hold);
        for claims in self.claims.values_mut() {
            claims.retain(|(other, claimed)| *other != process || !claimed.ptr_eq(&given_up));
        }
    }
}

impl InHand {
    fn new(part: Part) -> Self {
        let Part { name, continuity, batches, hold } = part;
        Self {
            name,
            continuity,
            batches: Some(batches),
            hold,
            delivered: Vec::new(),
            positions: BTreeSet::new(),
            up_to: None,
            last: HashMap::new(),
            unread: BTreeSet::new(),
        }
    }

    /// Fails if it should not be told there that a commit cannot be read.
    fn check_unread(&mut self, Unread { resource, number, position }: &Unread) {
        self.take(*position, || format!("number {number} of {resource}"));
        self.unread.insert((resource.id.clone(), *number));
    }

    /// Fails if a position is another one's, or in a batch that was before.
    fn take(&mut self, position: u64, name: impl Fn() -> String) {
        let Self { name: part, positions, up_to, .. } = self;
        assert!(
            up_to.is_none_or(|up_to| up_to < position),
            "{} of {part:?} is at position {position}, in a batch behind one that went up to {up_to:?}",
            name()
        );
        assert!(
            positions.insert(position),
            "{} of {part:?} is at position {position}, as another delivery is",
            name()
        );
    }

    /// Fails if a delivery should not come behind those before it.
    fn check(&mut self, delivery: &Delivery) {
        let Delivery { commit, position } = delivery;
        self.take(*position, || name(commit));
        let Self { name: part, continuity, last, unread, .. } = self;
        let before = last.insert(commit.resource.id.clone(), (commit.last_number(), *position));
        assert!(
            before.is_none_or(|(_, before)| before < *position),
            "{} of {part:?} is at position {position}, behind one of its resource at {before:?}",
            name(commit)
        );
        let before = before.map(|(number, _)| number);
        assert!(
            before.is_none_or(|before| before < commit.number),
            "{} of {part:?} comes after event {before:?} of its resource",
            name(commit)
        );
        if *continuity == Continuity::Unbroken {
            let id = &commit.resource.id;
            let next = |before| (before + 1..).find(|number| !unread.contains(&(id.clone(), *number)));
            assert!(
                before.is_none_or(|before| next(before) == Some(commit.number)),
                "{} of {part:?}, which misses nothing out, comes after event {before:?}",
                name(commit)
            );
        }
    }

    /// Fails if a batch should not end there.
    fn reach(&mut self, up_to: u64) {
        let Self { name: part, positions, up_to: before, .. } = self;
        let last = positions.last().copied().max(*before);
        assert!(
            last.is_none_or(|last| last <= up_to),
            "a batch of {part:?} goes up to {up_to}, and something before is at {last:?}"
        );
        *before = Some(up_to);
    }
}
