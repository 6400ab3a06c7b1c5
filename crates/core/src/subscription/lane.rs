//! [`Lane`]: what to do next about one resource whose events are delivered. Decides; does nothing by itself.
//!
//! ```text
//!   delivered ──▶ handled before? ──▶ pass over
//!                 a gap before it? ─▶ Read the store ──▶ …
//!                 is there so much? ▶ Look at the store; if not, Swap the record for one that is set back
//!                 parked? ──────────▶ Swap the marker: one more waits
//!                 otherwise ────────▶ Handle ──▶ done, the next one
//!                                       │ failed
//!                                       ├─▶ Pause, Handle again
//!                                       └─▶ Swap in a marker: parked
//! ```

use std::{collections::VecDeque, time::Duration};

use super::{
    Continuity, Delivery, MAX_ERROR_BYTES, Parked, Progress,
    clock::later,
    settings::{Backoff, Settings},
};
use crate::{Commit, EncodedEvent, ResourceKey, Timestamp};

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Read the commits behind this version from the store, some of them at least: [`Lane::was_read`].
    Read { after: u64 },
    /// Hand over [`Lane::next_event`]: [`Lane::was_handled`] or [`Lane::was_not_handled`].
    Handle,
    /// Find out whether the history behind a version reaches another one: [`Lane::was_looked_at`].
    Look { after: u64, up_to: u64 },
    /// Wait.
    Pause(Duration),
    /// Replace the record of this revision: [`Lane::was_swapped`] or [`Lane::has_changed`].
    Swap { seen: u64, next: Box<Progress> },
    /// Nothing, until more is delivered.
    Rest,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attempt {
    pub(super) error: String,
    /// Whether trying again at once is of use.
    pub(super) may_pass: bool,
    pub(super) at: Timestamp,
    /// A random number from 0 to 1.
    pub(super) chance: f64,
}

/// The events of one resource on their way to a handler.
#[derive(Debug)]
pub(super) struct Lane {
    resource: ResourceKey,
    /// The record as it was last seen, and the last event that was handled: within a commit only while that is the first
    /// one in the queue.
    known: Known,
    /// Commits that are not handled, in order; the first may have been handled in part.
    queue: VecDeque<Commit>,
    queue_bytes: usize,
    /// The last event that is known to exist.
    last: u64,
    /// The deliveries that are not done: their positions, and their last events.
    open: VecDeque<(u64, u64)>,
    failing: Option<Failing>,
    /// What was passed over because its record says that it was handled, while nobody knows whether there is as much as
    /// the record says.
    passed_over: Option<PassedOver>,
    /// Whether the record says more than there is, and has to be set back.
    sets_back: bool,
}

/// Commits that were delivered, and not handed over.
#[derive(Debug, Clone, Copy)]
struct PassedOver {
    /// The version before the first of them.
    after: u64,
    /// The last event in them.
    last: u64,
}

/// An event that could not be handled yet.
#[derive(Debug)]
struct Failing {
    attempts: u32,
    first_failed_at: Timestamp,
    last: Attempt,
    paused: bool,
}

/// What is known of a resource that has no lane.
#[derive(Debug, Clone)]
pub(super) struct Known {
    progress: Progress,
    handled: u64,
    /// Until its first event is handled: what was committed before is passed over.
    since: Option<Timestamp>,
    /// Whether there is as much as the record says. A store that was restored to an earlier state has less.
    is_there: bool,
}

impl Known {
    /// What a record says, when this is the first event of the resource to be delivered.
    pub(super) fn from_record(progress: Progress, continuity: Continuity, first: u64) -> Self {
        let (handled, since) = match (progress.handled, continuity) {
            (Some(handled), _) => (handled, None),
            (None, Continuity::Unbroken) => (first.saturating_sub(1), None),
            (None, Continuity::Broken { since: None }) => (0, None),
            (None, Continuity::Broken { since }) => (first.saturating_sub(1), since),
        };
        // Where events and records are in one file, they are restored together.
        let is_there = progress.handled.is_none() || continuity == Continuity::Unbroken;
        Self { progress, handled, since, is_there }
    }
}

impl Lane {
    pub(super) fn new(resource: ResourceKey, known: Known) -> Self {
        Self {
            resource,
            last: known.handled,
            known,
            queue: VecDeque::new(),
            queue_bytes: 0,
            open: VecDeque::new(),
            failing: None,
            passed_over: None,
            sets_back: false,
        }
    }

    pub(super) fn resource(&self) -> &ResourceKey {
        &self.resource
    }

