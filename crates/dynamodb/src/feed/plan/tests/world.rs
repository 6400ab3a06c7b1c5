//! Many processes that follow the decisions, on a stream whose shards come and go, and are trimmed. Processes end without
//! a word. Whatever happens, nothing is followed by two, nothing is begun before what it came from is finished, and every
//! record is delivered, by a shard or by the table.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A shard: its records, and how many of them are trimmed.
struct Flow {
    shard: Shard,
    records: Vec<usize>,
    is_closed: bool,
    trimmed: usize,
    is_listed: bool,
}

/// What a process has taken.
#[derive(Clone)]
struct Held {
    round: u64,
    counter: u64,
    /// Where it is: in the shard, or in the table.
    place: usize,
}

#[derive(Default)]
struct Process {
    held: BTreeMap<Arc<str>, Held>,
}

struct World {
    random: fastrand::Rng,
    flows: Vec<Flow>,
    /// How many records there are. The table has all of them, in order.
    records: usize,
    past: Option<PastEntry>,
    /// What the table had when it was begun to be read, if it was in this round.
    read_from: Option<usize>,
    entries: BTreeMap<Arc<str>, Entry>,
    processes: Vec<Process>,
    delivered: BTreeSet<usize>,
    /// For how many steps nobody has been heard of.
    silent: BTreeMap<Arc<str>, usize>,
    rounds: u64,
}

