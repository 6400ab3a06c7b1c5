//! [`plan`]: what a process does next about the parts of a feed. Decides; does nothing by itself.
//!
//! ```text
//!   a round: the table ─▶ finished ─▶ opened: these shards come first ─▶ shards, parents before children ─▶ …
//!                                                                          │ something may be missing
//!      ▲                                                                   │
//!      └── the next round, when nobody is at this one any more ◀───────────┘
//! ```

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use aws_event_sourcing_core::Timestamp;

use super::{reached::Place, stream::From};
use crate::rows::{SHARD_PARTS, TABLE_PART};

/// How old what comes next in a shard may be that is read from its beginning. A stream goes back 24 hours, and does not
/// tell what it has dropped there.
const LATE: Duration = Duration::from_secs(12 * 60 * 60);

/// Whether what is as old as that may be gone from a stream. By the clocks of several machines: half of the 24 hours is
/// left for these to differ. What is as far in the future is of a clock that was ahead, and nobody knows how old it is.
pub(super) fn is_late(at: Timestamp, now: Timestamp) -> bool {
    u128::from(now.as_unix_millis().abs_diff(at.as_unix_millis())) > LATE.as_millis()
}

/// A shard of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: Arc<str>,
    /// The shard that it came from, whether that is still listed or not.
    pub(super) parent: Option<Arc<str>>,
}

/// The item of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) part: Arc<str>,
    pub(super) round: u64,
    pub(super) counter: u64,
    pub(super) owner: Option<Arc<str>>,
    /// The owner has it until its counter has not changed for that long.
    pub(super) lease: Duration,
    pub(super) checkpoint: Option<Box<str>>,
    /// Of a shard: all that was written before then is handled, by the clock of the stream or of an owner.
    pub(super) read_to: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
}

/// The item of the past: the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastEntry {
    pub(super) entry: Entry,
    /// The stream that its round is about; none where nobody has followed one.
    pub(super) stream: Option<Arc<str>>,
    /// When the table was begun to be read, and how far its segments are handled.
    pub(super) begun_at: Option<Timestamp>,
    pub(super) places: Vec<Place>,
    /// Whether it is known with which shards the round began.
    pub(super) is_opened: bool,
    /// The shards that the round began with.
    pub(super) roots: HashSet<Arc<str>>,
}

/// Whose an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody's, or of somebody who is not heard of any more.
    Free,
    /// This process's.
    Ours,
    /// This process's, but not for long: as of an earlier round, or being handed over.
    Leaving,
    /// Another process's.
    Others,
}

/// All that there is to know.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) stream: &'a Arc<str>,
    pub(super) shards: &'a [Shard],
    pub(super) past: Option<(&'a PastEntry, Standing)>,
    pub(super) entries: Vec<(&'a Entry, Standing)>,
    /// Other processes that would have a shard.
    pub(super) waiting: Vec<(&'a Entry, Standing)>,
    /// Shards that nobody has taken for so long that somebody may take more than their share.
    pub(super) neglected: &'a HashSet<Arc<str>>,
    pub(super) now: Timestamp,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Make the item of the past.
    Begin,
    /// Begin another round.
    StartOver(Lost),
    /// Let go of these parts: they are of an earlier round.
    GiveUp(Vec<Arc<str>>),
    /// Delete these items.
    Forget(Vec<Entry>),
    /// Take the past.
    TakePast,
    /// Note with which shards the round begins.
    Open(Vec<Arc<str>>),
    /// Take a shard.
    Take(Take),
    /// Hand this part over to whoever waits for one.
    HandOver(Arc<str>),
    /// Tell others that this process would have a shard.
    Announce,
    /// Nothing, until something changes.
    Wait { for_others: WaitsFor },
}

/// Who can change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// Other processes too.
    Others,
    /// This process and the stream only: everything is this process's.
    Nobody,
}

/// A shard to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Take {
    pub(super) shard: Arc<str>,
    pub(super) entry: Option<Entry>,
    pub(super) from: From,
    /// All that was written before then is handled.
    pub(super) read_to: Option<Timestamp>,
    /// Whether what the shard has lost before it is read is in the table that was read.
    pub(super) is_in_table: bool,
}

