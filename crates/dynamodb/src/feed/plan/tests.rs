//! The decisions one by one, and then many processes that follow them on a stream whose shards come and go.

use super::*;
use crate::rows::shard_part;

fn at(hours: u64) -> Timestamp {
    Timestamp::from_unix_millis(hours * 3_600_000)
}

fn shard(id: &str, parent: Option<&str>) -> Shard {
    Shard { id: id.into(), parent: parent.map(Into::into) }
}

fn entry(shard: &str, round: u64) -> Entry {
    Entry {
        part: shard_part(shard).into(),
        round,
        counter: 7,
        owner: None,
        lease: Duration::from_secs(10),
        checkpoint: None,
        read_to: Some(at(100)),
        finished_at: None,
    }
}

fn checked(shard: &str, checkpoint: &str) -> Entry {
    Entry { checkpoint: Some(checkpoint.into()), ..entry(shard, 3) }
}

fn owned(shard: &str, owner: &str) -> Entry {
    Entry { owner: Some(owner.into()), ..entry(shard, 3) }
}

fn finished(shard: &str) -> Entry {
    Entry { finished_at: Some(at(100)), ..entry(shard, 3) }
}

/// Round 3, the past read at hour 100, opened with these shards.
fn past(roots: &[&str]) -> PastEntry {
    let entry = Entry { part: TABLE_PART.into(), finished_at: Some(at(100)), ..entry("-", 3) };
    let roots = roots.iter().map(|root| Arc::from(*root)).collect();
    let stream = Some("stream".into());
    PastEntry { entry, stream, begun_at: None, places: Vec::new(), is_opened: true, roots }
}

/// What is decided an hour later.
struct Case<'a> {
    past: Option<(PastEntry, Standing)>,
    shards: &'a [Shard],
    entries: &'a [(Entry, Standing)],
    waiting: &'a [(Entry, Standing)],
    neglected: &'a [&'a str],
    hour: u64,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            past: Some((past(&["a"]), Standing::Free)),
            shards: &[],
            entries: &[],
            waiting: &[],
            neglected: &[],
            hour: 101,
        }
    }
}

impl Case<'_> {
    fn step(&self) -> Step {
        let neglected = self.neglected.iter().map(|shard| Arc::from(*shard)).collect();
        let view = View {
            stream: &"stream".into(),
            shards: self.shards,
            past: self.past.as_ref().map(|(past, standing)| (past, *standing)),
            entries: self.entries.iter().map(|(entry, standing)| (entry, *standing)).collect(),
            waiting: self.waiting.iter().map(|(entry, standing)| (entry, *standing)).collect(),
            neglected: &neglected,
            now: at(self.hour),
        };
        plan(&view).0
    }
}

fn horizon(id: &str, is_in_table: bool) -> Step {
    let read_to = Some(at(100));
    Step::Take(Take { shard: id.into(), entry: None, from: From::Horizon, read_to, is_in_table })
}

fn wait(for_others: WaitsFor) -> Step {
    Step::Wait { for_others }
}

use Standing::{Free, Leaving, Others, Ours};
use WaitsFor::Nobody;

#[test]
fn the_past_comes_first() {
    assert_eq!(Case { past: None, ..Case::default() }.step(), Step::Begin);
    let unread = || {
        let PastEntry { entry, .. } = past(&[]);
        PastEntry { entry: Entry { finished_at: None, ..entry }, is_opened: false, ..past(&[]) }
    };
    let shards = [shard("a", None)];
    for (standing, step) in [(Free, Step::TakePast), (Ours, wait(Nobody)), (Others, wait(WaitsFor::Others))] {
        let case = Case { past: Some((unread(), standing)), shards: &shards, ..Case::default() };
        assert_eq!(case.step(), step);
    }
}

#[test]
fn a_round_is_opened_with_the_shards_that_come_from_none_that_is_there() {
    let closed = PastEntry { is_opened: false, roots: HashSet::new(), ..past(&[]) };
    let shards = [shard("a", None), shard("b", Some("gone")), shard("c", Some("a"))];
    let case = Case { past: Some((closed.clone(), Free)), shards: &shards, ..Case::default() };
    assert_eq!(case.step(), Step::Open(vec!["a".into(), "b".into()]));
    let none = Case { past: Some((closed, Free)), ..Case::default() };
    assert_eq!(none.step(), Step::Open(vec![]));
}