/// For how many steps nobody is heard of before others take over.
const SILENCE: usize = 60;

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            flows: Vec::new(),
            records: 5,
            past: None,
            read_from: None,
            entries: BTreeMap::new(),
            processes: (0..3).map(|_| Process::default()).collect(),
            delivered: BTreeSet::new(),
            silent: BTreeMap::new(),
            rounds: 0,
        };
        world.grow(None);
        world.grow(None);
        world
    }

    fn grow(&mut self, parent: Option<Arc<str>>) {
        let id: Arc<str> = format!("s{:03}", self.flows.len()).into();
        let shard = Shard { id, parent };
        self.flows.push(Flow { shard, records: Vec::new(), is_closed: false, trimmed: 0, is_listed: true });
    }

    /// Something happens.
    fn happen(&mut self, trims: bool) {
        let open: Vec<_> = (0..self.flows.len()).filter(|flow| !self.flows[*flow].is_closed).collect();
        let open = open[self.random.usize(..open.len())];
        let process = self.random.usize(..self.processes.len());
        match self.random.u32(..40) {
            0..12 => {
                self.flows[open].records.push(self.records);
                self.records += 1;
            }
            12 => {
                self.flows[open].is_closed = true;
                let parent = self.flows[open].shard.id.clone();
                for _ in 0..self.random.usize(1..3) {
                    self.grow(Some(parent.clone()));
                }
            }
            13 if trims => self.trim(),
            // It ends without a word, and another one is started.
            14 => self.processes[process] = Process::default(),
            _ => {
                self.work(process);
                self.act(process);
            }
        }
    }

    /// Of a shard that is closed everything goes, and of one that is open the oldest. Only what nobody has got a place
    /// behind has to stay as long as the table was read a moment ago: that is what 12 hours of 24 are for.
    fn trim(&mut self) {
        let flow = self.random.usize(..self.flows.len());
        let part = shard_part(&self.flows[flow].shard.id);
        let round = self.past.as_ref().map_or(0, |past| past.entry.round);
        let entry = self.entries.get(&*part).filter(|entry| entry.round == round);
        let is_placed = entry.is_some_and(|entry| entry.checkpoint.is_some());
        let read_from = self.read_from.filter(|_| !is_placed).unwrap_or(self.records);
        let flow = &mut self.flows[flow];
        flow.trimmed = flow.trimmed.max(flow.records.partition_point(|record| *record < read_from));
        if flow.is_closed && (flow.trimmed == flow.records.len() || entry.is_none()) {
            flow.trimmed = flow.records.len();
            flow.is_listed = false;
        }
    }

    /// A process reads on in all that it has.
    fn work(&mut self, process: usize) {
        let parts: Vec<_> = self.processes[process].held.keys().cloned().collect();
        for part in parts {
            let held = self.processes[process].held[&part].clone();
            if !self.is_current(&part, &held) {
                self.processes[process].held.remove(&part);
            } else if &*part == TABLE_PART {
                self.read_table(process, &held);
            } else {
                self.read_shard(process, &part, &held);
            }
        }
    }

    /// Whether a write would succeed.
    fn is_current(&self, part: &str, held: &Held) -> bool {
        self.entry(part).is_some_and(|entry| entry.counter == held.counter && entry.round == held.round)
    }

    fn entry(&self, part: &str) -> Option<&Entry> {
        if part == TABLE_PART { self.past.as_ref().map(|past| &past.entry) } else { self.entries.get(part) }
    }

    fn entry_mut(&mut self, part: &str) -> &mut Entry {
        match part {
            TABLE_PART => &mut self.past.as_mut().unwrap().entry,
            _ => self.entries.get_mut(part).unwrap(),
        }
    }

    fn write(&mut self, process: usize, part: &Arc<str>, place: usize, change: impl FnOnce(&mut Entry)) {
        let entry = self.entry_mut(part);
        entry.counter += 1;
        change(entry);
        let (counter, is_over) = (entry.counter, entry.owner.is_none());
        let held = &mut self.processes[process].held;
        let of = held.get_mut(part).unwrap();
        (of.counter, of.place) = (counter, place);
        if is_over {
            held.remove(part);
        }
        self.silent.insert(part.clone(), 0);
    }

    fn read_table(&mut self, process: usize, held: &Held) {
        let up_to = (held.place + 3).min(self.records);
        self.delivered.extend(held.place..up_to);
        let is_whole = up_to == self.records;
        self.write(process, &TABLE_PART.into(), up_to, |entry| {
            if is_whole {
                entry.owner = None;
                entry.finished_at = Some(at(100));
            }
        });
    }

    fn read_shard(&mut self, process: usize, part: &Arc<str>, held: &Held) {
        let flow = self.flows.iter().find(|flow| shard_part(&flow.shard.id) == **part).unwrap();
        let is_placed = held.place > 0 || self.entries[part].checkpoint.is_some();
        if !flow.is_listed || (is_placed && flow.trimmed > held.place) {
            self.processes[process].held.remove(part);
            self.start_over(held.round);
            return;
        }
        let from = held.place.max(flow.trimmed);
        let up_to = (from + 2).min(flow.records.len());
        let is_over = flow.is_closed && up_to == flow.records.len();
        self.delivered.extend(&flow.records[from..up_to]);
        let saves = self.random.bool();
        self.write(process, part, up_to, |entry| {
            if is_over {
                entry.owner = None;
                entry.finished_at = Some(at(100));
            } else if saves && up_to > 0 {
                entry.checkpoint = Some(up_to.to_string().into());
            }
        });
    }

    fn start_over(&mut self, round: u64) {
        let past = self.past.as_mut().unwrap();
        if past.entry.round == round {
            past.entry.round += 1;
            past.entry.finished_at = None;
            past.is_opened = false;
            past.roots.clear();
            self.read_from = None;
            self.rounds += 1;
        }
    }

    /// A process looks, decides, and does it.
    fn act(&mut self, process: usize) {
        let owner: Arc<str> = format!("p{process}").into();
        let round = self.past.as_ref().map_or(0, |past| past.entry.round);
        let step = self.decide(process, &owner, round);
        for silent in self.silent.values_mut() {
            *silent += 1;
        }
        match step {
            Step::Begin => {
                let entry = Entry { part: TABLE_PART.into(), ..super::entry("-", 1) };
                self.past = Some(PastEntry { entry, is_opened: false, ..past(&[]) });
                self.rounds = 1;
            }
            Step::StartOver(_) => self.start_over(round),
            Step::GiveUp(parts) => self.processes[process].held.retain(|part, _| !parts.contains(part)),
            Step::Forget(entries) => {
                for entry in entries {
                    assert!(entry.round < round || entry.finished_at.is_some(), "{entry:?} in round {round}");
                    self.entries.remove(&entry.part);
                }
            }
            Step::Open(roots) => {
                let past = self.past.as_mut().unwrap();
                (past.is_opened, past.roots) = (true, roots.into_iter().collect());
            }
            Step::TakePast => {
                self.read_from = Some(self.records);
                self.take(process, TABLE_PART.into(), round, 0, &owner);
            }
            Step::Take(take) => {
                let part: Arc<str> = shard_part(&take.shard).into();
                self.what_comes_before_is_finished(&take.shard);
                let place = match &take.from {
                    From::Horizon => 0,
                    From::Behind(checkpoint) => checkpoint.parse().unwrap(),
                };
                let checkpoint = take.entry.as_ref().and_then(|entry| entry.checkpoint.clone());
                let counter = take.entry.map_or(0, |entry| entry.counter);
                let entry =
                    Entry { counter, checkpoint, read_to: take.read_to, ..super::entry(&take.shard, round) };
                self.entries.insert(part.clone(), entry);
                self.take(process, part, round, place, &owner);
            }
            Step::HandOver(_) | Step::Announce | Step::Wait { .. } => {}
        }
    }

    fn decide(&mut self, process: usize, owner: &Arc<str>, round: u64) -> Step {
        let held = &self.processes[process].held;
        let standing = |entry: &Entry| match &entry.owner {
            None => Free,
            Some(of) if of == owner => match held.get(&entry.part) {
                Some(held) if held.round == round => Ours,
                Some(_) => Leaving,
                None => Free,
            },
            Some(_) if self.silent.get(&entry.part).is_some_and(|silent| *silent > SILENCE) => Free,
            Some(_) => Others,
        };
        let listed = self.flows.iter().filter(|flow| flow.is_listed);
        let shards: Vec<_> = listed.map(|flow| flow.shard.clone()).collect();
        let is_patient = self.random.u32(..3) > 0;
        let neglected = shards.iter().map(|shard| shard.id.clone()).filter(|_| !is_patient).collect();
        let view = View {
            stream: &"stream".into(),
            shards: &shards,
            past: self.past.as_ref().map(|past| (past, standing(&past.entry))),
            entries: self.entries.values().map(|entry| (entry, standing(entry))).collect(),
            waiting: Vec::new(),
            neglected: &neglected,
            now: at(101),
        };
        plan(&view).0
    }

    fn what_comes_before_is_finished(&self, shard: &str) {
        assert!(self.past.as_ref().unwrap().entry.finished_at.is_some(), "the table comes first");
        let flow = self.flows.iter().find(|flow| &*flow.shard.id == shard).unwrap();
        let parent = flow.shard.parent.as_ref().and_then(|parent| self.entries.get(&*shard_part(parent)));
        assert!(parent.is_none_or(|parent| parent.finished_at.is_some()), "{shard} before its parent");
    }

    fn take(&mut self, process: usize, part: Arc<str>, round: u64, place: usize, owner: &Arc<str>) {
        let entry = self.entry_mut(&part);
        entry.counter += 1;
        entry.owner = Some(owner.clone());
        let counter = entry.counter;
        self.silent.insert(part.clone(), 0);
        // Whoever had it before finds its counter changed, and lets go. Nobody may be at what overlaps with it.
        for other in &self.processes {
            for (of, held) in other.held.iter().filter(|(of, _)| **of != part) {
                let is_past = |part: &str| part == TABLE_PART;
                let overlaps = is_past(&part) || is_past(of) || held.round != round;
                let is_at_it = self.is_current(of, held);
                assert!(!(is_at_it && overlaps), "{part} of {round} while {of} of {} is held", held.round);
            }
        }
        self.processes[process].held.insert(part, Held { round, counter, place });
    }

    /// Nothing more happens to the stream, and all that live go on.
    fn settle(&mut self) {
        let mut turns = 0..6_000;
        while let Some(turn) = turns.next()
            && self.delivered.len() < self.records
        {
            let process = turn % self.processes.len();
            self.work(process);
            self.act(process);
        }
    }
}

#[test]
fn whatever_happens_every_record_is_delivered() {
    let mut rounds = 0;
    for seed in 0..300 {
        let mut world = World::new(seed);
        let trims = seed % 2 == 1;
        for _ in 0..600 {
            world.happen(trims);
        }
        world.settle();
        let missing: Vec<_> = (0..world.records).filter(|record| !world.delivered.contains(record)).collect();
        let World { records, rounds: of_this, .. } = world;
        assert!(missing.is_empty(), "seed {seed}: {missing:?} of {records} after {of_this} rounds");
        assert!(trims || of_this == 1, "seed {seed}: nothing was missing");
        rounds = rounds.max(of_this);
    }
    assert!(rounds > 2, "nothing was ever missing");
}