/// Why something may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// The table has another stream than before.
    OtherStream,
    /// Nobody has followed a stream of the table: a host was handed its events.
    NoStream,
    /// A shard is gone that was not read to its end.
    Vanished(Arc<str>),
    /// A shard came from one that nobody has seen.
    UnknownParent(Arc<str>),
    /// What a shard began with is so old that it may be gone.
    Late(Arc<str>),
}

impl Lost {
    /// Whether it is so even if the listing of the shards is a moment behind.
    pub(super) fn is_certain(&self) -> bool {
        matches!(self, Self::Late(_) | Self::NoStream)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherStream => f.write_str("the stream was turned off and on"),
            Self::NoStream => f.write_str("nobody has followed the stream"),
            Self::Vanished(shard) => {
                write!(f, "the stream no longer has {shard}, which was not read to its end")
            }
            Self::UnknownParent(shard) => write!(f, "the stream no longer has what came before {shard}"),
            Self::Late(shard) => write!(f, "what {shard} began with may be more than 12 hours old"),
        }
    }
}

/// The next step, and the shards that anybody may take.
pub(super) fn plan(view: &View<'_>) -> (Step, Vec<Arc<str>>) {
    let Some((past, standing)) = view.past else { return (Step::Begin, Vec::new()) };
    match &past.stream {
        Some(stream) if stream == view.stream => {}
        Some(_) => return (Step::StartOver(Lost::OtherStream), Vec::new()),
        None => return (Step::StartOver(Lost::NoStream), Vec::new()),
    }
    if let Some(step) = end_earlier_rounds(view, past, standing) {
        return (step, Vec::new());
    }
    if past.entry.finished_at.is_none() {
        let step = match standing {
            Standing::Free => Step::TakePast,
            Standing::Ours | Standing::Leaving => Step::Wait { for_others: WaitsFor::Nobody },
            Standing::Others => Step::Wait { for_others: WaitsFor::Others },
        };
        return (step, Vec::new());
    }
    if !past.is_opened {
        let listed: HashSet<_> = view.shards.iter().map(|shard| &shard.id).collect();
        let is_root = |shard: &&Shard| shard.parent.as_ref().is_none_or(|parent| !listed.contains(parent));
        let roots = view.shards.iter().filter(is_root).map(|shard| shard.id.clone());
        return (Step::Open(roots.collect()), Vec::new());
    }
    Shards::new(view, past).plan()
}

/// Nobody may be at an earlier round when one begins.
fn end_earlier_rounds(view: &View<'_>, past: &PastEntry, standing: Standing) -> Option<Step> {
    let round = past.entry.round;
    let mut ours: Vec<_> = Vec::new();
    if standing == Standing::Leaving {
        ours.push(TABLE_PART.into());
    }
    let earlier = || view.entries.iter().filter(|(entry, _)| entry.round != round);
    let is_held = |standing| matches!(standing, Standing::Ours | Standing::Leaving);
    ours.extend(earlier().filter(|(_, of)| is_held(*of)).map(|(entry, _)| entry.part.clone()));
    if !ours.is_empty() {
        return Some(Step::GiveUp(ours));
    }
    let free = earlier().filter(|(_, of)| *of == Standing::Free);
    let free: Vec<_> = free.map(|(entry, _)| (*entry).clone()).collect();
    if !free.is_empty() {
        return Some(Step::Forget(free));
    }
    let others = earlier().next().is_some();
    others.then_some(Step::Wait { for_others: WaitsFor::Others })
}

/// The shards of a round.
struct Shards<'a> {
    view: &'a View<'a>,
    past: &'a PastEntry,
    listed: HashSet<&'a str>,
    /// By the shard's id.
    entries: HashMap<&'a str, (&'a Entry, Standing)>,
    /// Shards from which others came that are begun: so they are finished, whether there is still an item or not.
    left_behind: HashSet<&'a str>,
}