#[test]
fn a_shard_is_begun_when_its_parent_is_finished() {
    let shards = [shard("a", None), shard("b", Some("a")), shard("c", Some("b"))];
    let step =
        |entries: &[(Entry, Standing)], shards: &[Shard]| Case { shards, entries, ..Case::default() }.step();
    assert_eq!(step(&[], &shards), horizon("a", true));
    assert_eq!(step(&[(owned("a", "we"), Ours)], &shards), wait(Nobody));
    assert_eq!(step(&[(owned("a", "they"), Others)], &shards), wait(WaitsFor::Others));
    assert_eq!(step(&[(finished("a"), Free)], &shards), horizon("b", false));
    // Not listed any more, and known as finished.
    assert_eq!(step(&[(finished("a"), Free)], &shards[1..]), horizon("b", false));
    let both = [(finished("a"), Free), (finished("b"), Free)];
    assert_eq!(step(&both, &shards), horizon("c", false));
    // Not listed when the round began.
    let roots = Some((past(&["b"]), Free));
    let case = Case { past: roots, shards: &shards[1..2], ..Case::default() };
    assert_eq!(case.step(), horizon("b", true));
    // A stream that had none when the round began.
    assert_eq!(step(&[], &[shard("z", None)]), horizon("z", true));
}

#[test]
fn what_a_round_began_with_may_be_gone_before_it_is_begun() {
    // It can only have had what was in the table.
    let child = [shard("b", Some("a"))];
    let step = |hour| Case { shards: &child, hour, ..Case::default() }.step();
    assert_eq!(step(101), horizon("b", true));
    assert_eq!(step(113), Step::StartOver(Lost::Late("b".into())));
}

#[test]
fn a_shard_that_was_begun_goes_on_where_it_was() {
    let shards = [shard("b", Some("gone"))];
    let entry = checked("b", "0042");
    let entries = [(entry.clone(), Free)];
    let from = From::Behind("0042".into());
    let take =
        Take { shard: "b".into(), entry: Some(entry), from, read_to: Some(at(100)), is_in_table: false };
    // However long ago: the stream itself tells whether it goes back that far.
    let case = Case { shards: &shards, entries: &entries, hour: 10_000, ..Case::default() };
    assert_eq!(case.step(), Step::Take(take));
}

#[test]
fn what_may_be_missing_begins_another_round() {
    let lost = |case: Case<'_>| match case.step() {
        Step::StartOver(lost) => lost,
        step => panic!("{step:?}"),
    };
    for (stream, why) in [(Some("another".into()), Lost::OtherStream), (None, Lost::NoStream)] {
        let other = PastEntry { stream, ..past(&["a"]) };
        assert_eq!(lost(Case { past: Some((other, Others)), ..Case::default() }), why);
    }

    let gone = [(checked("a", "1"), Free)];
    assert_eq!(lost(Case { entries: &gone, ..Case::default() }), Lost::Vanished("a".into()));

    let orphan = [shard("c", Some("b"))];
    assert_eq!(lost(Case { shards: &orphan, ..Case::default() }), Lost::UnknownParent("c".into()));
    let stranger = [(finished("a"), Free)];
    let case = Case { shards: &orphan, entries: &stranger, ..Case::default() };
    assert_eq!(lost(case), Lost::UnknownParent("c".into()));

    let late = [shard("a", None)];
    assert_eq!(lost(Case { shards: &late, hour: 113, ..Case::default() }), Lost::Late("a".into()));
    // One that the round did not begin with.
    let unknown = [shard("z", None)];
    assert_eq!(lost(Case { shards: &unknown, hour: 113, ..Case::default() }), Lost::Late("z".into()));
    let shards = [shard("a", None), shard("b", Some("a"))];
    let parent = [(finished("a"), Free)];
    let case = Case { shards: &shards, entries: &parent, hour: 113, ..Case::default() };
    assert_eq!(lost(case), Lost::Late("b".into()));
    let unsaved = [(entry("a", 3), Free)];
    assert_eq!(
        lost(Case { shards: &late, entries: &unsaved, hour: 113, ..Case::default() }),
        Lost::Late("a".into())
    );
}