    /// What is known of it by now.
    pub(super) fn into_known(mut self) -> Known {
        self.known.handled = self.handled_commits();
        self.known
    }

    pub(super) fn is_parked(&self) -> bool {
        self.known.progress.parked.is_some()
    }

    /// Bytes that the lane keeps in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.queue_bytes
    }

    /// A commit was delivered.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        let Delivery { commit, position } = delivery;
        let last = commit.last_number();
        self.open.push_back((position, last));
        if self.known.since.is_some_and(|since| commit.at < since) {
            self.known.handled = self.known.handled.max(last);
        }
        if last >= self.known.handled {
            self.known.is_there = true;
            self.passed_over = None;
        } else if !self.known.is_there {
            let after = self.passed_over.map_or(commit.number - 1, |passed_over| passed_over.after);
            self.passed_over = Some(PassedOver { after, last });
        }
        let follows = self.queue.back().is_none_or(|queued| queued.last_number() < commit.number);
        if last > self.known.handled && follows && !self.is_parked() {
            self.push(commit);
        }
        self.last = self.last.max(last);
    }

    /// A commit was delivered, of which only the last number is at hand. It is read from the store when it is its turn.
    pub(super) fn deliver_later(&mut self, position: u64, last: u64) {
        self.open.push_back((position, last));
        self.last = self.last.max(last);
    }

    /// Keeps no more than so many commits, or bytes of them, and one at least: it has to wait, and others need the room.
    /// The rest is read from the store when it is its turn.
    pub(super) fn shed(&mut self, commits: usize, bytes: usize) {
        while self.queue.len() > 1 && (self.queue.len() > commits || self.queue_bytes > bytes) {
            if let Some(commit) = self.queue.pop_back() {
                self.queue_bytes -= self::bytes(&commit);
            }
        }
    }

    /// What to do next.
    pub(super) fn next(&mut self, settings: &Settings) -> Step {
        if let Some(parked) = &self.known.progress.parked {
            self.queue.clear();
            self.queue_bytes = 0;
            if parked.waiting >= self.last {
                return Step::Rest;
            }
            let parked = Parked { waiting: self.last, ..(**parked).clone() };
            return self.swap(Progress { parked: Some(Box::new(parked)), ..self.known.progress.clone() });
        }
        if self.sets_back {
            let handled = (self.known.handled > 0).then_some(self.known.handled);
            return self.swap(Progress { handled, ..self.known.progress.clone() });
        }
        while self.queue.front().is_some_and(|commit| commit.last_number() <= self.known.handled) {
            self.pop();
        }
        if let Some(failing) = &mut self.failing {
            if !failing.last.may_pass || failing.attempts >= settings.attempts {
                let parked = self.park(settings.redrive);
                return self.swap(parked);
            }
            if !failing.paused {
                failing.paused = true;
                return Step::Pause(settings.backoff.pause(failing.attempts, failing.last.chance));
            }
        }
        match self.queue.front() {
            Some(commit) if commit.number <= self.known.handled + 1 => Step::Handle,
            _ if self.last > self.known.handled => Step::Read { after: self.known.handled },
            _ => match self.passed_over {
                Some(PassedOver { last, .. }) => Step::Look { after: last, up_to: self.known.handled },
                None => Step::Rest,
            },
        }
    }

    /// The event to hand over, as the index of one in its commit; and how often it has been tried.
    pub(super) fn next_event(&self) -> Option<(&Commit, usize, u32)> {
        let commit = self.queue.front()?;
        let index = usize::try_from((self.known.handled + 1).checked_sub(commit.number)?).ok()?;
        let attempts = self.failing.as_ref().map_or(0, |failing| failing.attempts);
        (index < commit.events.len()).then_some((commit, index, attempts))
    }

    pub(super) fn was_handled(&mut self) {
        self.failing = None;
        self.known.since = None;
        self.known.handled += 1;
        if self.queue.front().is_some_and(|commit| commit.last_number() <= self.known.handled) {
            self.pop();
        }
    }

    pub(super) fn was_not_handled(&mut self, attempt: Attempt) {
        let (attempts, first_failed_at) = self
            .failing
            .as_ref()
            .map_or((0, attempt.at), |failing| (failing.attempts, failing.first_failed_at));
        let attempts = attempts.saturating_add(1);
        self.failing = Some(Failing { attempts, first_failed_at, last: attempt, paused: false });
    }

    /// What the store has behind the last event that was handled: from the next commit on, and not necessarily all.
    pub(super) fn was_read(&mut self, commits: Vec<Commit>, now: Timestamp) {
        if commits.first().is_none_or(|commit| commit.number != self.known.handled + 1) {
            self.was_not_handled(missing(&self.resource, self.known.handled + 1, now));
            return;
        }
        self.queue.clear();
        self.queue_bytes = 0;
        for commit in commits {
            self.last = self.last.max(commit.last_number());
            self.push(commit);
        }
    }

    /// Whether the history reaches as far as was asked. If not, what was passed over is to be handled: gives from which
    /// event on.
    pub(super) fn was_looked_at(&mut self, reaches: bool) -> Option<u64> {
        self.known.is_there = true;
        let PassedOver { after, last } = self.passed_over.take().filter(|_| !reaches)?;
        (self.known.handled, self.last, self.sets_back) = (after, last, true);
        Some(after + 1)
    }

    /// The record is replaced.
    pub(super) fn was_swapped(&mut self, revision: u64, next: Progress) {
        self.known.progress = Progress { revision, ..next };
        self.failing = None;
        self.sets_back = false;
    }

    /// The record is not what it was: somebody has redriven the resource, or another process has it by now.
    pub(super) fn has_changed(&mut self, progress: Progress) {
        self.sets_back = false;
        if let Some(handled) = progress.handled
            && handled > self.known.handled
        {
            self.known.handled = handled;
            self.failing = None;
        }
        self.known.progress = progress;
    }

    /// The positions of the deliveries that are done: handled, or waiting behind a marker.
    pub(super) fn take_done(&mut self) -> impl Iterator<Item = u64> {
        let waiting = self.known.progress.parked.as_ref().map_or(0, |parked| parked.waiting);
        let handled = self.passed_over.map_or(self.known.handled, |passed_over| passed_over.after);
        let done = handled.max(waiting);
        let count = self.open.iter().take_while(|(_, last)| *last <= done).count();
        self.open.drain(..count).map(|(position, _)| position)
    }

    /// The last event that was handled with all of its commit.
    pub(super) fn handled_commits(&self) -> u64 {
        match self.queue.front() {
            Some(commit)
                if commit.number <= self.known.handled && self.known.handled < commit.last_number() =>
            {
                commit.number - 1
            }
            _ => self.known.handled,
        }
    }

    fn swap(&self, next: Progress) -> Step {
        Step::Swap { seen: self.known.progress.revision, next: Box::new(next) }
    }

    /// The record with a marker at the event that fails.
    fn park(&self, redrive: Backoff) -> Progress {
        let after = self.handled_commits();
        let event = self.next_event();
        let failing = self.failing.as_ref().expect("only what fails is parked");
        let parked = Parked {
            number: self.known.handled + 1,
            after,
            event_type: event.map(|(commit, index, _)| (*commit.events[index].event_type).into()),
            waiting: self.last,
            error: shortened(&failing.last.error),
            attempts: failing.attempts,
            first_failed_at: failing.first_failed_at,
            last_failed_at: failing.last.at,
            next_attempt_at: later(failing.last.at, redrive.pause(1, failing.last.chance)),
            claimed_until: None,
            trace: event.and_then(|(commit, _, _)| commit.trace),
        };
        Progress {
            handled: Some(after),
            parked: Some(Box::new(parked)),
            revision: self.known.progress.revision,
        }
    }

    fn push(&mut self, commit: Commit) {
        self.queue_bytes += bytes(&commit);
        self.queue.push_back(commit);
    }

    fn pop(&mut self) {
        if let Some(commit) = self.queue.pop_front() {
            self.queue_bytes -= bytes(&commit);
        }
    }
}

/// That the history has a hole.
pub(super) fn missing(resource: &ResourceKey, number: u64, at: Timestamp) -> Attempt {
    let error = format!("event {number} of {resource} is missing in the store");
    Attempt { error, may_pass: false, at, chance: 0.0 }
}

/// As much of an error as a marker holds.
pub(super) fn shortened(error: &str) -> Box<str> {
    error[..error.floor_char_boundary(MAX_ERROR_BYTES)].into()
}

fn bytes(commit: &Commit) -> usize {
    let event = |event: &EncodedEvent| {
        event.event_type.len() + event.data.as_ref().map_or(0, |data| data.as_str().len())
    };
    OVERHEAD
        + commit.meta.as_ref().map_or(0, |meta| meta.as_str().len())
        + commit.events.iter().map(event).sum::<usize>()
}

/// What a commit takes up beside its payloads, roughly.
const OVERHEAD: usize = 256;