/// Whether a shard can be begun.
enum Ready {
    Yes(Take),
    NotYet,
    Lost(Lost),
}

impl<'a> Shards<'a> {
    fn new(view: &'a View<'a>, past: &'a PastEntry) -> Self {
        let entries = view.entries.iter();
        let entries: HashMap<_, _> =
            entries.filter_map(|(entry, standing)| Some((shard_of(entry)?, (*entry, *standing)))).collect();
        let listed = view.shards.iter().map(|shard| &*shard.id).collect();
        let parents: HashMap<_, _> =
            view.shards.iter().filter_map(|shard| Some((&*shard.id, shard.parent.as_deref()?))).collect();
        let mut left_behind = HashSet::new();
        for begun in entries.keys() {
            let mut shard = *begun;
            while let Some(parent) = parents.get(shard)
                && left_behind.insert(*parent)
            {
                shard = parent;
            }
        }
        Self { view, past, listed, entries, left_behind }
    }

    /// Whether a shard was read to its end.
    fn is_finished(&self, shard: &str) -> bool {
        self.left_behind.contains(shard)
            || self.entry(shard).is_some_and(|(entry, _)| entry.finished_at.is_some())
    }

    fn entry(&self, shard: &str) -> Option<(&'a Entry, Standing)> {
        self.entries.get(shard).copied()
    }

    fn plan(&self) -> (Step, Vec<Arc<str>>) {
        if let Some(lost) = self.vanished() {
            return (Step::StartOver(lost), Vec::new());
        }
        let mut free = Vec::new();
        for shard in self.view.shards {
            match self.ready(shard) {
                Ready::Yes(take) => free.push(take),
                Ready::NotYet => {}
                Ready::Lost(lost) => return (Step::StartOver(lost), Vec::new()),
            }
        }
        let names = free.iter().map(|take| take.shard.clone()).collect();
        let share = self.share(free.len());
        let ours = self.held(Standing::Ours);
        let has_room = ours < share;
        let take = free.iter().find(|take| has_room || self.view.neglected.contains(&take.shard));
        if let Some(take) = take {
            return (Step::Take(take.clone()), names);
        }
        let done = self.done();
        if !done.is_empty() {
            return (Step::Forget(done), names);
        }
        let somebody_waits = self.view.waiting.iter().any(|(_, standing)| *standing == Standing::Others);
        let first = self.view.entries.iter().find(|(_, standing)| *standing == Standing::Ours);
        if let Some((surplus, _)) = first.filter(|_| somebody_waits && ours > share) {
            return (Step::HandOver(surplus.part.clone()), names);
        }
        if has_room && free.is_empty() && self.largest_of_others() > share {
            return (Step::Announce, names);
        }
        let is_alone =
            free.is_empty() && self.held(Standing::Others) == 0 && self.held(Standing::Leaving) == 0;
        let for_others = if is_alone { WaitsFor::Nobody } else { WaitsFor::Others };
        (Step::Wait { for_others }, names)
    }

    /// A shard that was begun and is gone. Who is at it finds out by themselves.
    fn vanished(&self) -> Option<Lost> {
        let open = self
            .view
            .entries
            .iter()
            .filter(|(entry, standing)| *standing == Standing::Free && entry.finished_at.is_none());
        let mut open = open.filter_map(|(entry, _)| shard_of(entry));
        open.find(|shard| !self.listed.contains(shard)).map(|shard| Lost::Vanished(shard.into()))
    }