#[test]
fn who_is_far_behind_does_not_begin_what_may_have_lost_its_beginning() {
    let shards = [shard("a", None), shard("b", Some("a"))];
    let step = |read_to, b: Option<Timestamp>| {
        // Finished a moment ago; its last record is from then.
        let a = Entry { read_to, finished_at: Some(at(120)), ..entry("a", 3) };
        let b = b.map(|read_to| (Entry { read_to: Some(read_to), ..entry("b", 3) }, Free));
        let entries: Vec<_> = [(a, Free)].into_iter().chain(b).collect();
        Case { shards: &shards, entries: &entries, hour: 120, ..Case::default() }.step()
    };
    let late = Step::StartOver(Lost::Late("b".into()));
    assert_eq!(step(Some(at(107)), None), late);
    assert!(matches!(step(Some(at(108)), None), Step::Take(take) if take.read_to == Some(at(108))));
    // Nothing is known but that the table was read.
    assert_eq!(step(None, None), late);
    // It is begun, and nothing of it is saved.
    assert_eq!(step(Some(at(119)), Some(at(107))), late);
    assert!(matches!(step(Some(at(107)), Some(at(119))), Step::Take(take) if take.read_to == Some(at(119))));
    // A clock was ahead: by less than it takes for something to be gone, and by so much that nobody knows.
    assert!(matches!(step(Some(at(132)), None), Step::Take(take) if take.read_to == Some(at(132))));
    assert_eq!(step(Some(at(133)), None), late);
    assert_eq!(step(Some(at(119)), Some(at(168))), late);
}

#[test]
fn what_only_looks_like_it_does_not() {
    // Who is at a shard finds out by themselves that it is gone.
    for (standing, step) in [(Ours, wait(Nobody)), (Others, wait(WaitsFor::Others))] {
        let entries = [(owned("a", "somebody"), standing)];
        assert_eq!(Case { entries: &entries, ..Case::default() }.step(), step);
    }
    // It was looked at a moment ago, and has nothing yet.
    let shards = [shard("a", None)];
    let read_to = Some(at(111));
    let idle = Entry { read_to, ..entry("a", 3) };
    let entries = [(idle.clone(), Free)];
    let take = Take { shard: "a".into(), entry: Some(idle), from: From::Horizon, read_to, is_in_table: true };
    let case = Case { shards: &shards, entries: &entries, hour: 113, ..Case::default() };
    assert_eq!(case.step(), Step::Take(take));
    // A parent that is still being read, and no longer listed.
    let shards = [shard("b", Some("a"))];
    let entries = [(owned("a", "they"), Others)];
    assert_eq!(Case { shards: &shards, entries: &entries, ..Case::default() }.step(), wait(WaitsFor::Others));
}

#[test]
fn nobody_is_at_an_earlier_round_when_one_begins() {
    let unread =
        PastEntry { entry: Entry { finished_at: None, ..past(&[]).entry }, is_opened: false, ..past(&[]) };
    let step = |standing: Standing, entries: &[(Entry, Standing)]| {
        Case { past: Some((unread.clone(), standing)), entries, ..Case::default() }.step()
    };
    let before = entry("a", 2);
    assert_eq!(step(Free, &[(before.clone(), Others)]), wait(WaitsFor::Others));
    assert_eq!(step(Free, &[(before.clone(), Leaving)]), Step::GiveUp(vec![before.part.clone()]));
    let both = [(before.clone(), Free), (entry("b", 1), Others)];
    assert_eq!(step(Free, &both), Step::Forget(vec![before]));
    assert_eq!(step(Leaving, &[]), Step::GiveUp(vec![TABLE_PART.into()]));
    assert_eq!(step(Free, &[]), Step::TakePast);
}

