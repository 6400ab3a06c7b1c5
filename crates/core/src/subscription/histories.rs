//! Random histories of a small world, one step at a time: commits, deliveries that are lost, repeated and out of order,
//! handlers that fail, redrivers that race, a clock that is set, and crashes between any two steps. What must hold is
//! asserted at each.
//!
//! The world does what [`Lane`] and [`Redrive`] say, as the shells around them do, but for one thing: it stops wherever it
//! likes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use fastrand::Rng;

use super::{
    Continuity, Delivery, Parked, ParkedCursor, Progress, Skip,
    clock::{CLAIM, later, too_far},
    lane::{self, Attempt, Known, Lane},
    redrive::{self, Redrive},
    settings::Settings,
    window::Window,
};
use crate::{Commit, EncodedEvent, ResourceId, ResourceKey, Timestamp};

const RESOURCES: usize = 3;

/// When a world begins, by its clock.
const START: u64 = 1_000_000;

/// What is there when every process has crashed.
struct Stored {
    histories: BTreeMap<ResourceId, Vec<Commit>>,
    /// All commits in the order of their appends: resource, and index in its history.
    log: Vec<(ResourceId, usize)>,
    records: HashMap<ResourceId, Progress>,
    place: u64,
}

impl Stored {
    fn read(&self, id: &ResourceId, after: u64, rng: &mut Rng) -> Vec<Commit> {
        let commits = self.histories.get(id).into_iter().flatten().filter(|commit| commit.number > after);
        commits.take(rng.usize(1..4)).cloned().collect()
    }

    fn record(&self, id: &ResourceId) -> Progress {
        self.records.get(id).cloned().unwrap_or_default()
    }

    fn swap(&mut self, id: &ResourceId, seen: u64, next: &Progress) -> Result<u64, Progress> {
        let error = next.parked.as_ref().map(|parked| &*parked.error);
        assert!(error.is_none_or(|error| error == "no"), "nothing is missing in this store: {error:?}");
        let record = self.record(id);
        if record.revision != seen {
            return Err(record);
        }
        self.records.insert(id.clone(), Progress { revision: seen + 1, ..next.clone() });
        Ok(seen + 1)
    }

    fn advance(&mut self, id: &ResourceId, handled: u64) {
        let record = self.records.entry(id.clone()).or_default();
        if record.parked.is_none() && record.handled < Some(handled) {
            *record = Progress { handled: Some(handled), parked: None, revision: record.revision + 1 };
        }
    }
}

/// The process that follows the feed.
struct Follower {
    next: usize,
    lanes: BTreeMap<ResourceId, Lane>,
    known: HashMap<ResourceId, Known>,
    window: Window,
    unsaved: HashMap<ResourceId, (u64, u64)>,
    /// Whose handler is running.
    handling: BTreeSet<ResourceId>,
}

/// What a handler has seen, over all its lives.
#[derive(Default)]
struct Handler {
    handled: HashMap<ResourceId, BTreeSet<u64>>,
    skipped: HashMap<ResourceId, BTreeSet<u64>>,
    fails: bool,
}

impl Handler {
    /// An event is handed over. In order, and with none missing before it.
    fn take(&self, id: &ResourceId, number: u64) {
        let was_passed = |number: &u64| {
            self.handled.get(id).is_some_and(|handled| handled.contains(number))
                || self.skipped.get(id).is_some_and(|skipped| skipped.contains(number))
        };
        let missing = (1..number).find(|number| !was_passed(number));
        assert_eq!(missing, None, "{id}: event {number} came before");
    }

    /// Whether it handles the event this time.
    fn handle(&mut self, id: &ResourceId, number: u64, rng: &mut Rng) -> bool {
        if self.fails && rng.u8(..) < 90 {
            return false;
        }
        self.handled.entry(id.clone()).or_default().insert(number);
        true
    }
}

struct World {
    rng: Rng,
    settings: Settings,
    continuity: Continuity,
    /// Whether the feed loses, repeats and reorders.
    is_lossy: bool,
    /// Whether claims end while their redrivers are still at it, because these are slow or the clock is set. Then two may
    /// be at it.
    is_slow: bool,
    now: Timestamp,
    stored: Stored,
    follower: Follower,
    redrivers: Vec<(Redrive, bool)>,
    handler: Handler,
}

