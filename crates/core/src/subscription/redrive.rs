//! [`Redrive`]: what to do next about one parked resource. Decides; does nothing by itself.
//!
//! ```text
//!   Swap: claim the marker ─▶ Read from it on ─▶ Handle, Handle, … ─▶ at the head: Swap the marker away
//!                                                  │ failed                │ more waits by now: Read on
//!                                                  └─▶ Swap: the marker stands there now, with a later time
//! ```
//!
//! Whoever redrives claims the marker for a few seconds, and renews the claim while it works: of several redrivers one
//! has a resource. The feed goes on delivering meanwhile, and notes in the marker what waits; so the marker cannot be
//! taken away while something is left that nobody would handle.

use std::{collections::VecDeque, time::Duration};

use super::{
    Parked, Progress,
    clock::{CLAIM, later},
    lane::{Attempt, missing, shortened},
    settings::Backoff,
};
use crate::{Commit, ResourceKey, Timestamp};

/// How long before its end a claim is renewed.
const MARGIN: Duration = Duration::from_secs(7);

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Read the commits behind this version from the store, some of them at least: [`Redrive::was_read`].
    Read { after: u64 },
    /// Hand over [`Redrive::next_event`]: [`Redrive::was_handled`] or [`Redrive::was_not_handled`].
    Handle,
    /// Replace the record of this revision: [`Redrive::was_swapped`] or [`Redrive::has_changed`].
    Swap { seen: u64, next: Box<Progress> },
    /// It is over.
    End(End),
}

/// How a redrive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Everything is handled, and the marker is gone.
    Released,
    /// An event could not be handled. The marker stands there.
    Failed,
    /// Somebody else has it, or has changed it.
    NotOurs,
    /// It was told to stop, and has given the marker back.
    Stopped,
}

/// The events of one parked resource on their way to a handler.
#[derive(Debug)]
pub(super) struct Redrive {
    resource: ResourceKey,
    progress: Progress,
    /// Whether the record's claim is ours.
    claim: Claim,
    /// The next event, and the version before its commit.
    number: u64,
    after: u64,
    /// What was read and is not handled.
    queue: VecDeque<Commit>,
    /// Whether the last read came to the end.
    at_head: bool,
    failed: Option<Attempt>,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Wanted,
    Ours,
    /// After the swap that is under way.
    GivenUp(End),
}

impl Redrive {
    /// A redrive of a resource whose record has a marker.
    pub(super) fn new(resource: ResourceKey, progress: Progress) -> Self {
        let (number, after) = progress.parked.as_ref().map_or((0, 0), |parked| (parked.number, parked.after));
        let end = if progress.parked.is_none() { Some(End::NotOurs) } else { None };
        Self {
            resource,
            progress,
            claim: Claim::Wanted,
            number,
            after,
            queue: VecDeque::new(),
            at_head: false,
            failed: None,
            end,
        }
    }

    pub(super) fn resource(&self) -> &ResourceKey {
        &self.resource
    }

    /// What to do next.
    pub(super) fn next(&mut self, now: Timestamp, redrive: Backoff) -> Step {
        let (Some(parked), None) = (&self.progress.parked, self.end) else {
            return Step::End(self.end.unwrap_or(End::NotOurs));
        };
        match self.claim {
            Claim::Wanted if parked.is_claimed(now) => {
                self.end = Some(End::NotOurs);
                return Step::End(End::NotOurs);
            }
            Claim::Wanted => return self.renewal(now),
            Claim::Ours if self.failed.is_some() => self.claim = Claim::GivenUp(End::Failed),
            Claim::Ours if parked.claimed_until.is_none_or(|until| ends_soon(until, now)) => {
                return self.renewal(now);
            }
            Claim::Ours | Claim::GivenUp(_) => {}
        }
        if let Claim::GivenUp(end) = self.claim {
            let next = match end {
                End::Released => None,
                End::Failed => self.failed.as_ref().map(|failed| self.failed_at(parked, failed, redrive)),
                End::Stopped | End::NotOurs => Some(self.moved(parked, None, now)),
            };
            return self.swap(next);
        }
        if !self.queue.is_empty() {
            return Step::Handle;
        }
        if !self.at_head {
            return Step::Read { after: self.after };
        }
        if parked.waiting >= self.number {
            // The feed has delivered what the store does not have.
            self.failed = Some(missing(&self.resource, self.number, now));
            return self.next(now, redrive);
        }
        self.claim = Claim::GivenUp(End::Released);
        self.swap(None)
    }

    /// The event to hand over, as the index of one in its commit; and how often it has been tried.
    pub(super) fn next_event(&self) -> Option<(&Commit, usize, u32)> {
        let commit = self.queue.front()?;
        let index = usize::try_from(self.number.checked_sub(commit.number)?).ok()?;
        let parked = self.progress.parked.as_ref()?;
        let attempts = if parked.number == self.number { parked.attempts } else { 0 };
        (index < commit.events.len()).then_some((commit, index, attempts))
    }

