//! [`Work`]: what is to be done with a batch, as Lambda's event source mapping does it. It decides, and does nothing.
//!
//! - A batch that has failed is tried again, and so are the records behind a reported failure.
//! - With bisecting, a batch that has failed is split instead, as long as it has more than one record. Its halves are handled
//!   one after the other. That is no retry.
//! - A batch whose retries are used up is given up, and so are records that have become too old.

use std::time::{Duration, SystemTime};

use super::{Settings, outcome::Outcome, record::Record};

/// A batch that was read, whole or in parts, until nothing is left of it.
#[derive(Debug)]
pub(super) struct Work {
    /// The last one is next.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    records: Vec<Record>,
    /// How often it has failed, but for those failures that have split it.
    failures: u32,
    calls: u32,
    last: Option<Outcome>,
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'w> {
    /// To call the function with these, and [note](Work::note) what has become of them.
    Call(&'w [Record]),
    /// To keep these for somebody to look at.
    GiveUp(GivenUp),
}

/// Records that are not handed over any more.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenUp {
    pub(super) records: Vec<Record>,
    pub(super) condition: Condition,
    /// How often the function was called with them.
    pub(super) calls: u32,
    /// What had become of them the last time.
    pub(super) last: Option<Outcome>,
}

/// Why records are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    RetriesExhausted,
    TooOld,
}

impl Work {
    pub(super) fn new(records: Vec<Record>) -> Self {
        Self { parts: vec![Part { records, failures: 0, calls: 0, last: None }] }
    }

    /// What is to be done next; nothing when all is done.
    pub(super) fn next(&mut self, settings: &Settings, now: SystemTime) -> Option<Step<'_>> {
        while self.parts.last()?.records.is_empty() {
            self.parts.pop();
        }
        let part = self.parts.last_mut()?;
        let is_exhausted = settings.retries.is_some_and(|retries| part.failures > retries);
        let given_up = if is_exhausted {
            Some((std::mem::take(&mut part.records), Condition::RetriesExhausted))
        } else {
            let too_old = part.too_old(settings.record_age, now);
            (too_old > 0).then(|| (part.records.drain(..too_old).collect(), Condition::TooOld))
        };
        if let Some((records, condition)) = given_up {
            let (calls, last) = (part.calls, part.last);
            return Some(Step::GiveUp(GivenUp { records, condition, calls, last }));
        }
        self.parts.last().map(|part| Step::Call(&part.records))
    }

    /// Notes what has become of the records that the function was called with, and says how long to wait before the next
    /// call.
    pub(super) fn note(&mut self, settings: &Settings, outcome: Outcome) -> Duration {
        let Some(mut part) = self.parts.pop() else { return Duration::ZERO };
        part.calls += 1;
        part.last = Some(outcome);
        match outcome {
            Outcome::Handled => return Duration::ZERO,
            Outcome::FailedFrom(first) if first > 0 => {
                part.records.drain(..first);
                // What begins with another record has not been retried.
                part.failures = if settings.bisects { 0 } else { 1 };
            }
            Outcome::Failed if settings.bisects && part.records.len() > 1 => {
                let second = part.records.split_off(part.records.len() / 2);
                self.parts.push(Part { records: second, ..part });
                self.parts.push(part);
                return Duration::ZERO;
            }
            Outcome::FailedFrom(_) | Outcome::Failed => part.failures += 1,
        }
        let pause = if part.failures == 0 { Duration::ZERO } else { settings.backoff.after(part.failures) };
        self.parts.push(part);
        pause
    }
}

impl Part {
    /// How many of the first are too old.
    fn too_old(&self, record_age: Option<Duration>, now: SystemTime) -> usize {
        let Some(most) = record_age else { return 0 };
        let is_too_old = |record: &&Record| now.duration_since(record.made).is_ok_and(|age| age > most);
        self.records.iter().take_while(is_too_old).count()
    }
}

#[cfg(test)]
mod tests;