impl World {
    fn new(seed: u64, continuity: Continuity) -> Self {
        let stored =
            Stored { histories: BTreeMap::new(), log: Vec::new(), records: HashMap::new(), place: 0 };
        Self {
            rng: Rng::with_seed(seed),
            settings: Settings::default(),
            continuity,
            is_lossy: continuity != Continuity::Unbroken,
            is_slow: seed % 2 == 1,
            now: Timestamp::from_unix_millis(START),
            follower: Follower::from_place(0),
            stored,
            redrivers: Vec::new(),
            handler: Handler { fails: true, ..Handler::default() },
        }
    }

    fn attempt(&mut self) -> Attempt {
        let may_pass = self.rng.bool();
        Attempt { error: "no".into(), may_pass, at: self.now, chance: self.rng.f64() }
    }

    fn append(&mut self) {
        let id = ResourceId::from(format!("r{}", self.rng.usize(..RESOURCES)));
        let history = self.stored.histories.entry(id.clone()).or_default();
        let number = history.last().map_or(1, |last| last.last_number() + 1);
        let event = EncodedEvent { event_type: "Happened".into(), data: None };
        history.push(Commit {
            resource: ResourceKey::new("thing", id.clone()),
            number,
            events: vec![event; self.rng.usize(1..4)],
            at: self.now,
            id: format!("{id}-{number}").into(),
            follows: None,
            trace: None,
            cause: None,
            meta: None,
        });
        self.stored.log.push((id, history.len() - 1));
    }