    pub(super) fn was_handled(&mut self) {
        self.number += 1;
        if let Some(commit) = self.queue.front()
            && commit.last_number() < self.number
        {
            self.after = commit.last_number();
            self.queue.pop_front();
        }
    }

    pub(super) fn was_not_handled(&mut self, attempt: Attempt) {
        self.failed = Some(attempt);
    }

    /// What the store has behind the version that was asked for: from the next commit on, and not necessarily all.
    pub(super) fn was_read(&mut self, commits: Vec<Commit>, now: Timestamp) {
        self.at_head = commits.is_empty();
        if commits.first().is_some_and(|commit| commit.number != self.after + 1) {
            self.failed = Some(missing(&self.resource, self.after + 1, now));
        } else {
            self.queue = commits.into();
            // Parked, or skipped to, within the commit or behind it.
            while let Some(commit) = self.queue.front()
                && commit.last_number() < self.number
            {
                self.after = commit.last_number();
                self.queue.pop_front();
            }
        }
    }

    /// The marker with a claim from now on. Also while an event is being handled, so that the claim does not end before
    /// the handler does.
    pub(super) fn renewal(&self, now: Timestamp) -> Step {
        match &self.progress.parked {
            Some(parked) => self.swap(self.moved(parked, Some(later(now, CLAIM)), now)),
            None => Step::End(End::NotOurs),
        }
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Asks for the marker to be given back as it is.
    pub(super) fn stop(&mut self) {
        match self.claim {
            Claim::Wanted => self.end = Some(End::Stopped),
            Claim::Ours => self.claim = Claim::GivenUp(End::Stopped),
            Claim::GivenUp(_) => {}
        }
    }

    /// The record is replaced.
    pub(super) fn was_swapped(&mut self, revision: u64, next: Progress) {
        self.progress = Progress { revision, ..next };
        match self.claim {
            Claim::Wanted => self.claim = Claim::Ours,
            Claim::Ours => {}
            Claim::GivenUp(end) => self.end = Some(end),
        }
    }

    /// The record is not what it was. If only more waits by now, that is no reason to stop.
    pub(super) fn has_changed(&mut self, progress: Progress) {
        let mark = |progress: &Progress| {
            progress
                .parked
                .as_ref()
                .map(|parked| (parked.number, parked.claimed_until, parked.next_attempt_at))
        };
        if progress.parked.is_none() || mark(&progress) != mark(&self.progress) {
            self.end = Some(End::NotOurs);
            return;
        }
        self.progress = progress;
        self.at_head = false;
        if self.claim == Claim::GivenUp(End::Released) {
            self.claim = Claim::Ours;
        }
    }

    /// Replaces the marker; takes it away where there is none any more.
    fn swap(&self, parked: impl Into<Option<Parked>>) -> Step {
        let parked = parked.into().map(Box::new);
        let next = Progress { handled: Some(self.after), parked, revision: self.progress.revision };
        Step::Swap { seen: self.progress.revision, next: Box::new(next) }
    }

    /// The marker at the event that is next.
    fn moved(&self, parked: &Parked, claimed_until: Option<Timestamp>, now: Timestamp) -> Parked {
        let is_same = parked.number == self.number;
        Parked {
            number: self.number,
            after: self.after,
            attempts: if is_same { parked.attempts } else { 0 },
            event_type: if is_same { parked.event_type.clone() } else { None },
            trace: if is_same { parked.trace } else { None },
            // Given back, it is due: whatever the clock says, it has failed before.
            next_attempt_at: claimed_until.unwrap_or(parked.last_failed_at.min(now)),
            claimed_until,
            ..parked.clone()
        }
    }

    /// The marker at the event that failed.
    fn failed_at(&self, parked: &Parked, failed: &Attempt, redrive: Backoff) -> Parked {
        let moved = self.moved(parked, None, failed.at);
        let attempts = moved.attempts.saturating_add(1);
        let event = self.next_event();
        Parked {
            event_type: event.map(|(commit, index, _)| (*commit.events[index].event_type).into()),
            trace: event.and_then(|(commit, _, _)| commit.trace),
            waiting: moved.waiting.max(self.number),
            error: shortened(&failed.error),
            attempts,
            first_failed_at: if attempts == 1 { failed.at } else { moved.first_failed_at },
            last_failed_at: failed.at,
            next_attempt_at: later(failed.at, redrive.pause(attempts, failed.chance)),
            ..moved
        }
    }
}

/// Whether a claim of ours has to be renewed: its end is near, or the clock has gone back since it was made, so that
/// others no longer take it for one.
fn ends_soon(until: Timestamp, now: Timestamp) -> bool {
    until <= later(now, MARGIN) || until > later(now, CLAIM)
}