#[test]
fn others_get_their_share() {
    let shards: Vec<_> = ["a", "b", "c", "d", "e"].map(|id| shard(id, None)).into();
    let past = past(&["a", "b", "c", "d", "e"]);
    let step = |entries: &[(Entry, Standing)], neglected: &[&str]| {
        let past = Some((past.clone(), Free));
        Case { past, shards: &shards, entries, neglected, ..Case::default() }.step()
    };
    let ours = |id| (owned(id, "we"), Ours);
    let theirs = |id| (owned(id, "they"), Others);
    // Alone, one takes all.
    assert_eq!(step(&[ours("a"), ours("b"), ours("c"), ours("d")], &[]), horizon("e", true));
    // Of five, one of two may have three.
    assert_eq!(step(&[ours("a"), ours("b"), theirs("c")], &[]), horizon("d", true));
    assert_eq!(step(&[ours("a"), ours("b"), ours("c"), theirs("d")], &[]), wait(WaitsFor::Others));
    // Unless nobody else takes it.
    assert_eq!(step(&[ours("a"), ours("b"), ours("c"), theirs("d")], &["e"]), horizon("e", true));
}

#[test]
fn who_has_more_than_their_share_hands_over_to_whoever_waits() {
    let shards: Vec<_> = ["a", "b", "c"].map(|id| shard(id, None)).into();
    let step = |entries: &[(Entry, Standing)], waiting: &[(Entry, Standing)]| {
        let past = Some((past(&["a", "b", "c"]), Free));
        Case { past, shards: &shards, entries, waiting, ..Case::default() }.step()
    };
    let of = |owner: &str, standing| ["a", "b", "c"].map(|id| (owned(id, owner), standing));
    let waits = |standing| (Entry { owner: Some("they".into()), ..entry("-", 3) }, standing);
    assert_eq!(step(&of("they", Others), &[]), Step::Announce);
    assert_eq!(step(&of("we", Ours), &[]), wait(Nobody));
    assert_eq!(step(&of("we", Ours), &[waits(Others)]), Step::HandOver(shard_part("a").into()));
    assert_eq!(step(&of("we", Ours), &[waits(Free)]), Step::Forget(vec![waits(Free).0]));
    // Two and one: nobody has more than their share, whoever waits.
    let mut shared = of("we", Ours);
    shared[0] = (owned("a", "they"), Others);
    assert_eq!(step(&shared, &[waits(Others)]), wait(WaitsFor::Others));
    shared[1] = (owned("b", "they"), Others);
    assert_eq!(step(&shared, &[]), wait(WaitsFor::Others));
    // One shard is for one.
    let case = Case { shards: &shards[..1], entries: &[(owned("a", "they"), Others)], ..Case::default() };
    assert_eq!(case.step(), wait(WaitsFor::Others));
}

#[test]
fn items_that_nobody_needs_are_deleted() {
    let step =
        |shards: &[Shard], entries: &[(Entry, Standing)]| Case { shards, entries, ..Case::default() }.step();
    let (a, b) = ((finished("a"), Free), (owned("b", "we"), Ours));
    let shards = [shard("a", None), shard("b", Some("a"))];
    let forgets_a = Step::Forget(vec![a.0.clone()]);
    // Its child is begun, so it is known that it is finished.
    assert_eq!(step(&shards, &[a.clone(), b.clone()]), forgets_a);
    assert_eq!(step(&shards, std::slice::from_ref(&b)), wait(Nobody));
    assert_eq!(step(&shards[1..], &[a.clone(), b.clone()]), forgets_a);
    // And so from one to the next.
    let further = [shards[0].clone(), shards[1].clone(), shard("c", Some("b"))];
    assert_eq!(step(&further, &[(owned("c", "we"), Ours)]), wait(Nobody));
    // Another child comes to light.
    let both = [shards[0].clone(), shards[1].clone(), shard("c", Some("a"))];
    assert_eq!(step(&both, std::slice::from_ref(&b)), horizon("c", false));
    // Its child is not begun.
    assert_eq!(step(&shards, std::slice::from_ref(&a)), horizon("b", false));
    // Its child is not begun, because this process has its share.
    let child = [shard("b", Some("a")), shard("c", None), shard("d", None), shard("e", None)];
    let held = [(owned("c", "we"), Ours), (owned("d", "we"), Ours), (owned("e", "they"), Others), a.clone()];
    assert_eq!(step(&child, &held), wait(WaitsFor::Others));
    // It has no child yet, and is listed: it would be begun again.
    assert_eq!(step(&shards[..1], std::slice::from_ref(&a)), wait(Nobody));
    assert_eq!(step(&[], std::slice::from_ref(&a)), forgets_a);
}

mod world;