    /// The feed delivers something: what is next or, where it may be broken, anything that it likes.
    fn deliver(&mut self) {
        let index = match self.continuity {
            Continuity::Unbroken => self.follower.next,
            Continuity::Broken { .. } if self.is_lossy && self.rng.u8(..) < 100 => {
                self.rng.usize(..=self.stored.log.len())
            }
            Continuity::Broken { .. } => self.follower.next,
        };
        let Some((id, commit)) = self.stored.log.get(index).cloned() else { return };
        let commit = self.stored.histories[&id][commit].clone();
        let position = match self.continuity {
            Continuity::Unbroken => index as u64 + 1,
            // A running number of what is delivered, whatever that is.
            Continuity::Broken { .. } => self.follower.window.done().max(self.follower.next as u64) + 1,
        };
        if self.is_lossy && self.rng.u8(..) < 40 {
            // Lost.
            self.follower.next = index + 1;
            return;
        }
        self.follower.next = index + 1;
        let lane = match self.follower.lanes.entry(id.clone()) {
            std::collections::btree_map::Entry::Occupied(lane) => lane.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let known = self.follower.known.remove(&id);
                let record = self.stored.records.get(&id).cloned().unwrap_or_default();
                let known =
                    known.unwrap_or_else(|| Known::from_record(record, self.continuity, commit.number));
                vacant.insert(Lane::new(commit.resource.clone(), known))
            }
        };
        if matches!(self.continuity, Continuity::Unbroken) {
            self.follower.window.begin([position].into_iter());
        }
        if self.rng.u8(..) < 60 {
            lane.deliver_later(position, commit.last_number());
        } else {
            lane.deliver(Delivery { commit, position });
        }
    }

    /// One step of one lane.
    fn step_lane(&mut self) {
        let ids: Vec<_> = self.follower.lanes.keys().cloned().collect();
        let Some(id) = self.rng.choice(&ids).cloned() else { return };
        let lane = self.follower.lanes.get_mut(&id).expect("it is one of them");
        if self.rng.u8(..) < 10 {
            lane.shed(self.rng.usize(..3), usize::MAX);
        }
        if self.follower.handling.remove(&id) {
            let (commit, index, _) = lane.next_event().expect("it is being handled");
            let number = commit.number + index as u64;
            if self.handler.handle(&id, number, &mut self.rng) {
                lane.was_handled();
            } else {
                let attempt = self.attempt();
                self.follower.lanes.get_mut(&id).expect("as above").was_not_handled(attempt);
            }
        } else {
            match lane.next(&self.settings) {
                lane::Step::Rest => {
                    let mut lane = self.follower.lanes.remove(&id).expect("as above");
                    self.collect(&mut lane);
                    if self.rng.bool() {
                        self.follower.known.insert(id, lane.into_known());
                    } else if !self.follower.unsaved.contains_key(&id) {
                        // Forgotten: the record tells.
                    } else {
                        self.follower.known.insert(id, lane.into_known());
                    }
                    return;
                }
                lane::Step::Handle => {
                    let (commit, index, _) = lane.next_event().expect("it is to be handled");
                    self.handler.take(&id, commit.number + index as u64);
                    assert!(
                        self.is_slow || !self.is_redriven(&id),
                        "{id} is handled and redriven at the same time"
                    );
                    self.follower.handling.insert(id.clone());
                }
                lane::Step::Look { up_to, .. } => {
                    let last = self.stored.histories.get(&id).and_then(|history| history.last());
                    let reaches = last.is_some_and(|last| last.last_number() >= up_to);
                    assert!(reaches, "{id} has a record that is further than its history");
                    assert_eq!(lane.was_looked_at(reaches), None);
                }
                lane::Step::Pause(_) => {}
                lane::Step::Read { after } => {
                    let commits = self.stored.read(&id, after, &mut self.rng);
                    lane.was_read(commits, self.now);
                }
                lane::Step::Swap { seen, next } => match self.stored.swap(&id, seen, &next) {
                    Ok(revision) => lane.was_swapped(revision, *next),
                    Err(changed) => lane.has_changed(changed),
                },
            }
        }
        if let Some(mut lane) = self.follower.lanes.remove(&id) {
            self.collect(&mut lane);
            self.follower.lanes.insert(id, lane);
        }
    }

    fn collect(&mut self, lane: &mut Lane) {
        let id = lane.resource().id.clone();
        let done: Vec<_> = lane.take_done().collect();
        for position in &done {
            self.follower.window.end(*position);
        }
        if let Some(position) = done.last() {
            if lane.is_parked() {
                self.follower.unsaved.remove(&id);
            } else {
                self.follower.unsaved.insert(id, (lane.handled_commits(), *position));
            }
        }
    }

    fn is_redriven(&self, id: &ResourceId) -> bool {
        self.redrivers.iter().any(|(redrive, handles)| *handles && redrive.resource().id == *id)
    }

    fn save(&mut self) {
        let done = self.follower.window.done();
        for (id, (handled, position)) in std::mem::take(&mut self.follower.unsaved) {
            if self.continuity != Continuity::Unbroken || position > done {
                self.stored.advance(&id, handled);
            }
            if self.rng.u8(..) < 10 {
                // Not all of them: it crashes in between.
                self.crash();
                return;
            }
        }
        if self.continuity == Continuity::Unbroken {
            self.stored.place = self.stored.place.max(done);
        }
    }

    fn crash(&mut self) {
        self.follower = Follower::from_place(self.stored.place);
    }

    /// Looks for what is parked, and takes up one of those that are due.
    fn begin_redrive(&mut self) {
        let begins = self.rng.u8(..) < 10;
        let too_far = too_far(self.now, self.settings.redrive);
        let is_due = |id: &ResourceId, parked: &Parked| {
            let place = ParkedCursor { next_attempt_at: parked.next_attempt_at, id: id.clone() };
            // Whoever begins tries everything.
            begins || place.next_attempt_at <= self.now || place > too_far
        };
        let parked = self.stored.records.iter();
        let parked: Vec<_> = parked
            .filter(|(id, record)| record.parked.as_ref().is_some_and(|parked| is_due(id, parked)))
            .collect();
        let Some((id, record)) = self.rng.choice(parked) else { return };
        // Whoever looks may see what was there a while ago; nothing can be seen before it was there.
        let redrive = Redrive::new(ResourceKey::new("thing", id.clone()), record.clone());
        self.redrivers.push((redrive, false));
    }

    /// One step of one redriver.
    fn step_redriver(&mut self) {
        if self.redrivers.is_empty() {
            return;
        }
        let chosen = self.rng.usize(..self.redrivers.len());
        let (mut redrive, handles) = self.redrivers.swap_remove(chosen);
        let id = redrive.resource().id.clone();
        if handles {
            let (commit, index, _) = redrive.next_event().expect("it is being handled");
            let number = commit.number + index as u64;
            if self.handler.handle(&id, number, &mut self.rng) {
                redrive.was_handled();
            } else {
                redrive.was_not_handled(self.attempt());
            }
            self.redrivers.push((redrive, false));
            return;
        }
        if self.rng.u8(..) < 5 {
            redrive.stop();
        }
        let mut handles = false;
        match redrive.next(self.now, self.settings.redrive) {
            redrive::Step::End(_) => return,
            redrive::Step::Handle => {
                let (commit, index, _) = redrive.next_event().expect("it is to be handled");
                self.handler.take(&id, commit.number + index as u64);
                if !self.is_slow {
                    assert!(
                        !self.follower.handling.contains(&id),
                        "{id} is redriven and handled at the same time"
                    );
                    assert!(!self.is_redriven(&id), "{id} is redriven twice at the same time");
                }
                handles = true;
            }
            redrive::Step::Read { after } => {
                let commits = self.stored.read(&id, after, &mut self.rng);
                redrive.was_read(commits, self.now);
            }
            redrive::Step::Swap { seen, next } => match self.stored.swap(&id, seen, &next) {
                Ok(revision) => redrive.was_swapped(revision, *next),
                Err(changed) => redrive.has_changed(changed),
            },
        }
        self.redrivers.push((redrive, handles));
    }

    /// Somebody passes over the event that is in the way.
    fn skip(&mut self) {
        let parked: Vec<_> = self.stored.records.keys().cloned().collect();
        let Some(id) = self.rng.choice(parked) else { return };
        let record = self.stored.record(&id);
        let Some(parked) = &record.parked else { return };
        let skip = Skip { number: parked.number, reason: "", by: "", at: self.now };
        let Ok((next, skipped)) = super::parked::skipped(parked, skip) else { return };
        let next = Progress { parked: Some(Box::new(next)), ..record.clone() };
        self.stored.swap(&id, record.revision, &next).expect("nothing has come in between");
        self.handler.skipped.entry(id).or_default().insert(skipped.number);
    }

    fn step(&mut self) {
        match self.rng.u8(..100) {
            0..8 => self.append(),
            8..25 => self.deliver(),
            25..65 => self.step_lane(),
            65..70 => self.save(),
            70..74 => self.begin_redrive(),
            74..96 => self.step_redriver(),
            96 => self.crash(),
            97 => self.crash_redrivers(),
            98 if self.rng.bool() => self.skip(),
            98 => self.handler.fails = !self.handler.fails,
            _ if self.is_slow && self.rng.bool() => self.set_clock(),
            _ if self.is_slow => self.now = later(self.now, CLAIM * 2),
            _ => self.now = later(self.now, Duration::from_millis(1)),
        }
    }

    /// Somebody sets the clock, to about any time.
    fn set_clock(&mut self) {
        let day = 24 * 60 * 60 * 1000;
        let millis = self.rng.choice([0, 1_000, 60_000, 200_000, 3_600_000, 2 * day, 400 * day]);
        self.now = Timestamp::from_unix_millis(START + millis.expect("there are some"));
    }

    /// Their claims end by themselves.
    fn crash_redrivers(&mut self) {
        self.redrivers.clear();
        self.now = later(self.now, CLAIM * 2);
    }

    /// The handler is mended, and everything comes to rest, with or without a new start.
    fn come_to_rest(&mut self) {
        self.handler.fails = false;
        if self.rng.bool() {
            self.crash_redrivers();
            self.crash();
        }
        if self.is_slow {
            self.set_clock();
        }
        // A feed that may be broken delivers at last what was lost on the way.
        if self.is_lossy {
            self.is_lossy = false;
            self.follower.next = 0;
        }
        // Redrivers come to the head while the last events are delivered.
        while self.follower.next < self.stored.log.len() || self.rng.u8(..) > 2 {
            match self.rng.u8(..10) {
                0..2 => self.deliver(),
                2 => self.begin_redrive(),
                3 if self.rng.bool() => self.append(),
                3..6 => self.step_lane(),
                _ => self.step_redriver(),
            }
        }
        for _ in 0..200 {
            while !self.follower.lanes.is_empty() {
                self.step_lane();
            }
            while !self.redrivers.is_empty() {
                self.step_redriver();
            }
            self.now = later(self.now, CLAIM * 2);
            self.begin_redrive();
        }
    }

    fn check_that_all_is_handled(&self) {
        for (id, history) in &self.stored.histories {
            let last = history.last().map_or(0, Commit::last_number);
            let handled = self.handler.handled.get(id).cloned().unwrap_or_default();
            let skipped = self.handler.skipped.get(id).cloned().unwrap_or_default();
            let passed: BTreeSet<_> = handled.union(&skipped).copied().collect();
            assert_eq!(passed, (1..=last).collect(), "{id}");
            assert_eq!(self.stored.record(id).parked, None, "{id}");
        }
    }
}