    fn ready(&self, shard: &Shard) -> Ready {
        let entry = self.entry(&shard.id);
        if self.is_finished(&shard.id) || entry.is_some_and(|(_, standing)| standing != Standing::Free) {
            return Ready::NotYet;
        }
        let entry = entry.map(|(entry, _)| entry);
        let is_root = self.past.roots.contains(&shard.id);
        let before = shard.parent.as_ref().and_then(|parent| self.entry(parent)).map(|(entry, _)| entry);
        if entry.is_none() && !is_root {
            match (&shard.parent, before) {
                // The stream had no shard yet when the round began.
                (None, _) => {}
                (Some(parent), _) if self.is_finished(parent) => {}
                (Some(_), Some(_)) => return Ready::NotYet,
                (Some(parent), None) if self.listed.contains(&**parent) => return Ready::NotYet,
                // All that it had was in the table when that was read.
                (Some(parent), None) if self.past.roots.contains(parent) => {}
                (Some(_), None) => return Ready::Lost(Lost::UnknownParent(shard.id.clone())),
            }
        }
        let from = match entry.and_then(|entry| entry.checkpoint.clone()) {
            Some(checkpoint) => From::Behind(checkpoint),
            None => From::Horizon,
        };
        // Behind a parent that was followed there is only what came after the table was read.
        let is_behind = shard.parent.as_ref().is_some_and(|parent| self.is_finished(parent));
        let is_in_table = is_root || (entry.is_none() && !is_behind);
        // Where nothing else is known, what was written before the table was read.
        let read_to = entry.or(before).and_then(|entry| entry.read_to).or(self.past.entry.finished_at);
        if from == From::Horizon && read_to.is_some_and(|read_to| is_late(read_to, self.view.now)) {
            return Ready::Lost(Lost::Late(shard.id.clone()));
        }
        Ready::Yes(Take { shard: shard.id.clone(), entry: entry.cloned(), from, read_to, is_in_table })
    }

    /// How many shards this process may have, so that others have as many.
    fn share(&self, free: usize) -> usize {
        let others = self.view.entries.iter().chain(&self.view.waiting);
        let others = others.filter(|(_, standing)| *standing == Standing::Others);
        let owners: HashSet<_> = others.filter_map(|(entry, _)| entry.owner.as_ref()).collect();
        let held = [Standing::Ours, Standing::Leaving, Standing::Others].map(|whose| self.held(whose));
        let shards = free + held.into_iter().sum::<usize>();
        shards.div_ceil(owners.len() + 1)
    }

    /// The most shards that another process has.
    fn largest_of_others(&self) -> usize {
        let mut counts: HashMap<_, usize> = HashMap::new();
        for (entry, _) in self.view.entries.iter().filter(|(_, standing)| *standing == Standing::Others) {
            *counts.entry(&entry.owner).or_default() += 1;
        }
        counts.into_values().max().unwrap_or_default()
    }

    fn held(&self, whose: Standing) -> usize {
        self.view.entries.iter().filter(|(_, standing)| *standing == whose).count()
    }

    /// Items that nobody needs: of shards that are finished, where all that came from them is begun, or nothing comes any
    /// more; and of processes that wait no longer.
    fn done(&self) -> Vec<Entry> {
        let waiting = self.view.shards.iter();
        let waiting = waiting.filter(|shard| self.entry(&shard.id).is_none() && !self.is_finished(&shard.id));
        let waited_for: HashSet<_> = waiting.filter_map(|shard| shard.parent.as_deref()).collect();
        let finished = self.view.entries.iter().map(|(entry, _)| *entry);
        let finished = finished.filter(|entry| entry.finished_at.is_some());
        let done = finished.filter(|entry| {
            shard_of(entry).is_some_and(|shard| {
                let is_known_without = self.left_behind.contains(shard) || !self.listed.contains(shard);
                is_known_without && !waited_for.contains(shard)
            })
        });
        let gone = self.view.waiting.iter().filter(|(_, standing)| *standing == Standing::Free);
        done.chain(gone.map(|(entry, _)| *entry)).cloned().collect()
    }
}

/// The shard that an entry is of.
fn shard_of(entry: &Entry) -> Option<&str> {
    entry.part.strip_prefix(SHARD_PARTS)
}

#[cfg(test)]
mod tests;