impl Follower {
    fn from_place(place: u64) -> Self {
        let mut window = Window::default();
        window.reach(place);
        Self {
            next: usize::try_from(place).expect("small"),
            lanes: BTreeMap::new(),
            known: HashMap::new(),
            window,
            unsaved: HashMap::new(),
            handling: BTreeSet::new(),
        }
    }
}

/// A marker at event 3, behind which 4 more wait.
fn parked() -> Parked {
    let at = Timestamp::from_unix_millis(0);
    Parked {
        number: 3,
        after: 2,
        event_type: None,
        waiting: 7,
        error: "".into(),
        attempts: 1,
        first_failed_at: at,
        last_failed_at: at,
        next_attempt_at: at,
        claimed_until: None,
        trace: None,
    }
}

fn run(histories: std::ops::Range<u64>, continuity: Continuity) {
    let mut parked = 0;
    for seed in histories {
        let mut world = World::new(seed, continuity);
        let told = std::panic::AssertUnwindSafe(|| {
            for _ in 0..800 {
                world.step();
            }
            parked += world.stored.records.values().filter(|record| record.parked.is_some()).count();
            world.come_to_rest();
            world.check_that_all_is_handled();
        });
        if let Err(panic) = std::panic::catch_unwind(told) {
            #[allow(clippy::print_stderr, reason = "the runner of the test shows it when the test fails")]
            {
                eprintln!("this was history {seed}");
            }
            std::panic::resume_unwind(panic);
        }
    }
    assert!(parked > 0, "a world without trouble shows nothing");
}

#[test]
fn with_an_unbroken_feed_all_is_handled_in_order_whatever_crashes() {
    run(0..2_000, Continuity::Unbroken);
}

#[test]
fn with_a_feed_that_loses_repeats_and_reorders_all_is_handled_in_order() {
    run(0..2_000, Continuity::Broken { since: None });
}

#[test]
fn a_claim_is_made_anew_when_the_clock_goes_back() {
    let at = Timestamp::from_unix_millis;
    let redrive = Settings::default().redrive;
    let record = Progress { parked: Some(Box::new(parked())), ..Progress::default() };
    let mut redriven = Redrive::new(ResourceKey::new("thing", "r"), record);
    for now in [86_400_000, 0, 86_400_000, 43_200_000] {
        let redrive::Step::Swap { next, .. } = redriven.next(at(now), redrive) else {
            panic!("a claim that others take for none is renewed");
        };
        let parked = next.parked.as_ref().expect("a marker");
        assert!(parked.is_claimed(at(now)) && parked.is_claimed(at(now + 5_000)));
        redriven.was_swapped(1, *next);
        assert_eq!(redriven.next(at(now), redrive), redrive::Step::Read { after: 2 });
    }
}

#[test]
fn a_marker_is_never_without_what_waits_behind_it() {
    let parked = parked();
    let skip = |number| Skip { number, reason: "wrong", by: "me", at: Timestamp::from_unix_millis(1) };
    let (next, skipped) = super::parked::skipped(&parked, skip(3)).expect("parked at 3");
    assert_eq!((next.number, next.after, next.waiting, skipped.number), (4, 2, 7, 3));
    super::parked::skipped(&parked, skip(4)).expect_err("parked at another");
}
